"""How a benchmark speaks to whoever started it."""

import logging
import time
from pathlib import Path

import click


def log_to(file: Path) -> None:
    """Send what is logged there instead of to the terminal."""
    logging.basicConfig(
        filename=file,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )


def tell(message: str) -> None:
    """On standard error, with the time of day."""
    click.echo(f"[{time.strftime('%H:%M:%S')}] {message}", err=True)

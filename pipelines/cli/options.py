"""What several commands take: where settings come from, and ``--json``. Imports nothing heavy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from configs.catalogue import DEFAULT_PROFILE, SettingsError, profiles

F = TypeVar("F", bound=Callable[..., Any])


def settings_options(command: F) -> F:
    """Where settings come from; the same for every command."""
    for option in (
        click.option("--profile", metavar="NAME", help=f"Settings that ship: {', '.join(profiles())}. Default: {DEFAULT_PROFILE} (env EARMARK_PROFILE)."),
        click.option("--config", "config_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML file of settings, over the profile."),
        click.option("--set", "assignments", metavar="SECTION.NAME=VALUE", multiple=True, help="One setting, over everything else; may be repeated. `settings` lists them."),
    ):  # fmt: skip
        command = option(command)
    return command


json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else there."
)


def load(
    profile: str | None,
    config_file: Path | None,
    assignments: tuple[str, ...],
    flags: dict[str, Any] | None = None,
) -> Any:
    """The settings that the options of ``settings_options`` make.

    Args:
        flags: settings that options of their own stand for, ``{"section.name": value}``.

    Raises:
        SettingsError: one is refused.
    """
    from actors.credentials import masked
    from configs.load import SECRET_SETTINGS, load_settings

    overrides: dict[str, Any] = dict(flags or {})
    for assignment in assignments:
        name, found, value = assignment.partition("=")
        if not found or "." not in name:
            raise SettingsError(f"--set {masked(assignment)}: expected SECTION.NAME=VALUE")
        if name in SECRET_SETTINGS and masked(value) != value:
            raise SettingsError(
                f"--set {name}: every user of this machine can read a command line, and this one holds a password; "
                f"set the environment variable EARMARK_{name.replace('.', '__').upper()}"
            )
        overrides[name] = None if value == "" else value
    return load_settings(profile, config_file, overrides)

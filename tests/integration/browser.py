"""A real Chromium without a window, and what a person would see in it.

Debian's ``chromium`` and ``chromium-driver``; it talks to nobody but who serves its page, and forgets all of it.
"""

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--hide-scrollbars", "--lang=en",
)  # fmt: skip
NEEDED = ("chromium", "chromedriver")
LOAD_S = 60.0
PICTURES = "TEST_PICTURES"
"""Names a directory where pictures of what was opened are kept."""


class Browser:
    """One page after another."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def show_as(self, width: int, height: int = 800, *, dark: bool = False, paper: bool = False) -> None:
        """As a screen, or a sheet, of so many CSS pixels; narrower than a window of the desktop can be, too."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = {"media": "print" if paper else "screen", "features": [scheme]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def open(self, url: str) -> None:
        self.driver.get_log("browser")  # what was said about the page before
        self.driver.get(url)

    def complaints(self) -> list[str]:
        """What the console said about the page since it was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "DEBUG"]

    def text(self) -> str:
        """All that is rendered as text, what lies further down included."""
        return str(self.driver.execute_script("return document.body.innerText"))

    def overflow_px(self) -> int:
        """By how much the page is wider than its window."""
        script = "return document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.driver.execute_script(script))

    def keep_picture(self, name: str, height: int | None = None) -> None:
        """Where ``PICTURES`` names a directory: the page from its top, or all of it."""
        folder = os.environ.get(PICTURES)
        if folder is None:
            return
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        how = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", how)
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own.

    Raises:
        FileNotFoundError: no Chromium here.
    """
    chromium, chromedriver = (_program(name) for name in NEEDED)
    profile = tempfile.mkdtemp(prefix="earmark-browser-")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Both programs are named, so that selenium doesn't look for them elsewhere.
    driver = Chrome(options=options, service=ChromeService(executable_path=chromedriver))
    try:
        driver.set_page_load_timeout(LOAD_S)
        yield Browser(driver)
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} isn't there: apt-get install chromium chromium-driver")
    return found

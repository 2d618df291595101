"""Epic's packages, the pages made of them, and a browser."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.pages.sites import Site, start_site

HERE: Final = Path(__file__).parent

VERSIONS: Final = ("5.2", "5.3", "5.4", "5.5", "5.6", "5.7")

CHROMIUM_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


@pytest.fixture(scope="session")
def node() -> Callable[..., str]:
    """Give a function that runs a script beside this file; Epic's packages are installed."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    npm = shutil.which("npm", path=environment["PATH"])
    if npm is None:
        pytest.skip("there is no npm")

    def run(*command: str) -> str:
        result = subprocess.run(  # noqa: S603 - our own scripts
            command, cwd=HERE, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    if not is_installed():
        run(npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    return lambda *arguments: run("node", *arguments)


def is_installed() -> bool:
    """Return whether the packages are there, and newer than what is locked."""
    installed = HERE / "node_modules" / ".package-lock.json"
    locked = HERE / "package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= locked.stat().st_mtime


@pytest.fixture(scope="session")
def pages(node: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a page for each engine version."""
    folder = tmp_path_factory.mktemp("pages")
    node("build.mjs", str(folder), *VERSIONS)
    return folder


@pytest.fixture(scope="module")
def sites(pages: Path) -> Iterator[Callable[[str], Site]]:
    """Give a function that returns the site of a dialect, started when first asked for."""
    with contextlib.ExitStack() as stack:
        started: dict[str, Site] = {}

        def site(dialect: str) -> Site:
            if dialect not in started:
                started[dialect] = start_site(dialect, pages, stack)
            return started[dialect]

        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=list(CHROMIUM_FLAGS)
        )
        yield browser
        browser.close()

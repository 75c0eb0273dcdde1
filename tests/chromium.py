"""One headless Chromium for all tests that need a browser: Debian's, through Playwright, nothing downloaded.

A plugin of pytest (see pyproject.toml), so that page tests and journeys share it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
MISSING = "NO BROWSER: these tests did not run. Install one: apt-get install chromium-headless-shell libatomic1"


def executable() -> str | None:
    """`$CHROMIUM`, or the first Chromium on the path."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = executable()
    if path is None:
        pytest.skip(MISSING)
    playwright_api = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    with playwright_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield chromium
        chromium.close()

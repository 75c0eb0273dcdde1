"""The living page of all parts: accessible in both themes and at both widths, usable with and without script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portals.web import components_page, setup
from tests.browser.conftest import Serve, Visit

PAGES = ("", "form", "withdrawal", "board", "sign-in", "bills/b1", "bills/b2/rejection")
Axe = Callable[[Any], list[str]]


@pytest.fixture
def site(serve: Serve) -> str:
    app = Flask("components", template_folder=str(setup.TEMPLATES), static_folder=None)
    app.secret_key = "only for these tests, but long enough"
    setup.init_app(app)
    app.register_blueprint(components_page.bp)
    return serve(app) + "/dev/components/"


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_accessible_and_fits(site: str, visit: Visit, axe: Axe, dark: bool, width: int) -> None:
    page = visit(site, width=width, dark=dark)
    for name in PAGES:
        page.goto(site + name)
        assert axe(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"


@pytest.mark.parametrize("portal", ["organization", "creator", "contractor", "vendor", "consultant"])
def test_every_accent_has_contrast(site: str, visit: Visit, axe: Axe, portal: str) -> None:
    for dark in (False, True):
        page = visit(f"{site}?portal={portal}", dark=dark)
        assert axe(page) == [], "dark" if dark else "light"

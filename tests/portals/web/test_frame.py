"""Navigation and paging: where the reader is, and the way to the neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from portals.web import nav, paging


def test_the_longest_address_that_holds_is_the_current_one() -> None:
    urls = ["/org/oxford/", "/org/oxford/bills", "/org/oxford/bills/imports", "/org/oxford/payees"]
    current = {
        "/org/oxford/": "/org/oxford/",
        "/org/oxford": "/org/oxford/",
        "/org/oxford/bills": "/org/oxford/bills",
        "/org/oxford/bills/7": "/org/oxford/bills",
        "/org/oxford/bills/imports/7": "/org/oxford/bills/imports",
        "/org/oxford/billsandmore": None,
        "/org/oxford/settings": None,
    }
    for path, url in current.items():
        assert nav._longest_prefix(urls, path, "/org/oxford/") == url, path


def test_the_frame_shows_counts_sections_and_the_way_out(app: Flask) -> None:
    html = app.test_client().get("/dev/components/board?portal=vendor").text
    assert '<html lang="en" data-portal="vendor"' in html
    assert html.count('aria-current="page"><svg') == 3, "sidebar, tab bar and the menu behind More"
    assert '<span class="count">4</span>' in html and "<h2>Work</h2>" in html
    assert 'action="/dev/components/toast"' in html and "Sign out" in html


@dataclass(frozen=True)
class Found:
    next_cursor: str | None
    previous_cursor: str | None


@pytest.fixture
def listing(app: Flask) -> Flask:
    app.add_url_rule("/org/<slug>/bills", endpoint="bills", view_func=lambda slug: "")
    return app


def test_neighbours_keep_the_filters(listing: Flask) -> None:
    with listing.test_request_context("/org/oxford/bills?status=open&tag=a&tag=b&cursor=now&limit=10"):
        found = paging.neighbours(Found(next_cursor="n=1&x", previous_cursor=None))
    assert found.newer is None
    assert found.older == "/org/oxford/bills?status=open&tag=a&tag=b&cursor=n%3D1%26x&limit=10"


def test_a_new_filter_starts_at_the_first_page(listing: Flask) -> None:
    with listing.test_request_context("/org/oxford/bills?status=open&cursor=now"):
        assert paging.url_with(status="paid") == "/org/oxford/bills?status=paid"
        assert paging.url_with(status=None) == "/org/oxford/bills"


@pytest.mark.parametrize(
    ("query", "limit", "cursor"),
    [
        ("", 50, None),
        ("limit=10&cursor=abc", 10, "abc"),
        ("limit=9999", 200, None),
        ("limit=-4", 1, None),
        ("limit=x", 50, None),
    ],
)
def test_what_the_address_asks_for(listing: Flask, query: str, limit: int, cursor: str | None) -> None:
    with listing.test_request_context(f"/org/oxford/bills?{query}"):
        assert paging.wanted() == paging.PageRequest(cursor, limit)

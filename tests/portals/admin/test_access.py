"""Who may not see these pages, one by one. (Every route is walked in tests/architecture too.)"""

from __future__ import annotations

import pytest

from tests.factories.payouts import Shop
from tests.portals.conftest import Browser

NOBODY = "00000000-0000-4000-8000-000000000000"  # the same in each process, or xdist could not deal the tests out

PAGES = (
    "", "payouts", "payouts.csv", "batches", "batches/new", "exports", "payees", "organizations", "organizations/shop",
    "deposits", "adjustments", "webhooks", "audit", "audit.csv", "ledger", "doctor",
)  # fmt: skip
CHANGES = (
    "payouts/approvals", "payouts/sendings", "payouts/rejections", "batches/new", f"batches/{NOBODY}/approval",
    f"exports/{NOBODY}/release", f"exports/{NOBODY}/file", f"deposits/{NOBODY}/confirmation",
    f"webhooks/{NOBODY}/run", f"webhooks/{NOBODY}/received",
    f"adjustments/{NOBODY}/approval", f"payees/{NOBODY}/adjustments/new",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_for_admins_only(page: str, browser: Browser, client: Browser, strangers: list[Browser]) -> None:
    assert browser.get(f"/admin/{page}").status_code == 200
    for stranger in strangers:
        assert stranger.get(f"/admin/{page}").status_code == 404
    signed_out = client.get(f"/admin/{page}")
    assert signed_out.status_code == 303 and signed_out.location.startswith("/admin/signin")


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_for_admins_only(change: str, client: Browser, strangers: list[Browser]) -> None:
    for stranger in strangers:
        assert stranger.post(f"/admin/{change}", {"id": NOBODY}).status_code == 404
    assert client.post(f"/admin/{change}").status_code == 303


def test_a_change_needs_the_token_of_the_session(browser: Browser, place: Shop) -> None:
    assert browser.post("/admin/payouts/approvals", {"id": NOBODY}, csrf=False).status_code == 400


def test_what_does_not_exist_is_a_page_that_says_so(browser: Browser) -> None:
    for path in ("payouts", "batches", "exports", "payees", "webhooks"):
        answer = browser.get(f"/admin/{path}/{NOBODY}")
        assert answer.status_code == 404 and "There is no such" in answer.text
    assert browser.get("/admin/organizations/nowhere").status_code == 404
    assert browser.get("/admin/batches/new?organization=nowhere").status_code == 404

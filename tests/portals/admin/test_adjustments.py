"""Corrections by one admin, above the limit by two; wrong input loses nothing."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.session import unit_of_work
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.conftest import Browser


def form(place: Shop, **more: str) -> dict[str, str]:
    return {
        "organization": str(place.organization_id), "kind": "manual", "amount": "-20.00", "currency": "GBP",
        "reason": "Counted twice", "note": "Ticket 12", **more,
    }  # fmt: skip


def made(browser: Browser, place: Shop, **more: str) -> UUID:
    answer = browser.post(f"/admin/payees/{place.payee_ids[0]}/adjustments/new", form(place, **more))
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def earned() -> list[int]:
    with unit_of_work(PLATFORM) as session:
        return list(session.execute(text("SELECT amount_minor FROM earnings ORDER BY created_at")).scalars())


def test_a_small_one_is_applied_at_once(browser: Browser, place: Shop) -> None:
    payee = browser.get(f"/admin/payees/{place.payee_ids[0]}").text
    assert f"/admin/payees/{place.payee_ids[0]}/adjustments/new" in payee
    adjustment_id = made(browser, place)
    page = browser.get(f"/admin/adjustments/{adjustment_id}").text
    assert "Counted twice" in page and "Ticket 12" in page and "Applied" in page and earned() == [-20_00]
    assert browser.post(f"/admin/adjustments/{adjustment_id}/notes/new", {"note": " "}).status_code == 422
    assert browser.post(f"/admin/adjustments/{adjustment_id}/notes/new", {"note": "Asked again"}).status_code == 303
    assert "Asked again" in browser.get(f"/admin/adjustments/{adjustment_id}").text
    assert "Vendor 000" in browser.get("/admin/adjustments?state=applied").text
    assert "No adjustment waits" in browser.get("/admin/adjustments").text


def test_a_large_one_is_decided_by_somebody_else(browser: Browser, second: Browser, place: Shop) -> None:
    adjustment_id = made(browser, place, amount="500.01", kind="bonus")
    path = f"/admin/adjustments/{adjustment_id}"
    assert "You made this adjustment yourself" in browser.get(path).text and earned() == []
    assert browser.post(f"{path}/approval").status_code == 403
    assert "Vendor 000" in second.get("/admin/adjustments").text
    assert second.post(f"{path}/approval").status_code == 303 and earned() == [500_01]
    other = f"/admin/adjustments/{made(browser, place, amount='900')}"
    assert second.get(f"{other}/refusal").status_code == 200
    assert second.post(f"{other}/refusal", {"note": ""}).status_code == 422
    assert second.post(f"{other}/refusal", {"note": "It was right before"}).status_code == 303
    assert "It was right before" in browser.get(other).text and earned() == [500_01]


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("amount", "lots", "amount"), ("amount", "0", "amount"), ("kind", "refund", "below zero"),
        ("reason", "", "the payee reads it"), ("note", "x" * 501, "500"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_beside_the_field(browser: Browser, place: Shop, field: str, typed: str, told: str) -> None:
    given = form(place, amount="20.00", note="Ticket 77") | {field: typed}
    answer = browser.post(f"/admin/payees/{place.payee_ids[0]}/adjustments/new", given)
    assert answer.status_code == 422 and 'class="error"' in answer.text and told in answer.text and earned() == []
    assert field == "note" or "Ticket 77" in answer.text


def test_who_is_refused(browser: Browser, strangers: list[Browser], place: Shop) -> None:
    adjustment_id = made(browser, place)
    for path in (f"adjustments/{adjustment_id}", f"payees/{place.payee_ids[0]}/adjustments/new"):
        for stranger in strangers:
            assert stranger.get(f"/admin/{path}").status_code == 404

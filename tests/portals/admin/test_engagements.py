"""The platform suspends an engagement: both sides read why, nothing is paid out, and only the platform ends it."""

from __future__ import annotations

from typing import Any

from app.identity.states import Portal
from tests.factories import payouts as make
from tests.factories import people
from tests.factories.payouts import Shop
from tests.portals.conftest import Browser


def test_suspended_by_the_platform(browser: Browser, place: Shop, sign_in: Any) -> None:
    payee_id = place.payee_ids[0]
    make.earn(place, 100_00)
    path = f"/admin/payees/{payee_id}/engagements/{place.organization_id}"
    assert f"{path}/suspension" in browser.get(f"/admin/payees/{payee_id}").text
    empty = browser.post(f"{path}/suspension", {"reason": ""})
    assert empty.status_code == 422 and "Give a reason." in empty.text
    assert browser.post(f"{path}/suspension", {"reason": "Under review"}).status_code == 303
    page = browser.get(f"/admin/payees/{payee_id}").text
    assert "Under review" in page and f"{path}/resumption" in page
    assert browser.post(f"{path}/suspension", {"reason": "Again"}).status_code == 409
    people.payee(payee_id, "own@vendor.test")
    vendor = sign_in(Portal.VENDOR, "own@vendor.test")
    page = vendor.get("/vendor/payments").text
    assert "Shop suspended the work with you" in page and "Under review" in page
    assert browser.post(f"{path}/resumption").status_code == 303
    assert "suspended the work" not in vendor.get("/vendor/payments").text


def test_a_stranger_pair_is_not_found_and_others_are_refused(browser: Browser, place: Shop, sign_in: Any) -> None:
    other = make.shop(1, slug="other")
    path = f"/admin/payees/{place.payee_ids[0]}/engagements/{other.organization_id}/suspension"
    assert browser.get(path).status_code == 404
    people.payee(place.payee_ids[0], "own@vendor.test")
    mine = f"/admin/payees/{place.payee_ids[0]}/engagements/{place.organization_id}/resumption"
    assert sign_in(Portal.VENDOR, "own@vendor.test").post(mine).status_code == 404

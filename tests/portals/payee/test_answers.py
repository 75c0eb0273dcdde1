"""Another amount than asked for: the payee accepts or disputes it, and both sides read what that means for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.clock import at, utc_now
from app.db.session import unit_of_work
from app.earnings import service as earnings
from app.earnings.rules import ACCEPTANCE
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import payables, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World
from tests.portals.payee.test_requests import bills

TO_PAYEE = "The amount was reduced: waiting for you to accept or dispute it."
TO_STAFF = "The amount was reduced: waiting for the payee to accept or dispute it."


@pytest.fixture
def house(world: World) -> Browser:
    people.member(world.organization_id, Role.OWNER, "owner@oxford.test")
    return world.sign_in(Portal.ORG, "owner@oxford.test")


@pytest.fixture
def reduced(world: World, vendor: Vendor, house: Browser) -> UUID:
    request_id = payables.submitted(world.organization_id, vendor.actor, 100_00, invoice_number="LPC-1")
    answer = house.post(f"/org/oxford/bills/{request_id}/approval", {"amount": "80.00", "reason": "Two were damaged"})
    assert answer.status_code == 303
    return request_id


def mail(superuser: Any, template: str) -> dict[str, Any] | None:
    row = superuser.execute("SELECT context FROM mails WHERE template = %s ORDER BY id DESC", [template]).fetchone()
    return row[0] if row else None


def test_each_reader_is_told_whose_turn_it_is(vendor: Vendor, house: Browser, reduced: UUID, superuser: Any) -> None:
    for path in ("payments", "requests", f"requests/{reduced}"):
        page = vendor.browser.get(f"/vendor/{path}").text
        assert TO_PAYEE in page and TO_STAFF not in page.split('id="history"')[0], path
    for path in (f"bills/{reduced}", f"payees/{vendor.payee_id}"):
        assert TO_PAYEE not in house.get(f"/org/oxford/{path}").text
    assert TO_STAFF in house.get(f"/org/oxford/bills/{reduced}").text
    told = mail(superuser, "request_approved")
    assert told and told["amount"]["minor"] == 80_00 and told["requested"]["minor"] == 100_00
    assert told["reason"] == "Two were damaged" and told["answer_by"].startswith(f"{(utc_now() + ACCEPTANCE).date()}")


def test_accepted(vendor: Vendor, house: Browser, reduced: UUID, superuser: Any) -> None:
    assert vendor.browser.post(f"/vendor/requests/{reduced}/acceptance").status_code == 303
    told = mail(superuser, "request_answered")
    assert told and told["word"] == "accepted" and told["agreed"]["minor"] == 80_00 and told["reason"] == ""
    page = house.get(f"/org/oxford/bills/{reduced}").text
    assert "The payee accepted the amount." in page and "Ready to be paid." in page
    assert "The payee accepted the amount." in vendor.browser.get(f"/vendor/requests/{reduced}").text
    assert superuser.execute("SELECT amount_minor FROM ready_earnings").fetchall() == [(80_00,)]


def test_disputed_and_decided_again(vendor: Vendor, house: Browser, reduced: UUID, superuser: Any) -> None:
    url = f"/vendor/requests/{reduced}/dispute"
    assert vendor.browser.post(url, {"reason": "None was damaged"}).status_code == 303
    assert superuser.execute("SELECT count(*) FROM held_earnings").fetchone() == (0,)
    told = mail(superuser, "request_answered")
    assert told and told["word"] == "disputes" and told["reason"] == "None was damaged"
    page = house.get(f"/org/oxford/bills/{reduced}").text
    assert "Lumen Print disputes £80.00" in page and "None was damaged" in page
    assert "LPC-1" in house.get("/org/oxford/bills?status=disputed").text
    assert house.post(f"/org/oxford/bills/{reduced}/approval").status_code == 303  # in full this time
    assert bills(superuser) == [("LPC-1", "approved", 100_00)]
    assert superuser.execute("SELECT amount_minor FROM ready_earnings").fetchall() == [(100_00,)]
    assert vendor.browser.post(url, {"reason": "again"}).status_code == 409


def test_silence_is_a_yes_once_the_time_has_passed(vendor: Vendor, reduced: UUID, superuser: Any) -> None:
    with unit_of_work(PLATFORM) as session:
        assert earnings.release_due(session, utc_now() + ACCEPTANCE * 0.99) == 0
        assert earnings.release_due(session, utc_now() + ACCEPTANCE) == 1
    with at(utc_now() + ACCEPTANCE):
        assert vendor.browser.post(f"/vendor/requests/{reduced}/dispute", {"reason": "late"}).status_code == 409
        assert vendor.browser.post(f"/vendor/requests/{reduced}/acceptance").status_code == 409
    assert superuser.execute("SELECT amount_minor FROM ready_earnings").fetchall() == [(80_00,)]


def test_only_the_payee_answers(
    vendor: Vendor, stranger: Vendor, house: Browser, reduced: UUID, superuser: Any
) -> None:
    for browser, status in ((stranger.browser, 404), (house, 404)):
        for path, data in (("acceptance", {}), ("dispute", {"reason": "Mine"})):
            assert browser.post(f"/vendor/requests/{reduced}/{path}", data).status_code == status
    assert superuser.execute("SELECT reason FROM held_earnings").fetchall() == [("acceptance",)]


def test_more_than_asked_or_less_without_a_reason_is_refused(
    world: World, vendor: Vendor, house: Browser, superuser: Any
) -> None:
    request_id = payables.submitted(world.organization_id, vendor.actor, 100_00)
    url = f"/org/oxford/bills/{request_id}/approval"
    for sent, said in (
        ({"amount": "100.01", "reason": "more"}, "At most £100.00."),
        ({"amount": "80.00", "reason": " "}, "Give a reason."),
        ({"amount": "-1.00", "reason": "less"}, "At most £100.00."),
        ({"amount": "eighty", "reason": "less"}, "eighty"),
    ):
        answer = house.post(url, sent)
        assert answer.status_code == 422 and said in answer.text, sent
    assert bills(superuser)[0][1] == "submitted"

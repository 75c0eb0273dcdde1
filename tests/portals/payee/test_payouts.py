"""One payout: its way, what it pays, its remittance advice; and nobody else's."""

from __future__ import annotations

import io
from uuid import UUID

import pytest
from pypdf import PdfReader

from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.payouts import sending, service, settling
from app.payouts.settling import News
from app.rails.base import Outcome, Result
from tests.factories import charges, payables, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World


@pytest.fixture
def payout_id(world: World, vendor: Vendor) -> UUID:
    payables.approved(
        world.organization_id, vendor.actor, 400_00, description="Autumn leaflets", invoice_number="LPC-7"
    )
    with unit_of_work(Scope.payee(vendor.payee_id)) as session:
        made = service.withdraw(
            session, vendor.actor, organization_id=world.organization_id, currency="GBP", amount=Money(300_00, "GBP")
        )
        return made.id


def run(world: World, payout_id: UUID, *outcomes: Outcome) -> None:
    """Approve and send it; then the rail says what is in `outcomes`."""
    charges.funds(world.organization_id, 1_000_00)
    with unit_of_work(PLATFORM) as session:
        (outcome,) = service.approve(session, people.admin(), [payout_id])
        assert outcome.refused is None
    with unit_of_work(PLATFORM) as session:
        orders = sending.claim(session, SYSTEM, [payout_id])
    bad = {Outcome.FAILED, Outcome.RETURNED}
    for outcome in outcomes:
        said = ("The account is closed.", "Add an account that is open.") if outcome in bad else ("", "")
        with unit_of_work(PLATFORM) as session:
            news = [News(Result(o.key, outcome, "sim_1", "x", *said), "event") for o in orders]
            settling.apply(session, SYSTEM, news)


def test_where_it_stands_and_what_it_pays(vendor: Vendor, payout_id: UUID) -> None:
    page = vendor.browser.get(f"/vendor/payouts/{payout_id}").text
    assert "Autumn leaflets" in page and "part of £400.00" in page and "£300.00" in page
    assert "You asked for it" in page and "Waiting for approval" in page
    assert "Remittance advice" not in page


def test_sent_and_paid(world: World, vendor: Vendor, payout_id: UUID) -> None:
    run(world, payout_id, Outcome.ACCEPTED)
    page = vendor.browser.get(f"/vendor/payouts/{payout_id}").text
    assert "On its way" in page and "Arrives at Simulated transfer ••7890" in page
    payments = vendor.browser.get("/vendor/payments").text
    assert "In transit" in payments and "Sent, on its way." in payments


def test_a_failure_says_the_cure(world: World, vendor: Vendor, payout_id: UUID) -> None:
    run(world, payout_id, Outcome.ACCEPTED, Outcome.FAILED)
    page = vendor.browser.get(f"/vendor/payouts/{payout_id}").text
    assert "The account is closed. The money is back in the balance." in page
    assert "Add an account that is open." in page and "It could not be paid" in page
    payments = vendor.browser.get("/vendor/payments").text
    assert "Ready again. The account is closed." in payments
    assert "£400<span" in payments  # all of it is available again


def test_the_remittance_advice(world: World, vendor: Vendor, payout_id: UUID) -> None:
    url = f"/vendor/payouts/{payout_id}/remittance.pdf"
    assert vendor.browser.get(url).status_code == 409  # nothing was sent yet
    run(world, payout_id, Outcome.ACCEPTED, Outcome.PAID)
    answer = vendor.browser.get(url)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    assert "Autumn leaflets" in text and "300.00" in text and "••7890" in text
    again = vendor.browser.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_nobody_elses(world: World, vendor: Vendor, stranger: Vendor, payout_id: UUID, client: Browser) -> None:
    run(world, payout_id, Outcome.ACCEPTED, Outcome.PAID)
    for path in (f"/vendor/payouts/{payout_id}", f"/vendor/payouts/{payout_id}/remittance.pdf"):
        assert vendor.browser.get(path).status_code == 200
        assert stranger.browser.get(path).status_code == 404
        answer = client.get(path)
        assert answer.status_code == 303 and answer.location.startswith("/vendor/signin")


def test_one_that_waits_for_the_payee_says_what_to_do(world: World, vendor: Vendor, payout_id: UUID) -> None:
    run(world, payout_id, Outcome.WAITING)
    for path in ("/vendor/payments", "/vendor/", f"/vendor/payouts/{payout_id}"):
        answer = vendor.browser.get(path, follow_redirects=True)
        assert answer.status_code == 200, path
    assert "To be claimed" in vendor.browser.get("/vendor/payments").text

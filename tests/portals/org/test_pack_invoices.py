"""Seat credits by invoice in the organization's portal: ordered, listed under Billing, cancelled or paid."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.billing.documents import DocumentKind
from app.billing.models import SeatPack
from app.billing.states import PackStatus
from app.consultations.profile_models import Offering
from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.organizations.states import BillingMode, Role
from jobs import billing as billing_jobs
from jobs import clients as jobs
from tests.factories import billing, bookings
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House

HERE = "/org/oxford/credits"


@pytest.fixture
def half_hour(house: House) -> Offering:
    """Oxford pays by seat credits; the platform charges 20 % VAT."""
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).billing_mode = BillingMode.SEAT_PACK
    seller = organization("house", is_house=True, currency="USD")
    billing.profile(seller, country="FR", tax_id="FR40303265045", service_rate_bps=2000, postcode="75002")
    billing.profile(house.organization_id, legal_name="Oxford SARL", country="FR", terms_days=21)
    return bookings.offering(seller, None, 19_00)


def pack() -> SeatPack:
    with unit_of_work(PLATFORM) as session:
        return session.scalars(select(SeatPack)).one()


def buy(house: House, what: Offering, pay: str) -> str:
    answer = house.browser.post(
        f"{HERE}/new?offering={what.id}", {"size": "5-11400", "pay": pay, "idempotency_key": "k"}
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_an_order_has_its_invoice_under_billing(house: House, half_hour: Offering) -> None:
    form = house.browser.get(f"{HERE}/new?offering={half_hour.id}").text
    assert "114.00 USD with tax" in form and "due in 21 days" in form
    at = buy(house, half_hour, "invoice")
    assert buy(house, half_hour, "invoice") == at  # sent twice, ordered once
    invoice = billing.only(house.organization_id)
    shown = house.browser.get(at).text
    assert "Ordered by invoice" in shown and invoice.number in shown and "Cancel order" in shown
    assert house.browser.get(f"{at}/payment").status_code == 303
    listed = house.browser.get("/org/oxford/billing").text
    assert invoice.number in listed and "Seat credits" in listed
    assert house.browser.get(f"/org/oxford/billing/invoices/{invoice.id}/pdf").data.startswith(b"%PDF")
    answer = house.browser.post(f"/org/oxford/billing/invoices/{invoice.id}/payment", {"number": "4242424242424242"})
    assert answer.status_code == 303
    with unit_of_work(PLATFORM) as session:
        charge = billing_jobs.packs.client.Charge
        asked = session.scalars(select(charge.id).where(charge.subject_kind == "invoice")).one()
    jobs.ask(str(asked))
    billing_jobs.paid(str(invoice.id))
    assert pack().status is PackStatus.ACTIVE and "5 of 5" in house.browser.get(HERE).text


def test_by_card_it_is_charged_with_tax_and_its_invoice_is_linked(house: House, half_hour: Offering) -> None:
    at = buy(house, half_hour, "card")
    assert "114.00" in house.browser.get(at).text
    assert house.browser.post(at, {"number": "4242424242424242"}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        charge = billing_jobs.packs.charge_of(session, pack().id)
    jobs.ask(str(charge.id))
    invoice = billing.only(house.organization_id)
    shown = house.browser.get(at.removesuffix("/payment")).text
    assert f"/billing/invoices/{invoice.id}" in shown and "114.00" in shown


def test_an_order_is_cancelled(house: House, half_hour: Offering) -> None:
    at = buy(house, half_hour, "invoice")
    assert house.browser.post(f"{at}/cancellation", {"idempotency_key": "c"}).status_code == 303
    note = billing.only(house.organization_id, kind=DocumentKind.CREDIT_NOTE)
    shown = house.browser.get(at).text
    assert pack().status is PackStatus.CANCELLED and note.number in shown and "credit note" in shown
    answer = house.browser.post(f"{at}/cancellation", {"idempotency_key": "d"})
    assert answer.status_code == 409


def test_who_is_refused(house: House, half_hour: Offering, strangers: list[Browser]) -> None:
    at = buy(house, half_hour, "invoice")
    manager, learner = house.member(Role.MANAGER), house.member(Role.LEARNER)
    for browser in (manager, learner):
        assert browser.post(f"{at}/cancellation", {}).status_code == 403
    assert "Cancel order" not in manager.get(at).text
    for browser in strangers:
        assert browser.post(f"{at}/cancellation", {}).status_code in (302, 303, 403, 404)

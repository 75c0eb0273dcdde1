"""The card an organization keeps: kept with a payment, paying an invoice by one click, refused, removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import select

from app.billing import closing, invoice_cards
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus
from app.charges.client_models import Charge
from app.charges.kept_models import CardCustomer, PaymentMethod
from app.charges.states import ChargeStatus
from app.core.errors import Conflict, Forbidden
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.db.types import new_id
from app.gateways import simulated_cards
from app.gateways.cards import Unanswered
from app.organizations.models import Organization
from app.organizations.states import BillingMode, Role
from jobs import cards, clients
from tests.factories import billing
from tests.factories.people import PLATFORM
from tests.fakes.stripe import KEY, StripePeer
from tests.portals.org.conftest import House
from tests.stores import environment

HERE = "/org/oxford/billing"
GOOD, ASKS, LATER = "4242 4242 4242 4242", "4000 0025 0000 3155", "4000 0000 0000 0341"


@pytest.fixture
def buyer(house: House) -> House:
    billing.issuer(bank_name="Harbour Bank", bank_code="HARBUS33", bank_account="000123456789")
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).billing_mode = BillingMode.INVOICED_MONTHLY
    return house


@pytest.fixture
def stripe() -> Iterator[StripePeer]:
    peer = StripePeer()
    with environment(STRIPE_SECRET_KEY=KEY, STRIPE_PUBLISHABLE_KEY="pk_test_fake", STRIPE_URL=peer.url):
        yield peer
    peer.close()


def bill(house: House, minor: int = 40_00) -> Invoice:
    billing.charge(house.organization_id, minor)
    with unit_of_work(PLATFORM) as session:
        made = closing.bill_one(session, SYSTEM, house.organization_id, origin=InvoiceOrigin.REQUEST)
    return billing.only(house.organization_id, id=made[0])


def status(invoice: Invoice) -> InvoiceStatus:
    return billing.only(invoice.organization_id, id=invoice.id).status


def charge_of(invoice: Invoice) -> Charge:
    with unit_of_work(PLATFORM) as session:
        found = invoice_cards.charge_of(session, invoice.id)
    assert found is not None
    return found


def kept() -> list[PaymentMethod]:
    with unit_of_work(PLATFORM) as session:
        return list(session.scalars(select(PaymentMethod).order_by(PaymentMethod.id)))


def work(invoice: Invoice) -> Charge:
    """What the worker does: the charge, and what it has led to."""
    charge_id = str(charge_of(invoice).id)
    clients.ask(charge_id)
    cards.keep(charge_id)
    return charge_of(invoice)


def keep(house: House, number: str = GOOD) -> PaymentMethod:
    """A test card pays an invoice and is kept."""
    invoice = bill(house, 10_00)
    pay = f"{HERE}/invoices/{invoice.id}/payment"
    form = {"number": number, "keep": "y", "idempotency_key": str(invoice.id)}
    assert house.browser.post(pay, form).status_code == 303
    assert work(invoice).status is ChargeStatus.SUCCEEDED
    return kept()[-1]


def click(house: House, invoice: Invoice, card: PaymentMethod, minor: int = 40_00) -> int:
    said = {"card": str(card.id), "minor": str(minor), "currency": "USD"}
    return house.browser.post(f"{HERE}/invoices/{invoice.id}/kept-card", said).status_code


def test_a_card_is_kept_only_where_the_box_is_ticked(buyer: House) -> None:
    page = buyer.browser.get(HERE).text
    assert "No card is kept" in page
    assert "Harbour Bank" in page and "000123456789" in page
    invoice = bill(buyer)
    pay = f"{HERE}/invoices/{invoice.id}/payment"
    assert "Keep this card for the next invoices" in buyer.browser.get(pay).text
    assert buyer.browser.post(pay, {"number": GOOD, "idempotency_key": "a"}).status_code == 303
    work(invoice)
    assert status(invoice) is InvoiceStatus.PAID and kept() == []
    card = keep(buyer)
    cards.keep(str(charge_of(invoice).id))
    assert len(kept()) == 1 and (card.brand, card.last_four, card.expiry_year) == ("visa", "4242", 2034)
    page = buyer.browser.get(HERE).text
    assert "Visa •••• 4242" in page and "12/2034" in page and card.added_by in page
    wrong = buyer.browser.post(
        f"{HERE}/invoices/{bill(buyer).id}/payment", {"number": "1", "keep": "y", "idempotency_key": "b"}
    )
    assert wrong.status_code == 422 and re.search(r'<input[^>]*checked[^>]*name="keep"', wrong.text)  # nothing lost


def test_one_click_pays_and_a_double_click_pays_once(buyer: House) -> None:
    card, invoice = keep(buyer), bill(buyer)
    page = buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text
    assert "Pay $40.00 USD with Visa •••• 4242" in page and "Give a card" in page
    assert [click(buyer, invoice, card) for _ in range(2)] == [303, 303]
    assert "The card is being charged" in buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text
    for _ in range(2):
        work(invoice)
    paid = billing.only(buyer.organization_id, id=invoice.id)
    assert paid.status is InvoiceStatus.PAID and paid.paid_minor == 40_00
    assert click(buyer, invoice, card) == 303 and len(kept()) == 1
    assert charge_of(invoice).amount_minor == 40_00 and ".1.kept-success" in charge_of(invoice).key


@pytest.mark.parametrize(
    ("number", "sentence"), [(ASKS, "The card’s bank wants to ask you"), (LATER, simulated_cards.DECLINED_TEXT)]
)
def test_a_kept_card_that_does_not_pay(buyer: House, number: str, sentence: str) -> None:
    card, invoice = keep(buyer, number), bill(buyer)
    assert click(buyer, invoice, card) == 303
    assert work(invoice).status is ChargeStatus.FAILED and status(invoice) is InvoiceStatus.SENT
    page = buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text
    assert sentence in page and f"{HERE}/invoices/{invoice.id}/payment" in page
    form = {"number": GOOD, "idempotency_key": "again"}
    assert buyer.browser.post(f"{HERE}/invoices/{invoice.id}/payment", form).status_code == 303
    work(invoice)
    assert status(invoice) is InvoiceStatus.PAID


def test_a_removed_card_is_charged_no_more(buyer: House) -> None:
    card, invoice, other = keep(buyer), bill(buyer), bill(buyer)
    assert click(buyer, other, card) == 303  # asked for, not charged yet
    assert "Remove Visa •••• 4242?" in buyer.browser.get(f"{HERE}/card/removal").text
    assert kept()[0].removed_at is None
    for expected in (303, 404):
        assert buyer.browser.post(f"{HERE}/card/removal", {}).status_code == expected
    assert "No card is kept" in buyer.browser.get(HERE).text
    assert "Visa" not in buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text
    assert click(buyer, invoice, card) == 409
    assert work(other).status is ChargeStatus.FAILED and status(other) is InvoiceStatus.SENT
    cards.forget(str(card.id))
    assert kept()[0].detached_at is not None


def test_another_card_takes_its_place(buyer: House) -> None:
    first, second = keep(buyer), keep(buyer, LATER)
    assert [one.removed_at is None for one in kept()] == [False, True] and second.last_four == "0341"
    invoice = bill(buyer)
    assert click(buyer, invoice, first) == 409


def test_only_owners_and_admins_pay_with_it_or_remove_it(buyer: House) -> None:
    card, invoice = keep(buyer), bill(buyer)
    path = f"{HERE}/invoices/{invoice.id}/kept-card"
    manager, admin = buyer.member(Role.MANAGER), buyer.member(Role.ADMIN)
    assert "Visa •••• 4242" in manager.get(HERE).text and "card/removal" not in manager.get(HERE).text
    assert "kept-card" not in manager.get(f"{HERE}/invoices/{invoice.id}").text
    assert manager.post(path, {"card": str(card.id)}).status_code == 403
    assert manager.get(f"{HERE}/card/removal").status_code == 403
    assert manager.post(f"{HERE}/card/removal", {}).status_code == 403
    assert kept()[0].removed_at is None
    assert admin.post(path, {"card": "nothing"}).status_code == 404
    for minor in ("", "40.00", "four"):
        assert admin.post(path, {"card": str(card.id), "minor": minor, "currency": "USD"}).status_code == 422
    assert admin.post(path, {"card": str(card.id), "minor": "4000", "currency": "USD"}).status_code == 303


def test_strangers_find_nothing(buyer: House, strangers: list) -> None:  # type: ignore[type-arg]
    card, invoice = keep(buyer), bill(buyer)
    for browser in strangers:
        assert browser.get(f"{HERE}/card/removal").status_code == 404
        assert browser.post(f"{HERE}/invoices/{invoice.id}/kept-card", {"card": str(card.id)}).status_code == 404


def test_a_card_of_another_organization_pays_nothing(buyer: House) -> None:
    card, other = keep(buyer), billing.buyer()
    billing.charge(other, 10_00)
    with unit_of_work(PLATFORM) as session:
        (theirs,) = closing.bill_one(session, SYSTEM, other, origin=InvoiceOrigin.REQUEST)
    invoice = bill(buyer)
    with unit_of_work(PLATFORM) as session:
        session.get_one(PaymentMethod, card.id).organization_id = other
    with unit_of_work(Scope.organization(buyer.organization_id)) as session, pytest.raises((Forbidden, Conflict)):
        invoice_cards.pay_kept(session, buyer.owner, invoice.id, card.id, invoice.total)
    assert buyer.browser.post(f"{HERE}/invoices/{theirs}/kept-card", {"card": str(card.id)}).status_code == 404


def begun(house: House, invoice: Invoice, **form: str) -> None:
    """The real card's page: asked for by a button, then by the job."""
    pay = f"{HERE}/invoices/{invoice.id}/payment"
    assert house.browser.post(pay, {"idempotency_key": str(new_id()), **form}).status_code == 303
    clients.ask(str(charge_of(invoice).id))


def kept_at_stripe(house: House, stripe: StripePeer) -> PaymentMethod:
    invoice = bill(house, 10_00)
    begun(house, invoice, keep="y")
    reference = charge_of(invoice).provider_reference
    assert reference and stripe.intents[reference]["setup_future_usage"] == "off_session"
    stripe.pays(reference)
    work(invoice)
    assert status(invoice) is InvoiceStatus.PAID
    return kept()[-1]


def test_at_stripe_it_is_kept_for_one_customer_and_forgotten(buyer: House, stripe: StripePeer) -> None:
    first = kept_at_stripe(buyer, stripe)
    assert (first.reference, first.customer_reference, first.last_four) == ("pm_1", "cus_1", "4242")
    second = kept_at_stripe(buyer, stripe)
    assert len(stripe.customers) == 1 and second.customer_reference == "cus_1"
    with unit_of_work(PLATFORM) as session:
        assert len(session.scalars(select(CardCustomer)).all()) == 1
    for _ in range(2):
        cards.forget(str(first.id))
    assert stripe.methods["pm_1"]["customer"] is None and stripe.methods["pm_2"]["customer"] == "cus_1"


def test_at_stripe_it_is_charged_once_though_answers_are_lost(buyer: House, stripe: StripePeer) -> None:
    card, invoice = kept_at_stripe(buyer, stripe), bill(buyer)
    assert click(buyer, invoice, card) == 303
    stripe.lose_replies = 1
    with pytest.raises(Unanswered):
        work(invoice)
    assert click(buyer, invoice, card) == 303  # being looked up
    for _ in range(2):
        work(invoice)
    assert status(invoice) is InvoiceStatus.PAID and len(stripe.intents) == 2


@pytest.mark.parametrize(
    ("code", "sentence"), [("authentication_required", "wants to ask you"), ("card_declined", "card was declined")]
)
def test_at_stripe_a_refused_card_goes_on_with_the_same_payment(
    buyer: House, stripe: StripePeer, code: str, sentence: str
) -> None:
    card, invoice = kept_at_stripe(buyer, stripe), bill(buyer)
    stripe.off_session = code
    for _ in range(2):  # each click is another attempt
        assert click(buyer, invoice, card) == 303
        failed = work(invoice)
        assert failed.status is ChargeStatus.FAILED and sentence in (failed.failure_message or "")
    begun(buyer, invoice)  # at the bank's question, on the page of the card
    page = buyer.browser.get(f"{HERE}/invoices/{invoice.id}/payment").text
    assert 'data-secret="pi_secret"' in page
    stripe.off_session = ""
    assert click(buyer, invoice, card) == 303
    assert work(invoice).status is ChargeStatus.SUCCEEDED and len(stripe.intents) == 2
    assert status(invoice) is InvoiceStatus.PAID


def test_at_stripe_paid_in_the_browser_meanwhile(buyer: House, stripe: StripePeer) -> None:
    card, invoice = kept_at_stripe(buyer, stripe), bill(buyer)
    begun(buyer, invoice)
    reference = charge_of(invoice).provider_reference
    assert reference and click(buyer, invoice, card) == 303
    stripe.pays(reference)
    work(invoice)
    assert status(invoice) is InvoiceStatus.PAID
    assert [call for call in stripe.calls if call[1].endswith("/confirm")] == []


def test_the_tick_can_change_while_the_card_was_not_given(buyer: House, stripe: StripePeer) -> None:
    invoice = bill(buyer)
    for ticked in (True, False, True):
        begun(buyer, invoice, **({"keep": "y"} if ticked else {}))
        made = stripe.intents[charge_of(invoice).provider_reference or ""]
        assert (made["setup_future_usage"] == "off_session") is ticked
    assert UUID(made["metadata"]["charge_id"]) == charge_of(invoice).id

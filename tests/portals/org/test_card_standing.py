"""Whether an invoice can be paid by card now, by whom and with which card, or why not: pages and calls say the same."""

from __future__ import annotations

import re

import pytest

from app.billing import invoice_cards, notes, settling
from app.billing.invoice_cards import WHY, CardState
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceStatus
from app.charges.kept_models import PaymentMethod
from app.charges.states import ChargeProvider, ChargeStatus
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.organizations.states import Role
from jobs import clients
from tests.factories import billing, people
from tests.factories.people import PLATFORM
from tests.fakes.stripe import StripePeer
from tests.portals.org.conftest import House
from tests.portals.org.test_kept_cards import (  # noqa: F401
    GOOD,
    HERE,
    LATER,
    begun,
    bill,
    buyer,
    charge_of,
    click,
    keep,
    kept,
    kept_at_stripe,
    status,
    stripe,
    work,
)


def standing(house: House, invoice: Invoice, actor: Actor | None = None) -> tuple[CardState, int, bool]:
    """State, what a card is charged, and whether one click does it."""
    with unit_of_work(Scope.organization(house.organization_id)) as session:
        found = invoice_cards.standing(session, actor or house.owner, invoice.id)
        assert (found.why_not is None) is found.payable
        return found.state, found.amount.minor, found.kept is not None


def told(house: House, invoice: Invoice) -> dict[str, object]:
    path = f"/api/organizations/{house.organization_id}/billing/invoices/{invoice.id}"
    found: dict[str, object] = house.browser.get(path).get_json()["card"]
    return found


def page(house: House, invoice: Invoice) -> str:
    return house.browser.get(f"{HERE}/invoices/{invoice.id}").text


def credit(invoice: Invoice, minor: int) -> None:
    with unit_of_work(PLATFORM) as session:
        parts = [(billing.lines(invoice.id)[0].id, Money(minor, "USD"))]
        notes.credit_by_hand(session, people.admin(), invoice.id, parts, "Too much")


def transfer(invoice: Invoice, minor: int) -> None:
    with unit_of_work(PLATFORM) as session:
        settling.transferred(
            session, SYSTEM, invoice.id, amount=Money(minor, "USD"), reference=f"wire {minor}",
            received_on=utc_now().date(),
        )  # fmt: skip


def test_the_amount_on_the_button_is_charged_or_nothing(buyer: House) -> None:  # noqa: F811
    card, invoice = keep(buyer), bill(buyer)
    shown = page(buyer, invoice)
    hidden = dict(re.findall(r'<input type="hidden" name="(card|minor|currency)" value="([^"]*)">', shown))
    assert hidden == {"card": str(card.id), "minor": "4000", "currency": "USD"}
    credit(invoice, 10_00)  # meanwhile
    refused = buyer.browser.post(f"{HERE}/invoices/{invoice.id}/kept-card", hidden)
    assert refused.status_code == 409 and "$30.00 now, not $40.00" in refused.text
    with unit_of_work(PLATFORM) as session:
        assert invoice_cards.charge_of(session, invoice.id) is None  # nothing was begun
    assert "Pay $30.00 USD with Visa" in page(buyer, invoice)
    assert click(buyer, invoice, card, 30_00) == 303
    assert work(invoice).amount_minor == 30_00 and status(invoice) is InvoiceStatus.PAID


def test_what_the_provider_keeps_is_what_the_button_says(buyer: House, stripe: StripePeer) -> None:  # noqa: F811
    card, invoice = kept_at_stripe(buyer, stripe), bill(buyer)
    begun(buyer, invoice)
    credit(invoice, 10_00)
    assert standing(buyer, invoice) == (CardState.PAYABLE, 40_00, True)
    shown = page(buyer, invoice)
    assert "Pay $40.00 USD with Visa" in shown and "what is more than is open stays in your funds" in shown
    assert click(buyer, invoice, card, 30_00) == 409 and click(buyer, invoice, card, 40_00) == 303


def test_while_another_card_is_asked_for_one_click_charges_nothing(buyer: House, stripe: StripePeer) -> None:  # noqa: F811
    card, invoice = kept_at_stripe(buyer, stripe), bill(buyer)
    pay = f"{HERE}/invoices/{invoice.id}/payment"
    assert buyer.browser.post(pay, {"idempotency_key": "k"}).status_code == 303  # the job has not asked yet
    assert charge_of(invoice).provider_reference is None
    refused = buyer.browser.post(
        f"{HERE}/invoices/{invoice.id}/kept-card", {"card": str(card.id), "minor": "4000", "currency": "USD"}
    )
    assert refused.status_code == 409 and "being charged for this already" in refused.text
    assert standing(buyer, invoice) == (CardState.PAYABLE, 40_00, False)  # on the page that is being prepared
    assert "Pay $40.00" in page(buyer, invoice) and "kept-card" not in page(buyer, invoice)
    assert "being prepared" in buyer.browser.get(pay).text
    clients.ask(str(charge_of(invoice).id))
    assert standing(buyer, invoice) == (CardState.PAYABLE, 40_00, True)
    assert [click(buyer, invoice, card) for _ in range(2)] == [303, 303]
    assert work(invoice).status is ChargeStatus.SUCCEEDED


def test_every_state_is_told_alike(buyer: House) -> None:  # noqa: F811
    card, invoice = keep(buyer, LATER), bill(buyer)
    assert told(buyer, invoice) == {
        "payable": True, "amount": {"amountMinor": 40_00, "currency": "USD"}, "whyNot": None,
        "kept": {"brand": "visa", "last4": "0341", "expMonth": 12, "expYear": 2034,
                 "addedAt": card.created_at.isoformat()},
    }  # fmt: skip
    manager = buyer.member(Role.MANAGER)
    assert manager.get(f"{HERE}/invoices/{invoice.id}").status_code == 200
    who = people.member(buyer.organization_id, Role.MANAGER, "second@oxford.test")
    assert standing(buyer, invoice, who)[::2] == (CardState.DENIED, False)
    assert standing(buyer, invoice, SYSTEM)[0] is CardState.DENIED
    assert click(buyer, invoice, card) == 303
    assert standing(buyer, invoice) == (CardState.CHARGING, 40_00, False)
    assert standing(buyer, invoice, who)[0] is CardState.CHARGING
    assert "The card is being charged" in page(buyer, invoice) and f"/{invoice.id}/payment" not in page(buyer, invoice)
    assert buyer.browser.get(f"{HERE}/invoices/{invoice.id}/payment").status_code == 303
    assert told(buyer, invoice)["whyNot"] == WHY[CardState.CHARGING]
    assert work(invoice).status is ChargeStatus.FAILED
    assert standing(buyer, invoice) == (CardState.PAYABLE, 40_00, True)
    transfer(invoice, 40_00)
    assert standing(buyer, invoice)[0] is CardState.CLOSED and told(buyer, invoice)["amount"] is None


def test_after_a_card_was_charged_only_a_transfer_pays(buyer: House) -> None:  # noqa: F811
    invoice = bill(buyer)
    with unit_of_work(PLATFORM) as session:
        charge = invoice_cards.begin(session, buyer.owner, invoice.id, ChargeProvider.SIMULATED)
        invoice_cards.paid(session, SYSTEM, charge.id)
        locked = invoice_cards.client.locked(session, charge.id)
        back = invoice_cards.disputed(session, SYSTEM, locked, Money(15_00, "USD"), "Fraud", "dp_1")
        invoice_cards.returned(session, SYSTEM, back)
    assert standing(buyer, invoice)[0] is CardState.SPENT
    shown = page(buyer, invoice)
    assert "$15.00" in shown and "Pay by bank transfer" in shown and f"/{invoice.id}/payment" not in shown
    assert f"/{invoice.id}/payment" not in buyer.browser.get(HERE).text
    assert buyer.browser.get(f"{HERE}/invoices/{invoice.id}/payment").status_code == 303


@pytest.mark.parametrize("fits", [True, False])
def test_a_card_that_has_expired_is_not_offered(buyer: House, fits: bool) -> None:  # noqa: F811
    card, invoice = keep(buyer, GOOD), bill(buyer)
    with unit_of_work(PLATFORM) as session:
        session.get_one(PaymentMethod, card.id).expiry_year = utc_now().year + (1 if fits else -1)
    assert standing(buyer, invoice) == (CardState.PAYABLE, 40_00, fits)
    assert len(kept()) == 1

"""Invoices of all organizations in the admin portal: transfers, notes, the close of the month, and who is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.billing import closing, invoice_cards
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ReturnStatus
from app.consultations import charging, offerings
from app.consultations.states import PaidBy, Practice
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.db.outbox import OutboxRow
from app.db.session import unit_of_work
from app.gateways.cards import Refund, RefundStatus
from app.ledger import service as ledger
from app.organizations.states import Role
from jobs import billing as billing_jobs
from tests.factories import billing, bookings, client_money, consultations, organizations, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.org.conftest import statements

HERE = "/admin/billing"


@pytest.fixture
def buyer(browser: Browser) -> UUID:
    billing.issuer()
    return billing.buyer()


def bill(buyer_id: UUID, *amounts: int) -> Invoice:
    for minor in amounts or (100_00,):
        billing.charge(buyer_id, minor)
    with unit_of_work(PLATFORM) as session:
        made = closing.bill_one(session, SYSTEM, buyer_id, origin=InvoiceOrigin.REQUEST)
    return billing.only(buyer_id, id=made[0])


def again(invoice: Invoice) -> Invoice:
    return billing.only(invoice.organization_id, id=invoice.id)


def funds(buyer_id: UUID) -> int:
    with unit_of_work(PLATFORM) as session:
        return ledger.funds(session, buyer_id, "USD").minor


def test_the_list_is_searched_and_narrowed(browser: Browser, buyer: UUID) -> None:
    mine = bill(buyer)
    theirs = bill(billing.buyer("stonefield"))
    page = browser.get(HERE).text
    assert f"document-{mine.id}" in page and f"document-{theirs.id}" in page
    for query in ("q=stonef", f"q={theirs.number}", "organization=stonefield"):
        only = browser.htmx("GET", f"{HERE}?{query}").text
        assert f"document-{theirs.id}" in only and f"document-{mine.id}" not in only, query
    assert "No document fits" in browser.get(f"{HERE}?view=overdue").text
    assert len(browser.get("/admin/billing.csv?q=stonefield").text.splitlines()) == 2
    for path in ("", "/pdf"):
        assert browser.get(f"{HERE}/{mine.id}{path}").status_code == 200
    assert browser.get(f"{HERE}/{mine.id}/ubl.xml").status_code == 404


def test_many_documents_cost_no_more_statements(browser: Browser, buyer: UUID) -> None:
    bill(buyer)
    browser.get(HERE)
    with statements() as few:
        browser.get(HERE)
    for _ in range(5):
        bill(buyer, 1_00)
    with statements() as many:
        browser.get(HERE)
    assert len(many) == len(few)


def transfer(browser: Browser, number: str, amount: str, reference: str, day: str = "") -> object:
    said = {
        "number": number, "amount": amount, "currency": "USD", "reference": reference,
        "received_on": day or utc_now().date().isoformat(), "idempotency_key": reference,
    }  # fmt: skip
    return browser.post(f"{HERE}/transfers/new", said)


def test_a_transfer_is_matched_by_its_number_in_parts_and_beyond(browser: Browser, buyer: UUID) -> None:
    invoice = bill(buyer)
    assert invoice.number
    assert "100.00" in browser.get(f"{HERE}/transfers/new?invoice={invoice.id}").text
    assert transfer(browser, f" {invoice.number.lower()} ", "30.00", "R1").status_code == 303  # type: ignore[attr-defined]
    assert again(invoice).open.minor == 70_00
    transfer(browser, invoice.number, "30.00", "R1")  # the same line of the statement
    assert again(invoice).open.minor == 70_00
    transfer(browser, invoice.number, "90.00", "R2")
    assert again(invoice).status is InvoiceStatus.PAID and funds(buyer) == 20_00


def test_wrong_transfers_come_back_with_what_was_typed(browser: Browser, buyer: UUID) -> None:
    invoice = bill(buyer)
    missing = transfer(browser, "INV-9", "30.00", "R1")
    assert missing.status_code == 422  # type: ignore[attr-defined]
    assert "no invoice of this number" in missing.text and "R1" in missing.text  # type: ignore[attr-defined]
    late = transfer(browser, invoice.number or "", "30.00", "R1", "2999-01-01")
    assert late.status_code == 422 and "has not come yet" in late.text  # type: ignore[attr-defined]
    assert again(invoice).paid_minor == 0


def test_a_credit_note_by_line_and_a_debit_note(browser: Browser, buyer: UUID) -> None:
    invoice = bill(buyer, 60_00, 40_00)
    here = f"{HERE}/{invoice.id}/credit-note"
    assert "At most $60.00" in browser.get(here).text
    for said in ({"line_1": "60.01"}, {}, {"line_1": "1.00", "reason": ""}):
        answer = browser.post(here, {"reason": "Cancelled", "idempotency_key": "k", **said})
        assert answer.status_code == 422, said
    done = browser.post(here, {"line_1": "10.00", "line_2": "5.00", "reason": "Cancelled", "idempotency_key": "l"})
    assert done.status_code == 303
    note = billing.only(buyer, kind=DocumentKind.CREDIT_NOTE)
    assert note.total_minor == 15_00 and again(invoice).open.minor == 85_00
    more = {"description": "Travel", "amount": "20.00", "reason": "Left out", "idempotency_key": "m"}
    assert browser.post(f"{HERE}/{invoice.id}/debit-note", {**more, "amount": "-1"}).status_code == 422
    assert browser.post(f"{HERE}/{invoice.id}/debit-note", more).status_code == 303
    assert billing.only(buyer, kind=DocumentKind.DEBIT_NOTE).total_minor == 20_00
    assert "Travel" not in browser.get(f"{HERE}/{invoice.id}").text  # it is a document of its own
    assert browser.get(f"{HERE}/{note.id}").status_code == 200


def test_what_a_credit_left_goes_back_to_the_card(browser: Browser, buyer: UUID) -> None:
    invoice = bill(buyer)
    owner = people.member(buyer, Role.OWNER, "owner@hartwell.test")
    with unit_of_work(PLATFORM) as session:
        charge = invoice_cards.begin(session, owner, invoice.id, ChargeProvider.SIMULATED)
        invoice_cards.paid(session, SYSTEM, charge.id)
        invoice_cards.paid(session, SYSTEM, charge.id)
    assert again(invoice).status is InvoiceStatus.PAID and funds(buyer) == 0
    here = f"{HERE}/{invoice.id}/card-refund"
    assert browser.post(here, {"amount": "1.00", "reason": "x", "idempotency_key": "a"}).status_code == 422
    browser.post(f"{HERE}/{invoice.id}/credit-note", {"line_1": "25.00", "reason": "Off", "idempotency_key": "b"})
    assert funds(buyer) == 25_00
    assert browser.post(here, {"amount": "25.00", "reason": "Off", "idempotency_key": "c"}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        back = session.scalars(select(ChargeReturn)).one()
        assert back.status is ReturnStatus.PENDING
        invoice_cards.returned(session, SYSTEM, back.id)
        invoice_cards.returned(session, SYSTEM, back.id)
    assert funds(buyer) == 0 and again(invoice).status is InvoiceStatus.PAID
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Charge, charge.id).refunded_minor == 25_00


def test_a_bank_that_takes_the_money_back_opens_the_invoice(browser: Browser, buyer: UUID) -> None:
    invoice = bill(buyer)
    owner = people.member(buyer, Role.OWNER, "owner@hartwell.test")
    with unit_of_work(PLATFORM) as session:
        charge = invoice_cards.begin(session, owner, invoice.id, ChargeProvider.SIMULATED)
        invoice_cards.paid(session, SYSTEM, charge.id)
        locked = session.get_one(Charge, charge.id)
        back = invoice_cards.disputed(session, SYSTEM, locked, Money(100_00, "USD"), "Fraud", "dp_1")
        invoice_cards.dispute_decided(session, Actor("A", "platform_admin"), back, lost=True)
    assert (
        again(invoice).status is InvoiceStatus.SENT and again(invoice).open.minor == 100_00 and funds(buyer) == -100_00
    )
    assert "went back to the card" in browser.get(f"{HERE}/{invoice.id}").text
    with unit_of_work(PLATFORM) as session:
        invoice_cards.dispute_decided(session, Actor("A", "platform_admin"), back, lost=False)
    assert again(invoice).status is InvoiceStatus.PAID and funds(buyer) == 0


def test_a_refund_made_at_the_provider_is_told_in_the_timeline(browser: Browser, buyer: UUID) -> None:
    invoice = bill(buyer)
    owner = people.member(buyer, Role.OWNER, "owner@hartwell.test")
    with unit_of_work(PLATFORM) as session:
        charge = invoice_cards.begin(session, owner, invoice.id, ChargeProvider.SIMULATED)
        charge.provider_reference = "pi_1"
        invoice_cards.paid(session, SYSTEM, charge.id)
        told = Refund("re_1", RefundStatus.SUCCEEDED, Money(40_00, "USD"), "pi_1")
        charging.told_of_refund(session, SYSTEM, ChargeProvider.SIMULATED, told)
    page = browser.get(f"{HERE}/{invoice.id}").text
    assert "$40.00 went back to the card: refunded at its provider" in page and "Due " in page
    assert f"document-{invoice.id}" in browser.get(f"{HERE}?view=open").text


def test_the_month_is_previewed_and_closed(browser: Browser, buyer: UUID) -> None:
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    billing.charge(buyer, 60_00, when=first - timedelta(days=3))
    billing.charge(buyer, 7_00)
    page = browser.get(f"{HERE}/close").text
    assert "$60.00" in page and "$67.00" in page
    assert browser.post(f"{HERE}/close", {"idempotency_key": "k"}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        due = session.scalars(select(OutboxRow.payload).where(OutboxRow.topic == "month.close")).one()["due_at"]
    billing_jobs.close_month(due)
    assert billing.only(buyer).total_minor == 60_00
    assert "Nothing is left to bill" in browser.get(f"{HERE}/close").text
    assert browser.post(f"{HERE}/organizations/hartwell", {"idempotency_key": "m"}).status_code == 303
    assert browser.post(f"{HERE}/organizations/hartwell", {"idempotency_key": "n"}).status_code == 409


def test_who_was_refused_is_there_with_the_reason(browser: Browser, buyer: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        closing.note_refused(session, SYSTEM, buyer, "The state of the GSTIN is missing.")
    page = browser.get(f"{HERE}/close").text
    assert "The state of the GSTIN is missing." in page


def test_strangers_find_nothing(strangers: list[Browser], buyer: UUID) -> None:
    invoice = bill(buyer)
    for stranger in strangers:
        for path in ("", f"/{invoice.id}", f"/{invoice.id}/pdf", "/close", "/transfers/new"):
            assert stranger.get(HERE + path).status_code == 404
        assert stranger.post(f"{HERE}/{invoice.id}/credit-note", {"line_1": "1.00"}).status_code == 404
    assert again(invoice).credited_minor == 0


def test_a_refund_by_the_api_of_something_invoiced_is_a_credit_note(browser: Browser, buyer: UUID) -> None:
    house_id = consultations.house()
    organizations.credit(buyer, 100_00, "USD")
    with unit_of_work(PLATFORM) as session:
        what = next(one for one in offerings.sessions(session) if one.duration_minutes == 30)
    advisor = bookings.consultant(house_id, Practice.ADVISOR)
    held = bookings.booked(what, advisor, bookings.client_account(), paid_by=PaidBy.INVOICE, buyer=buyer)
    charge_id = client_money.paid(held, ChargeProvider.FUNDS)
    with unit_of_work(PLATFORM) as session:
        (made,) = closing.bill_one(session, SYSTEM, buyer, origin=InvoiceOrigin.REQUEST)
    answer = browser.open(
        "/api/payments/refunds", method="POST", headers={"X-CSRFToken": browser.csrf_token()},
        json={"paymentId": str(charge_id), "amountMinor": 10_00, "reason": "Cut short"},
    )  # fmt: skip
    assert answer.status_code == 201
    told = answer.get_json()
    assert told["routedBy"] == "FUNDS" and told["status"] == "SUCCEEDED"
    note = billing.only(buyer, kind=DocumentKind.CREDIT_NOTE)
    assert told["creditNoteId"] == str(note.id) and note.corrects_id == made and note.total_minor == 10_00
    page = browser.get(f"/admin/consultations/{held.id}").text
    assert f"/admin/billing/{made}" in page and f"/admin/billing/{note.id}" in page

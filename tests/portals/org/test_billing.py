"""Billing of an organization that buys: what is owed, documents, paying by card, and who may see it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.billing import closing, notes, settling
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus
from app.charges.client_models import Charge
from app.charges.states import ChargeStatus
from app.core.clock import at, utc_now
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.ledger import service as ledger
from app.organizations.models import Organization
from app.organizations.states import BillingMode, OrganizationKind, Role
from jobs import clients as jobs
from tests.factories import billing, people
from tests.factories.people import PLATFORM
from tests.portals.org.conftest import House, statements

HERE = "/org/oxford/billing"
GOOD, DECLINED = "4242 4242 4242 4242", "4000000000000002"


@pytest.fixture
def buyer(house: House) -> House:
    """Oxford is invoiced monthly and was charged for two sessions."""
    billing.issuer()
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).billing_mode = BillingMode.INVOICED_MONTHLY
    billing.charge(house.organization_id, 60_00)
    billing.charge(house.organization_id, 40_00, title="Mock interview")
    return house


def bill(house: House) -> Invoice:
    with unit_of_work(PLATFORM) as session:
        made = closing.bill_one(session, SYSTEM, house.organization_id, origin=InvoiceOrigin.REQUEST)
    return billing.only(house.organization_id, id=made[0])


def again(invoice: Invoice) -> Invoice:
    return billing.only(invoice.organization_id, id=invoice.id)


def transfer(invoice: Invoice, minor: int) -> None:
    with unit_of_work(PLATFORM) as session:
        settling.transferred(
            session, SYSTEM, invoice.id, amount=Money(minor, "USD"), reference=f"T {minor}",
            received_on=utc_now().date(),
        )  # fmt: skip


def credit(invoice: Invoice, minor: int) -> UUID:
    line = billing.lines(invoice.id)[0]
    with unit_of_work(PLATFORM) as session:
        return notes.credit(session, SYSTEM, invoice.id, [(line.id, Money(minor, "USD"))], "Cancelled")


def charges() -> list[Charge]:
    with unit_of_work(PLATFORM) as session:
        return list(session.scalars(select(Charge).where(Charge.subject_kind == "invoice")))


def test_bill_now_makes_an_invoice_and_the_page_says_what_is_owed(buyer: House) -> None:
    page = buyer.browser.get(HERE)
    assert page.status_code == 200
    assert "Bill now" in page.text and "$100.00" in page.text
    answer = buyer.browser.post(f"{HERE}/invoices", {"idempotency_key": "k"})
    assert answer.status_code == 303
    made = billing.only(buyer.organization_id)
    assert answer.location.endswith(f"/billing/invoices/{made.id}")
    assert buyer.browser.post(f"{HERE}/invoices", {"idempotency_key": "l"}).status_code == 409  # nothing left
    page = buyer.browser.get(HERE).text
    assert made.number and made.number in page
    assert "Bill now" not in page and "Pay $100.00" in page


def test_one_document_with_what_came_since(buyer: House) -> None:
    invoice = bill(buyer)
    transfer(invoice, 30_00)
    note = credit(invoice, 20_00)
    page = buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text
    for text in ("Career coaching", "Mock interview", "T 3000", "Part paid", "$50.00", "Credit note", "−$20.00"):
        assert text in page, text
    there = buyer.browser.get(f"{HERE}/invoices/{note}")
    assert there.status_code == 200
    assert f"/invoices/{invoice.id}" in there.text


def test_overdue_is_said(buyer: House) -> None:
    invoice = bill(buyer)
    with at(utc_now() + timedelta(days=45)):
        browser = buyer.sign_in(Portal.ORG, "owner@oxford.test")
        assert "is overdue" in browser.get(HERE).text
        assert "Overdue since" in browser.get(f"{HERE}/invoices/{invoice.id}").text
        assert invoice.number in browser.get(f"{HERE}?view=overdue").text  # type: ignore[operator]


def test_the_list_is_narrowed_and_so_is_its_file(buyer: House) -> None:
    invoice = bill(buyer)
    note_id = credit(invoice, 10_00)
    note = billing.only(buyer.organization_id, id=note_id)
    only = buyer.browser.htmx("GET", f"{HERE}?view=credit_notes").text
    assert f"document-{note.id}" in only and f"document-{invoice.id}" not in only
    rows = buyer.browser.get(f"{HERE}/invoices.csv?view=credit_notes").text.splitlines()
    assert len(rows) == 2 and note.number and rows[1].startswith(note.number) and "-10.00" in rows[1]
    assert len(buyer.browser.get(f"{HERE}/invoices.csv").text.splitlines()) == 3
    assert "No document fits" in buyer.browser.get(f"{HERE}?q=nothing-like-this").text


def test_many_documents_cost_no_more_statements(buyer: House) -> None:
    bill(buyer)
    buyer.browser.get(HERE)
    with statements() as few:
        buyer.browser.get(HERE)
    for _ in range(6):
        billing.charge(buyer.organization_id, 5_00)
        bill(buyer)
    with statements() as many:
        buyer.browser.get(HERE)
    assert len(many) == len(few) <= 24


def test_paper_has_its_digest_as_tag(buyer: House) -> None:
    invoice = bill(buyer)
    url = f"{HERE}/invoices/{invoice.id}/pdf"
    first = buyer.browser.get(url)
    assert first.mimetype == "application/pdf" and first.data.startswith(b"%PDF")
    digest = hashlib.sha256(first.data).hexdigest()
    assert first.headers["ETag"] == f'"{digest}"'
    assert again(invoice).pdf_sha256 == digest
    assert buyer.browser.get(url, headers={"If-None-Match": f'"{digest}"'}).status_code == 304
    transfer(invoice, 100_00)  # it has a stamp now
    second = buyer.browser.get(url, headers={"If-None-Match": f'"{digest}"'})
    assert second.status_code == 200 and second.headers["ETag"] != f'"{digest}"'


def test_no_electronic_invoice_without_vat(buyer: House) -> None:
    invoice = bill(buyer)
    assert buyer.browser.get(f"{HERE}/invoices/{invoice.id}/ubl.xml").status_code == 404
    assert "UBL" not in buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text


def test_electronic_invoices_where_there_is_vat(house: House) -> None:
    billing.issuer(country="FR", tax_id="FR40303265045", service_rate_bps=2000, city="Paris", postcode="75001")
    billing.profile(
        house.organization_id, legal_name="Oxford", country="BE", tax_id="BE0428759497", street="1", city="Ghent",
        postcode="9000", email="ap@oxford.test",
    )  # fmt: skip
    billing.charge(house.organization_id, 60_00)
    invoice = bill(house)
    ubl = house.browser.get(f"{HERE}/invoices/{invoice.id}/ubl.xml")
    assert ubl.mimetype == "application/xml" and b"oasis" in ubl.data
    assert b"CrossIndustryInvoice" in house.browser.get(f"{HERE}/invoices/{invoice.id}/cii.xml").data


def test_a_card_pays_what_is_open(buyer: House) -> None:
    invoice = bill(buyer)
    transfer(invoice, 30_00)
    pay = f"{HERE}/invoices/{invoice.id}/payment"
    form = buyer.browser.get(pay).text
    assert "Pay $70.00" in form and f'action="{pay}"' in form
    wrong = buyer.browser.post(pay, {"number": "1", "idempotency_key": "a"})
    assert wrong.status_code == 422 and "none of the test cards" in wrong.text
    assert buyer.browser.post(pay, {"number": DECLINED, "idempotency_key": "b"}).status_code == 303
    (charge,) = charges()
    jobs.ask(str(charge.id))
    assert "The card was refused" in buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text
    transfer(invoice, 20_00)  # the next try is for less
    assert buyer.browser.post(pay, {"number": GOOD, "idempotency_key": "c"}).status_code == 303
    jobs.ask(str(charge.id))
    jobs.ask(str(charge.id))
    (charge,) = charges()
    assert charge.status is ChargeStatus.SUCCEEDED and charge.amount_minor == 50_00
    paid = again(invoice)
    assert paid.status is InvoiceStatus.PAID and paid.paid_minor == 100_00
    with unit_of_work(PLATFORM) as session:
        assert ledger.funds(session, buyer.organization_id, "USD").minor == 0
    assert buyer.browser.get(pay).status_code == 303  # nothing left to pay
    assert buyer.browser.post(pay, {"number": GOOD, "idempotency_key": "d"}).status_code == 303
    assert "Nothing is open" in buyer.browser.get(f"{HERE}/invoices/{invoice.id}").text


def test_without_invoices_the_page_says_why(house: House) -> None:
    page = house.browser.get(HERE)
    assert page.status_code == 200 and "No invoices here" in page.text
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).kind = OrganizationKind.PROVIDER
    assert house.browser.get(HERE).status_code == 404
    assert f'href="{HERE}"' not in house.browser.get("/org/oxford/").text


def test_managers_read_and_only_admins_bill_and_pay(buyer: House) -> None:
    invoice = bill(buyer)
    billing.charge(buyer.organization_id, 5_00)
    manager = buyer.member(Role.MANAGER)
    assert manager.get(HERE).status_code == 200 and "Bill now" not in manager.get(HERE).text
    assert manager.post(f"{HERE}/invoices", {"idempotency_key": "k"}).status_code == 403
    assert manager.get(f"{HERE}/invoices/{invoice.id}/payment").status_code == 403
    assert buyer.member(Role.SUPPORT).get(HERE).status_code == 403


def test_strangers_find_nothing(buyer: House, strangers: list) -> None:  # type: ignore[type-arg]
    invoice = bill(buyer)
    for browser in strangers:
        for path in ("", "/invoices.csv", f"/invoices/{invoice.id}", f"/invoices/{invoice.id}/pdf"):
            assert browser.get(HERE + path).status_code == 404
    people.member(buyer.organization_id, Role.LEARNER, "learner@oxford.test")
    assert buyer.sign_in(Portal.ORG, "learner@oxford.test").get(f"{HERE}/invoices/{invoice.id}/pdf").status_code == 403
    assert invoice.kind is DocumentKind.INVOICE


def test_what_another_organization_was_billed_is_not_there(buyer: House) -> None:
    other = billing.buyer()
    billing.charge(other, 10_00)
    with unit_of_work(PLATFORM) as session:
        (made,) = closing.bill_one(session, SYSTEM, other, origin=InvoiceOrigin.REQUEST)
    for path in ("", "/pdf", "/ubl.xml", "/payment"):
        assert buyer.browser.get(f"{HERE}/invoices/{made}{path}").status_code == 404, path

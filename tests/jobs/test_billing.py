"""Invoices by jobs: the month's close, mails with the document, earnings that wait for the invoice, reminders."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select, text

from app.billing.invoice_models import BillingProfile, Invoice
from app.billing.invoice_states import InvoiceStatus, PayoutOn
from app.charges.states import ReturnKind
from app.consultations import booking, hours, money, offerings
from app.consultations.models import Consultation
from app.consultations.states import PaidBy, Practice
from app.core.clock import at
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.organizations.states import BillingMode, Role
from app.reporting import doctor
from jobs import billing as jobs
from jobs import documents
from tests.app.consultations import making
from tests.factories import billing, consultations, organizations, people
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
OCTOBER = datetime(2026, 10, 14, 9, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)


def _close() -> None:
    with at(FIRST + timedelta(minutes=3)):
        jobs.close_month(FIRST.isoformat())


_MAILS = text("SELECT to_address, subject, context FROM mails WHERE template = :template ORDER BY id")


def _mails(template: str) -> list[Any]:
    with unit_of_work(PLATFORM) as session:
        return list(session.execute(_MAILS, {"template": template}))


def test_the_close_bills_everybody_in_chunks_and_goes_on_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "CHUNK", 2)
    billing.issuer()
    colleges = [billing.buyer(f"college-{number}") for number in range(5)]
    for one in colleges:
        billing.charge(one, 10_00, when=OCTOBER)
    real, calls = jobs.closing.close, []

    def stops(session: Any, actor: Any, ids: Any, *, before: datetime) -> Any:
        calls.append(ids)
        if len(calls) == 2:
            raise SystemExit("killed")
        return real(session, actor, ids, before=before)

    monkeypatch.setattr(jobs.closing, "close", stops)
    with pytest.raises(SystemExit):
        _close()
    _close()
    with unit_of_work(PLATFORM) as session:
        assert session.scalars(select(Invoice.serial).order_by(Invoice.serial)).all() == [1, 2, 3, 4, 5]


def test_one_that_cannot_be_billed_is_noted() -> None:
    billing.india()
    good = billing.buyer("good", "INR", country="IN")
    bad = billing.buyer("bad", "INR", country="IN", region="ZZ")
    for one in (good, bad):
        billing.charge(one, 10_00, currency="INR", when=OCTOBER)
    _close()
    with unit_of_work(PLATFORM) as session:
        noted = session.execute(
            text("SELECT subject_id, detail ->> 'why' FROM audit_records WHERE action = 'invoice.refused'")
        ).one()
    assert noted[0] == bad and "state" in noted[1]


def test_an_issued_invoice_is_mailed_with_its_paper_once() -> None:
    billing.issuer()
    college = billing.buyer(country="US", email="ap@hartwell.test")
    billing.charge(college, 500_00, when=OCTOBER)
    _close()
    made = billing.only(college)
    jobs.issued(str(made.id))
    jobs.issued(str(made.id))
    ((address, subject, _),) = _mails("invoice_issued")
    assert (address, subject) == ("ap@hartwell.test", "Invoice INV-2026-00001")
    paper = documents.make({"document": "invoice", "invoice_id": str(made.id)})
    assert paper.name == "INV-2026-00001.pdf"
    assert "$500.00" in PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()
    assert billing.only(college).pdf_sha256


def test_without_an_address_owners_and_admins_are_told() -> None:
    billing.issuer()
    college = billing.buyer()
    people.member(college, Role.OWNER, "owner@hartwell.test")
    people.member(college, Role.LEARNER, "learner@hartwell.test")
    billing.charge(college, 5_00, when=OCTOBER)
    _close()
    jobs.issued(str(billing.only(college).id))
    assert [row.to_address for row in _mails("invoice_issued")] == ["owner@hartwell.test"]


def test_reminders_go_out_by_steps() -> None:
    billing.issuer()
    college = billing.buyer(country="US", email="ap@hartwell.test", terms_days=0)
    billing.charge(college, 5_00, when=OCTOBER)
    _close()
    due = date(2026, 11, 1)
    for days in (1, 2, 3, 3, 6, 7, 20, 31, 60):
        with at(datetime.combine(due + timedelta(days=days), datetime.min.time(), UTC)):
            jobs.remind()
    assert sorted(row.context["days"] for row in _mails("invoice_overdue")) == [3, 7, 20, 31]


class Session:
    """A consultation that a manager's organization pays by invoice."""

    def __init__(self, policy: PayoutOn) -> None:
        billing.issuer()
        self.payee = consultations.consultant(name="Mara Lindqvist", practice=Practice.ADVISOR)
        self.buyer = billing.buyer(country="US", payout_on=policy)
        organizations.credit(self.buyer, 1000_00, "USD")
        with unit_of_work(PLATFORM) as session:
            session.get_one(Organization, self.buyer).billing_mode = BillingMode.INVOICED_MONTHLY
        people.member(self.buyer, Role.MANAGER, "noor@hartwell.test")
        client = making.client("noor@hartwell.test")
        with unit_of_work(Scope.payee(self.payee)) as session:
            who = consultations.signed(self.payee, "Mara Lindqvist")
            hours.set_week(session, who, self.payee, {day: [(0, 1440)] for day in range(7)}, "UTC")
        with at(OCTOBER), unit_of_work(PLATFORM) as session:
            half = next(one for one in offerings.sessions(session) if one.duration_minutes == 30)
            self.held = booking.book(
                session, client, payee_id=self.payee, offering_id=half.id, starts_at=OCTOBER + timedelta(days=2),
                client_time_zone="UTC", locale="en_US", paid_by=PaidBy.INVOICE, buyer_organization_id=self.buyer,
            )  # fmt: skip
            money.charge(session, client, self.held, money.BY_BUYER[PaidBy.INVOICE])
            booking.confirm(session, SYSTEM, self.held.id)

    def complete(self) -> None:
        with at(OCTOBER + timedelta(days=3)), unit_of_work(PLATFORM) as session:
            booking.complete(session, SYSTEM, [self.held.id])

    def earned(self) -> tuple[str | None, int]:
        """Why it is on hold, and what is ready."""
        with unit_of_work(PLATFORM) as session:
            held = session.scalar(text("SELECT reason FROM held_earnings"))
            ready = session.scalar(text("SELECT coalesce(sum(amount_minor), 0) FROM ready_earnings"))
            found = [one for one in doctor.examine(session) if one.code != "outbox.stale"]  # the clock stood still
            assert found == []
        return held, int(ready or 0)

    def pay(self) -> Invoice:
        _close()
        made = billing.only(self.buyer, kind="invoice")
        with unit_of_work(PLATFORM) as session:
            jobs.settling.transferred(
                session, SYSTEM, made.id, amount=made.total, reference="HC 7", received_on=date(2026, 11, 2)
            )
        jobs.paid(str(made.id))
        return billing.only(self.buyer, kind="invoice")


def test_what_is_earned_waits_for_the_invoice() -> None:
    session = Session(PayoutOn.INVOICE_PAID)
    session.complete()
    assert session.earned() == ("invoice", 0)
    assert session.pay().status is InvoiceStatus.PAID
    assert session.earned() == (None, 13_30)


def test_unless_the_platform_fronts_it() -> None:
    session = Session(PayoutOn.ACCRUAL)
    session.complete()
    assert session.earned() == (None, 13_30)


def test_an_invoice_paid_before_the_session_releases_nothing_early() -> None:
    session = Session(PayoutOn.INVOICE_PAID)
    session.pay()
    assert session.earned() == ("session", 0)
    session.complete()
    assert session.earned() == (None, 13_30)


def test_a_cancelled_booking_is_taken_off_or_credited() -> None:
    session = Session(PayoutOn.INVOICE_PAID)
    session.pay()
    with at(OCTOBER + timedelta(hours=1)), unit_of_work(PLATFORM) as unit:
        found = unit.get_one(Consultation, session.held.id)
        back = money.give_back(
            unit, SYSTEM, found.id, amount=Money(9_00, "USD"), kind=ReturnKind.REFUND, reason="Cut short"
        )
        assert back.amount_minor == 9_00
    note = billing.only(session.buyer, kind="credit_note")
    assert (note.total_minor, note.reason) == (9_00, "Cut short")
    assert session.earned()[0] == "session"
    with unit_of_work(PLATFORM) as unit:
        assert unit.scalar(select(BillingProfile.payout_on).where(BillingProfile.organization_id == session.buyer))

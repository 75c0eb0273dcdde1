"""Payments, credit and debit notes: what is owed, what is covered, and that nothing is lost or made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.billing import accrual, closing, notes, settling
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus
from app.core.clock import at, utc_now
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.ledger import recipes
from app.ledger import service as ledger
from tests.factories import billing
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
OCTOBER = datetime(2026, 10, 14, 9, tzinfo=UTC)


def _bill(buyer_id: UUID) -> Invoice:
    with unit_of_work(PLATFORM) as session:
        made = closing.bill(session, SYSTEM, [buyer_id], before=utc_now(), origin=InvoiceOrigin.REQUEST)
    return billing.only(buyer_id, id=made[0])


def _again(invoice: Invoice) -> Invoice:
    return billing.only(invoice.organization_id, id=invoice.id)


def _credit(return_id: UUID) -> UUID | None:
    with unit_of_work(PLATFORM) as session:
        return notes.credit_return(session, SYSTEM, return_id)


def _transfer(invoice: Invoice, minor: int, reference: str = "HC 1") -> Invoice:
    with unit_of_work(PLATFORM) as session:
        settling.transferred(
            session, SYSTEM, invoice.id, amount=Money(minor, invoice.currency), reference=reference,
            received_on=utc_now().date(),
        )  # fmt: skip
    return _again(invoice)


def _funds(buyer_id: UUID, currency: str = "USD") -> int:
    with unit_of_work(PLATFORM) as session:
        return ledger.funds(session, buyer_id, currency).minor


@pytest.fixture
def college(database_url: str) -> UUID:
    billing.issuer()
    return billing.buyer()


def test_part_payments_pay_it_in_the_end(college: UUID) -> None:
    billing.charge(college, 100_00)
    invoice = _bill(college)
    part = _transfer(invoice, 30_00, "first")
    assert (part.status, part.open) == (InvoiceStatus.SENT, Money(70_00, "USD"))
    assert _transfer(invoice, 30_00, "first").paid_minor == 30_00  # the same line of the statement again
    paid = _transfer(invoice, 70_00, "second")
    assert (paid.status, paid.open.minor, _funds(college)) == (InvoiceStatus.PAID, 0, 0)


def test_what_is_paid_too_much_stays_and_pays_the_next(college: UUID) -> None:
    billing.charge(college, 100_00)
    assert _transfer(_bill(college), 130_00).status is InvoiceStatus.PAID
    assert _funds(college) == 30_00
    billing.charge(college, 50_00)
    second = _bill(college)
    with unit_of_work(PLATFORM) as session:
        assert settling.cover(session, SYSTEM, college, "USD") == Money(30_00, "USD")
        assert settling.cover(session, SYSTEM, college, "USD") == Money(0, "USD")
    assert _again(second).open == Money(20_00, "USD")


@pytest.mark.parametrize(("minor", "reference", "days"), [(0, "A", 0), (-5, "A", 0), (5, " ", 0), (5, "A", 1)])
def test_a_payment_that_cannot_be(college: UUID, minor: int, reference: str, days: int) -> None:
    billing.charge(college, 100_00)
    invoice = _bill(college)
    with unit_of_work(PLATFORM) as session, pytest.raises(Invalid):
        settling.transferred(
            session, SYSTEM, invoice.id, amount=Money(minor, "USD"), reference=reference,
            received_on=utc_now().date() + timedelta(days=days),
        )  # fmt: skip


def test_a_refund_of_what_was_billed_makes_a_credit_note(college: UUID) -> None:
    charge = billing.charge(college, 100_00)
    invoice = _bill(college)
    back = billing.refund(charge, 40_00)
    note_id = _credit(back)
    assert note_id is not None and _credit(back) is None
    note = billing.only(college, id=note_id)
    assert (note.number, note.kind, note.total_minor) == ("INVC-2026-00001", DocumentKind.CREDIT_NOTE, 40_00)
    assert (note.corrects_id, note.reason, note.status) == (invoice.id, "Cancelled", InvoiceStatus.PAID)
    assert _again(invoice).open == Money(60_00, "USD")
    assert billing.lines(invoice.id)[0].credited_minor == 40_00
    assert _transfer(invoice, 60_00).status is InvoiceStatus.PAID and _funds(college) == 0


def test_after_payment_the_credit_stays_in_the_funds(college: UUID) -> None:
    charge = billing.charge(college, 100_00)
    invoice = _transfer(_bill(college), 100_00)
    note_id = _credit(billing.refund(charge, 100_00))
    assert note_id is not None
    assert (_again(invoice).status, _funds(college)) == (InvoiceStatus.PAID, 100_00)


def test_never_more_than_was_billed_goes_back(college: UUID) -> None:
    billing.charge(college, 100_00)
    invoice = _bill(college)
    line = billing.lines(invoice.id)[0]
    for minor in (0, 100_01):
        with unit_of_work(PLATFORM) as session, pytest.raises(Invalid):
            notes.credit(session, SYSTEM, invoice.id, [(line.id, Money(minor, "USD"))], "Too much")
    with unit_of_work(PLATFORM) as session, pytest.raises(Invalid):
        notes.credit(session, SYSTEM, invoice.id, [(line.id, Money(1, "USD"))], "  ")


def test_tax_goes_back_with_it_and_not_after_its_last_day() -> None:
    billing.india()
    academy = billing.buyer("kaveri", "INR", country="IN", region="33")
    first = billing.charge(academy, 1000_00, currency="INR", when=OCTOBER)
    with at(OCTOBER + timedelta(minutes=1)):
        _bill(academy)
        note_id = _credit(billing.refund(first, 1000_00))
    note = billing.only(academy, id=note_id)
    assert (note.tax_minor, note.total_minor, _funds(academy, "INR")) == (180_00, 1180_00, 0)
    late = billing.charge(academy, 1000_00, currency="INR", when=OCTOBER)
    with at(OCTOBER + timedelta(minutes=1)):
        _bill(academy)
    with at(datetime(2027, 12, 1, tzinfo=UTC)):
        note = billing.only(academy, id=_credit(billing.refund(late, 1000_00)))
    assert (note.tax_minor, note.total_minor) == (0, 1000_00)
    assert note.number == "QTC/2728/00001"


def test_a_debit_note_is_due_for_itself(college: UUID) -> None:
    billing.charge(college, 100_00)
    invoice = _bill(college)
    with unit_of_work(PLATFORM) as session:
        note_id = notes.debit(
            session, SYSTEM, invoice.id, Money(15_00, "USD"), "Longer workshop", "It took an hour more."
        )
    note = billing.only(college, id=note_id)
    assert (note.kind, note.number, note.open) == (DocumentKind.DEBIT_NOTE, "INVD-2026-00001", Money(15_00, "USD"))
    assert note.due_on == utc_now().date() + timedelta(days=30) and _again(invoice).open == Money(100_00, "USD")
    assert _funds(college) == -115_00
    assert _transfer(note, 15_00, "debit").status is InvoiceStatus.PAID


def test_only_what_was_issued_is_corrected(college: UUID) -> None:
    charge = billing.charge(college, 100_00)
    _bill(college)
    note_id = _credit(billing.refund(charge, 1_00))
    assert note_id is not None
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict):
        notes.debit(session, SYSTEM, note_id, Money(1, "USD"), "More", "Why")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.integers(1, 300_00)),
        st.tuples(st.just("bill"), st.just(0)),
        st.tuples(st.just("refund"), st.integers(1, 10_000)),
        st.tuples(st.just("transfer"), st.integers(1, 400_00)),
        st.tuples(st.just("deposit"), st.integers(1, 200_00)),
    ),
    min_size=4,
    max_size=14,
)


class History:
    """One organization's life: what is checked after every step."""

    def __init__(self, buyer_id: UUID) -> None:
        self.buyer_id, self.charges, self.count = buyer_id, dict[UUID, int](), 0

    def charge(self, minor: int) -> None:
        self.charges[billing.charge(self.buyer_id, minor, currency="INR")] = minor

    def bill(self, _: int) -> None:
        with unit_of_work(PLATFORM) as session:
            closing.bill(session, SYSTEM, [self.buyer_id], before=utc_now(), origin=InvoiceOrigin.REQUEST)
            settling.cover(session, SYSTEM, self.buyer_id, "INR")

    def refund(self, bps: int) -> None:
        charge_id, left = next(iter(self.charges.items()), (None, 0))
        if charge_id is None:
            return
        minor = max(1, left * bps // 10_000)
        self.charges[charge_id] = left - minor
        if left == minor:
            del self.charges[charge_id]
        back = billing.refund(charge_id, minor)
        with unit_of_work(PLATFORM) as session:
            if not accrual.reduce(session, charge_id, Money(minor, "INR")):
                notes.credit_return(session, SYSTEM, back)

    def transfer(self, minor: int) -> None:
        self.count += 1
        with unit_of_work(PLATFORM) as session:
            open_id = session.scalar(_ANY_OPEN, {"id": self.buyer_id})
            if open_id:
                settling.transferred(
                    session, SYSTEM, open_id, amount=Money(minor, "INR"), reference=f"T{self.count} of {self.buyer_id}",
                    received_on=date(2026, 1, 1),
                )  # fmt: skip

    def deposit(self, minor: int) -> None:
        self.count += 1
        with unit_of_work(PLATFORM) as session:
            ledger.post(
                session, recipes.DEPOSIT_CONFIRMED, ref=f"D{self.count} of {self.buyer_id}",
                organization_id=self.buyer_id, amount=Money(minor, "INR"), rail="bank",
            )  # fmt: skip
            settling.cover(session, SYSTEM, self.buyer_id, "INR")

    def check(self) -> None:
        with unit_of_work(PLATFORM) as session:
            funds = ledger.funds(session, self.buyer_id, "INR").minor
            waiting = sum(one.minor for one in accrual.unbilled(session, self.buyer_id))
            found: Any = session.execute(_FACTS, {"id": self.buyer_id}).one()
        # Whoever owes something has not got it with us: what is short is open, or waits to be billed.
        assert funds < 0 or not found.owed
        assert max(0, -funds) <= found.owed + waiting
        assert found.tax == found.taxed
        assert found.bad == 0


_ANY_OPEN = text("SELECT id FROM invoices WHERE organization_id = :id AND status = 'sent' AND kind = 'invoice' LIMIT 1")
_FACTS = text(
    """SELECT
    (SELECT coalesce(sum(total_minor - paid_minor - credited_minor), 0) FROM invoices
        WHERE organization_id = :id AND status = 'sent' AND kind <> 'credit_note') AS owed,
    (SELECT coalesce(-sum(amount_minor), 0) FROM ledger_lines
        WHERE organization_id = :id AND account = 'output_tax') AS tax,
    (SELECT coalesce(sum(CASE kind WHEN 'credit_note' THEN -tax_minor ELSE tax_minor END), 0) FROM invoices
        WHERE organization_id = :id) AS taxed,
    (SELECT count(*) FROM invoices i WHERE organization_id = :id AND kind = 'invoice' AND (
        (SELECT sum(l.net_minor - l.credited_minor) FROM invoice_lines l WHERE l.invoice_id = i.id) < 0
        OR (i.status = 'paid') <> (i.total_minor = i.paid_minor + i.credited_minor))) AS bad"""
)


@pytest.fixture
def issued_in_india(database_url: str) -> UUID:
    return billing.india()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_history_adds_up(issued_in_india: UUID, steps: list[tuple[str, int]]) -> None:
    history = History(billing.buyer(f"b{uuid4().hex}", "INR", country="IN", region="29"))
    for step, value in steps:
        getattr(history, step)(value)
        history.check()


def test_a_credit_by_hand_is_borne_by_the_platform_and_no_refund_gives_it_twice() -> None:
    billing.issuer()
    buyer_id = billing.buyer()
    charge_id = billing.charge(buyer_id, 100_00)
    invoice = _bill(buyer_id)
    (line,) = billing.lines(invoice.id)
    with unit_of_work(PLATFORM) as session:
        notes.credit_by_hand(session, SYSTEM, invoice.id, [(line.id, Money(80_00, "USD"))], "Goodwill")
    assert _funds(buyer_id) == -20_00 and _again(invoice).open.minor == 20_00
    note = _credit(billing.refund(charge_id, 60_00))
    assert billing.only(buyer_id, id=note).net_minor == 20_00
    assert _funds(buyer_id) == 0 and _again(invoice).status is InvoiceStatus.PAID
    assert _credit(billing.refund(charge_id, 40_00)) is None
    assert _funds(buyer_id) == 0


def test_another_transfer_under_a_known_reference_is_not_lost(college: UUID) -> None:
    billing.charge(college, 100_00)
    first = _bill(college)
    billing.charge(college, 50_00)
    second = _bill(college)
    _transfer(first, 30_00, "Consultations")
    for invoice, minor in ((first, 70_00), (second, 30_00)):
        with pytest.raises(Conflict) as refused:
            _transfer(invoice, minor, "Consultations")
        assert "reference" in refused.value.fields
    assert (_again(first).open.minor, _again(second).open.minor, _funds(college)) == (70_00, 50_00, -120_00)


def test_what_paid_nothing_that_was_open_does_not_pay_another_invoice(college: UUID) -> None:
    billing.charge(college, 100_00)
    first = _transfer(_bill(college), 100_00, "A")
    _transfer(first, 20_00, "B")  # twice paid in part: it stays in the funds
    assert _transfer(first, 20_00, "B").paid_minor == 100_00 and _funds(college) == 20_00
    billing.charge(college, 50_00)
    second = _bill(college)
    with pytest.raises(Conflict):
        _transfer(second, 50_00, "B")
    assert (_again(second).open.minor, _funds(college)) == (50_00, -30_00)


def test_parts_of_a_line_have_the_tax_of_the_line_together() -> None:
    billing.issuer(country="FR", tax_id="FR40303265045", service_rate_bps=1900)
    lyon = billing.buyer("lyon", "EUR", country="FR")
    charge = billing.charge(lyon, 19_00, currency="EUR")
    invoice = _bill(lyon)
    made = [billing.only(lyon, id=_credit(billing.refund(charge, minor))) for minor in (9_50, 4_75, 4_75)]
    assert sum(note.tax_minor for note in made) == invoice.tax_minor == 3_61
    assert (_again(invoice).open.minor, _funds(lyon, "EUR")) == (0, 0)


@pytest.mark.parametrize(
    ("net", "parts"),
    [(100_50, (50_25, 50_25)), (99_90, (33_30, 33_30, 33_30)), (10_49, (3_00, 3_00, 3_00, 1_49)), (1_00, (40, 40, 20))],
)
def test_notes_of_an_invoice_rounded_to_rupees_take_back_its_total(net: int, parts: tuple[int, ...]) -> None:
    billing.india()
    academy = billing.buyer("kaveri", "INR", country="IN", region="29")
    charge = billing.charge(academy, net, currency="INR")
    invoice = _bill(academy)
    made = [billing.only(academy, id=_credit(billing.refund(charge, minor))) for minor in parts]
    assert all(note.total_minor % 100 == 0 for note in made)
    assert sum(note.total_minor for note in made) == invoice.total_minor
    assert (_again(invoice).open.minor, _funds(academy, "INR")) == (0, 0)

"""Billing: everything once, gapless numbers, tax posted, one that cannot be billed stops nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.billing import accrual, closing, snapshots
from app.billing.closing import Group
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice, UnbilledCharge
from app.billing.invoice_states import InvoiceOrigin, InvoiceStatus
from app.core.clock import at, utc_now
from app.core.errors import Conflict
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.ledger import service as ledger
from tests.factories import billing, organizations
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
OCTOBER = datetime(2026, 10, 14, 9, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)


def _close(*ids: UUID, before: datetime = FIRST) -> closing.Closed:
    with at(FIRST + timedelta(minutes=1)), unit_of_work(PLATFORM) as session:
        return closing.close(session, SYSTEM, ids, before=before)


def test_a_month_becomes_one_invoice_with_a_line_for_each_price() -> None:
    billing.issuer()
    college = billing.buyer()
    for _ in range(3):
        billing.charge(college, 140_00, when=OCTOBER)
    billing.charge(college, 80_00, title="Portfolio review", when=OCTOBER)
    billing.charge(college, 999_00, when=FIRST + timedelta(hours=1))  # of November
    closed = _close(college)
    made = billing.only(college)
    assert closed.invoice_ids == (made.id,) and not closed.refused
    assert (made.number, made.status, made.kind) == ("INV-2026-00001", InvoiceStatus.SENT, DocumentKind.INVOICE)
    assert (made.total_minor, made.tax_minor) == (500_00, 0)
    assert (made.period_start, made.period_end) == (date(2026, 10, 1), date(2026, 10, 31))
    assert (made.issued_on, made.due_on) == (date(2026, 11, 1), date(2026, 12, 1))
    told = [(line.description, line.quantity, line.net_minor) for line in billing.lines(made.id)]
    assert told == [("Career coaching", 3, 420_00), ("Portfolio review", 1, 80_00)]
    with unit_of_work(PLATFORM) as session:
        assert accrual.unbilled(session, college) == [Money(999_00, "USD")]
        assert session.execute(text("SELECT count(*) FROM billed_charges")).scalar_one() == 4


def test_a_billed_charge_is_of_the_organization_of_its_line() -> None:
    billing.issuer()
    college, school = billing.buyer(), billing.buyer("hillside")
    for one in (college, school):
        billing.charge(one, 50_00, when=OCTOBER)
    _close(college, school)
    for change in (
        "line_id = (SELECT line_id FROM billed_charges WHERE organization_id = :school)",
        "organization_id = :school",
        "charge_id = uuidv7()",
        "invoice_id = uuidv7()",
    ):
        with pytest.raises(IntegrityError, match="not of its organization"), unit_of_work(PLATFORM) as session:
            session.execute(
                text(f"UPDATE billed_charges SET {change} WHERE organization_id = :college"),
                {"college": college, "school": school} if ":school" in change else {"college": college},
            )


def test_twice_bills_nothing_twice() -> None:
    billing.issuer()
    college = billing.buyer()
    billing.charge(college, 50_00, when=OCTOBER)
    assert len(_close(college).invoice_ids) == 1
    assert _close(college).invoice_ids == ()
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict, match="nothing to bill"):
        closing.bill_one(session, SYSTEM, college, origin=InvoiceOrigin.REQUEST)


def test_each_currency_has_its_own_invoice_and_numbers_go_on() -> None:
    billing.issuer()
    college = billing.buyer()
    billing.charge(college, 50_00, when=OCTOBER)
    billing.charge(college, 70_00, currency="EUR", when=OCTOBER)
    _close(college)
    assert billing.only(college, currency="EUR").number == "INV-2026-00001"
    assert billing.only(college, currency="USD").number == "INV-2026-00002"


def test_what_went_back_before_is_not_billed() -> None:
    billing.issuer()
    college = billing.buyer()
    part, whole = billing.charge(college, 50_00, when=OCTOBER), billing.charge(college, 70_00, when=OCTOBER)
    with unit_of_work(PLATFORM) as session:
        assert accrual.reduce(session, part, Money(20_00, "USD"))
        assert accrual.reduce(session, whole, Money(70_00, "USD"))
    _close(college)
    assert billing.only(college).total_minor == 30_00
    with unit_of_work(PLATFORM) as session:
        assert not accrual.reduce(session, part, Money(1, "USD"))  # billed now: a credit note's work


def test_tax_is_charged_frozen_and_posted() -> None:
    billing.india()
    academy = billing.buyer("kaveri", "INR", country="IN", region="29", tax_id="29AAACA1234A1ZG")
    billing.charge(academy, 333_33, currency="INR", when=OCTOBER)
    billing.charge(academy, 11, currency="INR", title="Class", when=OCTOBER)
    _close(academy)
    made = billing.only(academy)
    assert (made.number, made.net_minor, made.tax_minor) == ("QT/2627/00001", 333_44, 60_02)
    assert (made.round_off_minor, made.total_minor) == (-46, 393_00)
    with unit_of_work(PLATFORM) as session:
        assert ledger.funds(session, academy, "INR") == Money(-393_00, "INR")
        posted = dict(
            session.execute(
                text("SELECT account, -sum(amount_minor) FROM ledger_lines WHERE organization_id = :id GROUP BY 1"),
                {"id": academy},
            ).all()
        )
    assert (posted["output_tax"], posted["platform_revenue"]) == (60_02, -46)
    document = snapshots.thaw(made.snapshot or {})
    assert snapshots.freeze(document) == made.snapshot
    assert made.snapshot_sha256 == snapshots.digest(made.snapshot or {})
    assert [head.name for head in document.assessment.heads] == ["CGST", "SGST"]


def test_one_that_cannot_be_billed_stops_nobody() -> None:
    billing.india()
    good = [billing.buyer(f"college-{number}", "INR", country="IN") for number in range(3)]
    bad = billing.buyer("broken", "INR", country="IN", tax_id="00NOSUCHSTATE00")
    for one in (*good, bad):
        billing.charge(one, 100_00, currency="INR", when=OCTOBER)
    with unit_of_work(PLATFORM) as session:  # its wrong number came with an import of old data
        session.execute(
            text("UPDATE billing_profiles SET region = 'ZZ', tax_id = '' WHERE organization_id = :id"), {"id": bad}
        )
    closed = _close(*good, bad)
    assert len(closed.invoice_ids) == 3 and list(closed.refused) == [bad]
    with unit_of_work(PLATFORM) as session:
        serials = session.scalars(select(Invoice.serial).order_by(Invoice.serial)).all()
        assert serials == [1, 2, 3]
        assert session.scalars(select(UnbilledCharge.organization_id)).all() == [bad]


@pytest.mark.parametrize("fault", [ValueError("a number too long"), IntegrityError("", {}, Exception("a check"))])
def test_a_fault_nobody_foresaw_stops_nobody_else(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    billing.issuer()
    good, bad = billing.buyer("good"), billing.buyer("bad")
    for one in (good, bad):
        billing.charge(one, 100_00, when=OCTOBER)
    assess = closing.taxing.assess

    def trips(seller: Any, buyer: Any, items: Any) -> Any:
        if items[0].net.minor == 66_00:
            raise fault
        return assess(seller, buyer, items)

    monkeypatch.setattr(closing.taxing, "assess", trips)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text("UPDATE unbilled_charges SET amount_minor = 6600 WHERE organization_id = :id"), {"id": bad}
        )
    closed = _close(good, bad)
    assert len(closed.invoice_ids) == 1 and closed.refused == {bad: closing.UNFORESEEN}
    assert _close(good, bad).invoice_ids == ()
    monkeypatch.undo()
    again = _close(good, bad)
    with unit_of_work(PLATFORM) as session:
        made = session.get_one(Invoice, again.invoice_ids[0])
        assert (made.organization_id, made.number, again.refused) == (bad, "INV-2026-00002", {})


def test_numbers_have_no_gap_whatever_is_rolled_back() -> None:
    billing.issuer()
    colleges = [billing.buyer(f"college-{number}") for number in range(8)]
    for one in colleges:
        billing.charge(one, 10_00, when=OCTOBER)
    start = threading.Barrier(4)

    def work(mine: list[UUID]) -> None:
        start.wait()
        for place, one in enumerate(mine):
            try:
                with unit_of_work(PLATFORM) as session:
                    closing.bill(session, SYSTEM, [one], before=FIRST, origin=InvoiceOrigin.MONTH)
                    if place == 0:
                        raise RuntimeError("the machine stops here")
            except RuntimeError:
                with unit_of_work(PLATFORM) as session:
                    closing.bill(session, SYSTEM, [one], before=FIRST, origin=InvoiceOrigin.MONTH)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [colleges[at_::4] for at_ in range(4)]))
    with unit_of_work(PLATFORM) as session:
        assert session.scalars(select(Invoice.serial).order_by(Invoice.serial)).all() == list(range(1, 9))


def test_two_at_once_bill_once() -> None:
    billing.issuer()
    college = billing.buyer()
    for _ in range(5):
        billing.charge(college, 10_00, when=OCTOBER)
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: len(_close(college).invoice_ids), range(3)))
    assert sorted(made) == [0, 0, 1]


def test_without_an_issuer_nothing_is_billed() -> None:
    college = billing.buyer()
    billing.charge(college, 10_00, when=OCTOBER)
    assert "billing details" in _close(college).refused[college]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invoices SET total_minor = 1, net_minor = 1",
        "UPDATE invoices SET snapshot = '{}'",
        "UPDATE invoices SET number = 'X'",
        "UPDATE invoice_lines SET net_minor = 1",
        "DELETE FROM invoice_lines",
        "DELETE FROM invoices",
    ],
)
def test_what_is_issued_stays(change: str) -> None:
    billing.issuer()
    college = billing.buyer()
    billing.charge(college, 10_00, when=OCTOBER)
    _close(college)
    with pytest.raises(DBAPIError, match="issued"), unit_of_work(PLATFORM) as session:
        session.execute(text(change))


def test_other_organizations_see_nothing_of_it() -> None:
    billing.issuer()
    college, other = billing.buyer(), organizations.organization("other")
    billing.charge(college, 10_00, when=OCTOBER)
    _close(college)
    with unit_of_work(Scope.organization(other)) as session:
        assert session.scalars(select(Invoice)).all() == []
    with unit_of_work(Scope.organization(college)) as session:
        assert len(session.scalars(select(Invoice)).all()) == 1


@given(st.lists(st.tuples(st.sampled_from("ABCDEFGH"), st.integers(1, 5), st.integers(1, 9)), min_size=1, max_size=30))
def test_folding_loses_nothing(given_groups: list[tuple[str, int, int]]) -> None:
    now = utc_now()
    groups = [Group(name, unit, count, unit * count, now) for name, unit, count in given_groups]
    lines = closing.fold(groups, most=4)
    assert len(lines) <= 4
    assert sum(line.net_minor for line in lines) == sum(group.net_minor for group in groups)
    assert sorted(map(id, (group for line in lines for group in line.groups))) == sorted(map(id, groups))


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the block asks the database."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def test_ten_organizations_take_the_statements_of_two() -> None:
    billing.issuer()
    colleges = [billing.buyer(f"college-{number}") for number in range(12)]
    for one in colleges:
        billing.charge(one, 10_00, when=OCTOBER)
    with statements() as few:
        _close(*colleges[:2])
    with statements() as many:
        _close(*colleges[2:])
    assert len(many) == len(few) < 40

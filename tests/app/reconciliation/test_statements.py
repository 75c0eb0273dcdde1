"""From a file to lines: nothing twice, faults named, sums held against the file's own balances."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.reconciliation import statements
from app.reconciliation.reading import tables
from app.reconciliation.reading.tables import Choices
from jobs import reconciliation
from tests.factories.statements import PLATFORM, csv, imported, uploaded

DAY = date(2026, 10, 5)
ROWS = [
    (DAY, "Card sale", "R-000001", "10.00"),
    (DAY, "Fee", "", "-2.50"),
    (DAY, "Fee", "", "-2.50"),
    (date(2026, 10, 6), "Transfer", "R-000002", "-7.00"),
]


def lines() -> list[Any]:
    with unit_of_work(PLATFORM) as session:
        return list(session.execute(text("SELECT * FROM statement_lines ORDER BY booked_on, line")).all())


def queued() -> int:
    with unit_of_work(PLATFORM) as session:
        return int(session.scalar(text("SELECT count(*) FROM open_statement_lines")) or 0)


def test_the_same_file_twice_adds_nothing(database_url: str) -> None:
    imported(ROWS)
    again = imported(ROWS, name="again.csv")
    assert [row.amount_minor for row in lines()] == [1000, -250, -250, -700]
    assert queued() == 4
    with unit_of_work(PLATFORM) as session:
        assert statements.find(session, again).summary["new"] == 0


def test_files_that_overlap_add_what_is_new(database_url: str) -> None:
    imported(ROWS[:3])
    imported([*ROWS[1:], (date(2026, 10, 7), "More", "", "1.00")])
    assert [row.amount_minor for row in lines()] == [1000, -250, -250, -700, 100]


def test_another_account_is_another_account(database_url: str) -> None:
    imported(ROWS[:1])
    imported(ROWS[:1], account="paypal")
    assert [row.account for row in lines()] == ["bank", "paypal"]


def test_lines_are_never_changed(database_url: str) -> None:
    imported(ROWS[:1])
    for change in ("UPDATE statement_lines SET amount_minor = 1", "DELETE FROM statement_lines"):
        with pytest.raises(Exception, match="permission denied"), unit_of_work(PLATFORM) as session:
            session.execute(text(change))


def test_a_job_that_was_killed_goes_on(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "AT_ONCE", 2)
    chosen = uploaded(csv(ROWS))
    with unit_of_work(PLATFORM) as session:
        record = statements.find(session, chosen)
        bookings = statements.read(record, csv(ROWS))
        statements.confirm(session, SYSTEM, chosen, bookings, skip_faulty=False)
    with unit_of_work(PLATFORM) as session:  # one step, then the process is gone
        record = statements.find(session, chosen, lock=True)
        assert statements.take(session, record, bookings, bookings.keys())
    assert len(lines()) == 2
    reconciliation.import_statement(str(chosen))
    reconciliation.import_statement(str(chosen))
    assert len(lines()) == 4 and queued() == 4
    with unit_of_work(PLATFORM) as session:
        record = statements.find(session, chosen)
        assert (record.status, record.summary["at"], record.summary["new"]) == ("done", 4, 4)
        assert (record.first_on, record.last_on) == (DAY, date(2026, 10, 6))


def test_faulty_lines_are_named_and_left_out_only_when_told(database_url: str) -> None:
    body = csv(ROWS) + b"2026-13-01,Bad,,1.00,GBP\n2026-10-08,Bad,,abc,GBP\n"
    chosen = uploaded(body)
    with unit_of_work(PLATFORM) as session:
        bookings = statements.read(statements.find(session, chosen), body)
        assert [(fault.line, fault.column) for fault in bookings.faults] == [(6, "Date"), (7, "Amount")]
        with pytest.raises(Invalid) as refused:
            statements.confirm(session, SYSTEM, chosen, bookings, skip_faulty=False)
        assert "skip_faulty" in refused.value.fields
        statements.confirm(session, SYSTEM, chosen, bookings, skip_faulty=True)
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        statements.confirm(session, SYSTEM, chosen, bookings, skip_faulty=True)


def test_a_gap_in_the_balances_refuses_the_file(database_url: str) -> None:
    body = b"Date;Text;Soll;Haben;Saldo\n01.10.2026;A;;10,00;110,00\n02.10.2026;B;4,00;;96,00\n"
    table = tables.open_table(body)
    bookings = tables.read_bookings(table, tables.matched(table, Choices()), currency="EUR")
    assert bookings.checked and [gap.line for gap in bookings.gaps] == [3]
    chosen = uploaded(body, currency="EUR")
    with unit_of_work(PLATFORM) as session, pytest.raises(Invalid, match="do not agree"):
        statements.confirm(session, SYSTEM, chosen, bookings, skip_faulty=True)


def test_newest_first_is_read_too() -> None:
    body = b"Date,Text,Amount,Balance\n2026-10-02,B,-4.00,106.00\n2026-10-01,A,10.00,110.00\n"
    table = tables.open_table(body)
    bookings = tables.read_bookings(table, tables.matched(table, Choices()), currency="GBP")
    assert bookings.checked and not bookings.gaps


def test_the_preview_tells_known_and_doubtful(database_url: str) -> None:
    imported(ROWS)
    other = csv([ROWS[0], (DAY, "FEE OF THE BANK", "", "-2.50"), (DAY, "New", "", "99.00")])
    chosen = uploaded(other)
    with unit_of_work(PLATFORM) as session:
        record = statements.find(session, chosen)
        found = statements.preview(session, SYSTEM, record, statements.read(record, other))
    assert (found.new, found.known, found.doubtful) == (2, 1, 1)


def test_the_columns_of_a_bank_are_remembered(database_url: str) -> None:
    body = b"When,What,How much\n2026-10-01,A,10.00\n2026-10-02,B,-4.00\n"
    headings = tables.open_table(body).headings
    choices = Choices(columns={"date": "When", "description": "What", "amount": "How much"})
    chosen = uploaded(body)
    with unit_of_work(PLATFORM) as session:
        assert statements.remembered(session, "bank", headings) is None
        statements.choose(session, SYSTEM, chosen, choices, "EUR", headings)
        record = statements.find(session, chosen)
        assert [row.amount.currency for row in statements.read(record, body).rows] == ["EUR", "EUR"]
        assert statements.remembered(session, "bank", headings) == choices
        assert statements.remembered(session, "paypal", headings) is None


def test_only_who_reconciles_may(database_url: str) -> None:
    chosen = uploaded(csv(ROWS))
    stranger = Actor("Olga", "ORG_OWNER", None)
    with unit_of_work(PLATFORM) as session, pytest.raises(Forbidden):
        statements.discard(session, stranger, chosen)

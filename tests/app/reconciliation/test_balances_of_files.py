"""Running balances across lines that cannot be read, and the same file with and without them."""

from __future__ import annotations

import importlib

import pytest
from sqlalchemy import create_engine, text

from app.core.errors import Invalid
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.reconciliation import statements
from app.reconciliation.reading import tables
from app.reconciliation.reading.camt import read_camt
from app.reconciliation.reading.tables import Choices
from app.reconciliation.reading.values import Bookings
from jobs import reconciliation
from tests.app.reconciliation.test_camt import entry, statement
from tests.factories.statements import PLATFORM, uploaded

HEAD = "Date,Description,Amount,Balance"
GOOD = (
    "2026-10-01,A,10.00,110.00",
    "2026-10-02,B,-4.00,106.00",
    "2026-10-03,C,-6.00,100.00",
    "2026-10-04,D,5.00,105.00",
)
BAD = "2026-13-02,B,-4.00,106.00"  # no such month


def body(*lines: str) -> bytes:
    return "\n".join([HEAD, *lines, ""]).encode()


def read(*lines: str) -> Bookings:
    table = tables.open_table(body(*lines))
    return tables.read_bookings(table, tables.matched(table, Choices()), currency="GBP")


def taken(content: bytes, *, skip: bool = False, name: str = "bank.csv") -> dict[str, object]:
    """Import a file; its summary."""
    chosen = uploaded(content, name=name)
    with unit_of_work(PLATFORM) as session:
        bookings = statements.read(statements.find(session, chosen), content)
        statements.confirm(session, SYSTEM, chosen, bookings, skip_faulty=skip)
    reconciliation.import_statement(str(chosen))
    with unit_of_work(PLATFORM) as session:
        return dict(statements.find(session, chosen).summary)


@pytest.mark.parametrize("newest_first", [False, True])
def test_across_a_faulty_line_the_difference_is_told(newest_first: bool) -> None:
    lines = [GOOD[0], BAD, *GOOD[2:]]
    found = read(*(lines[::-1] if newest_first else lines))
    line = 4 if newest_first else 3
    assert found.checked and not found.gaps
    assert [(note.line, note.reason) for note in found.notes] == [
        (line, f"Line {line} is left out; by the balances around it moved -4.00 GBP.")
    ]


def test_two_rows_around_a_faulty_line_are_read_in_the_order_of_their_days() -> None:
    assert "moved -4.00 GBP" in read(GOOD[0], BAD, GOOD[2]).notes[0].reason
    assert "moved -4.00 GBP" in read(GOOD[2], BAD, GOOD[0]).notes[0].reason


def test_several_lines_together_and_what_moved_nothing() -> None:
    found = read(GOOD[0], BAD, "2026-10-03,C,six,100.00", GOOD[3])
    assert [note.reason for note in found.notes] == [
        "Lines 3 and 4 are left out; by the balances around they moved -10.00 GBP."
    ]
    found = read(GOOD[0], "carried forward,,abc,", *GOOD[1:])
    assert [note.reason for note in found.notes] == ["Line 3 is left out; by the balances around it moved nothing."]


def test_what_stands_at_the_edge_is_not_known() -> None:
    found = read(BAD, *GOOD[2:])
    assert not found.gaps
    assert [note.reason for note in found.notes] == [
        "Line 2 is left out; no two balances stand around it, so what it moved is not known."
    ]


def test_a_gap_elsewhere_still_refuses_the_file() -> None:
    found = read(GOOD[0], BAD, GOOD[2], "2026-10-04,D,5.00,150.00", "2026-10-05,E,1.00,151.00")
    assert [gap.line for gap in found.gaps] == [5] and found.notes


def test_rows_without_a_balance_count_in_the_next_one() -> None:
    """Some banks tell it once a day."""
    found = read(GOOD[0], "2026-10-02,B,-4.00,", GOOD[2], GOOD[3])
    assert found.checked and not found.gaps and not found.faults


def test_the_import_says_what_was_left_out(database_url: str) -> None:
    content = body(GOOD[0], BAD, *GOOD[2:])
    with pytest.raises(Invalid, match="Tick this"):
        taken(content)
    summary = taken(content, skip=True)
    assert (summary["new"], summary["faulty"]) == (3, 1)
    assert summary["notes"] == ["Line 3 is left out; by the balances around it moved -4.00 GBP."]


def test_entries_of_camt_that_are_left_out_are_told() -> None:
    bad = entry("5.00", "DBIT").replace("2026-10-", "2026-13-")
    found = read_camt(statement(entry("3.00", "DBIT") + bad, closing="992.00"))
    assert found.checked and not found.gaps and len(found.faults) == 1
    assert "by the balances around it moved -5.00 EUR" in found.notes[0].reason


def test_with_and_without_balances_it_is_the_same_booking(database_url: str) -> None:
    equal = ("2026-10-01,Fee,-2.50,97.50", "2026-10-01,Fee,-2.50,95.00")  # two truly equal ones of a day
    assert taken(body(*equal))["new"] == 2
    bare = "\n".join(["Date,Description,Amount", *(line.rsplit(",", 1)[0] for line in equal), ""]).encode()
    assert taken(bare, name="bare.csv")["new"] == 0
    third = bare + b"2026-10-01,Fee,-2.50\n"
    assert taken(third, name="third.csv")["new"] == 1
    with unit_of_work(PLATFORM) as session:
        assert session.scalar(text("SELECT count(*) FROM statement_lines")) == 3


def test_bookings_that_were_here_before_are_known_too(database_url: str) -> None:
    """The migration gives earlier lines the keys that are made of the same bookings now."""
    content = body("2026-10-01,Fee,-2.50,97.50", "2026-10-01,Fee,-2.50,95.00", "2026-10-02,Größe — 5,1.00,96.00")
    taken(content)
    made = importlib.import_module("migrations.versions.0046_standing_matches")
    with create_engine(database_url).begin() as connection:
        connection.execute(text("ALTER TABLE statement_lines NO FORCE ROW LEVEL SECURITY"))
        connection.execute(text("UPDATE statement_lines SET dedupe_key = 'before:' || id"))
        connection.execute(text(made.WITHOUT_BALANCE))
        forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'statement_lines'"
        assert connection.scalar(text(forced)) is True
        keys = connection.scalars(text("SELECT dedupe_key FROM statement_lines ORDER BY line")).all()
    table = tables.open_table(content)
    assert keys == tables.read_bookings(table, tables.matched(table, Choices()), currency="GBP").keys()

"""Running balances of a file, held against its bookings: also across lines that are left out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.money import Money, exponent
from app.reconciliation.reading.values import Booking, Fault

NOTE = "Balances"  # what the column of a note is called
MOST_NAMED = 10


@dataclass(slots=True)
class Chain:
    """`gaps`: the balance after a booking is not the one before it plus what moved. `notes`: faulty lines stand
    between two balances, and what they moved together follows from these."""

    told: bool = False
    gaps: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """One currency, one way through its rows. `broken`: a row and what its balance should be; `across`: lines that
    could not be read, and what they moved."""

    told: bool = False
    broken: list[tuple[Booking, int]] = field(default_factory=list)
    across: list[tuple[Sequence[int], int, str]] = field(default_factory=list)


def check(rows: Sequence[Booking], faulty: Sequence[int]) -> Chain:
    """All currencies of a file together. `faulty` are the lines that could not be read, in order."""
    by_currency: dict[str, list[Booking]] = {}
    for row in rows:
        by_currency.setdefault(row.currency, []).append(row)
    whole = Chain()
    known: set[int] = set()
    for lines in by_currency.values():
        one = _better(lines, faulty)
        whole.told = whole.told or one.told
        whole.gaps += [_gap(row, due) for row, due in one.broken]
        whole.notes += [across(*found) for found in one.across]
        known.update(line for found in one.across for line in found[0])
    outside = [line for line in faulty if line not in known]
    if whole.told and outside:
        said = f"{left_out(outside)}; no two balances stand around it, so what it moved is not known."
        whole.notes.append(Fault(outside[0], NOTE, said))
    whole.gaps.sort(key=lambda gap: gap.line)
    whole.notes.sort(key=lambda note: note.line)
    return whole


def _better(rows: Sequence[Booking], faulty: Sequence[int]) -> _Walk:
    """Files run from old to new or the other way round: the way with fewer gaps is meant, else what the days say,
    else the way in which the lines left out moved less."""
    onwards, backwards = _walked(rows, faulty), _walked(rows[::-1], faulty)
    days = (rows[0].booked_on, rows[-1].booked_on)
    first = (len(onwards.broken), days[0] > days[1], _moved(onwards))
    second = (len(backwards.broken), days[1] > days[0], _moved(backwards))
    return onwards if first <= second else backwards


def _moved(walk: _Walk) -> int:
    return sum(1 for _lines, missing, _currency in walk.across if missing)


def _walked(rows: Sequence[Booking], faulty: Sequence[int]) -> _Walk:
    walk = _Walk()
    before: Booking | None = None
    due = 0
    for row in rows:
        due += row.amount_minor
        if row.balance_minor is None:
            continue
        if before is not None:
            walk.told = True
            _step(walk, before, row, due, faulty)
        before, due = row, row.balance_minor
    return walk


def _step(walk: _Walk, before: Booking, row: Booking, due: int, faulty: Sequence[int]) -> None:
    """From one balance to the next; `due` is what the bookings in between make of it."""
    low, high = sorted((before.line, row.line))
    between = faulty[bisect_right(faulty, low) : bisect_left(faulty, high)] if faulty else ()
    missing = (row.balance_minor or 0) - due
    if between:
        walk.across.append((between, missing, row.currency))
    elif missing:
        walk.broken.append((row, due))


def _gap(row: Booking, due: int) -> Fault:
    said = f"By the bookings the balance is {_shown(due, row.currency)} here; lines seem to be missing."
    return Fault(row.line, "Balance", said)


def across(lines: Sequence[int], missing: int, currency: str) -> Fault:
    """What the lines left out moved together, by the balances around them."""
    verb = "it moved" if len(lines) == 1 else "they moved"
    moved = f"{_shown(missing, currency)} {currency}" if missing else "nothing"
    return Fault(lines[0], NOTE, f"{left_out(lines)}; by the balances around {verb} {moved}.")


def left_out(lines: Sequence[int]) -> str:
    """ "Line 7 is left out", "Lines 7, 8 and 12 more are left out"."""
    if len(lines) == 1:
        return f"Line {lines[0]} is left out"
    named = [str(line) for line in lines[:MOST_NAMED]]
    more = len(lines) - len(named)
    last = f"{more} more" if more else named.pop()
    return f"Lines {', '.join(named)} and {last} are left out"


def _shown(minor: int, currency: str) -> str:
    return f"{Money(minor, currency).major:,.{exponent(currency)}f}"

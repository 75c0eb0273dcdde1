from __future__ import annotations

from datetime import date

import pytest

from app.core.errors import Invalid
from app.payees import rules


def test_terms_have_names() -> None:
    assert [rules.terms_text(days) for days in (0, 30, 21)] == ["Due on receipt", "Net 30", "Net 21"]
    assert [days for days, _ in rules.terms_choices()] == [0, 15, 30, 45, 60]
    assert [days for days, _ in rules.terms_choices(21)] == [0, 15, 21, 30, 45, 60]


def test_due_date() -> None:
    assert rules.due_on(date(2026, 11, 24), 30) == date(2026, 12, 24)
    assert rules.due_on(date(2026, 11, 24), 30, stated=date(2026, 12, 1)) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("Net 30", 30), ("net_45", 45), ("NET-60", 60), ("n15", 15), ("30 days", 30), ("30 days net", 30), (" 0 ", 0),
        ("Due on receipt", 0), ("due_on_receipt", 0), ("Immediate", 0), ("365", 365),
    ],
)  # fmt: skip
def test_terms_as_people_write_them(written: str, days: int) -> None:
    assert rules.read_terms(written) == days


@pytest.mark.parametrize("written", ["", "soon", "Net 366", "2/10 net 30", "30 days EOM", "-15", "Net 1.5 months"])
def test_what_are_no_terms(written: str) -> None:
    with pytest.raises(Invalid):
        rules.read_terms(written)


def test_every_choice_reads_back() -> None:
    assert [rules.read_terms(name) for _, name in rules.terms_choices(7)] == [0, 7, 15, 30, 45, 60]

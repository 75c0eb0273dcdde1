from __future__ import annotations

from datetime import date

from app.payees import rules


def test_terms_have_names() -> None:
    assert [rules.terms_text(days) for days in (0, 30, 21)] == ["Due on receipt", "Net 30", "Net 21"]
    assert [days for days, _ in rules.terms_choices()] == [0, 15, 30, 45, 60]
    assert [days for days, _ in rules.terms_choices(21)] == [0, 15, 21, 30, 45, 60]


def test_due_date() -> None:
    assert rules.due_on(date(2026, 11, 24), 30) == date(2026, 12, 24)
    assert rules.due_on(date(2026, 11, 24), 30, stated=date(2026, 12, 1)) == date(2026, 12, 1)

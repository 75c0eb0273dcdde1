from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.earnings import rules
from app.earnings.models import HoldReason

DAYS = st.dates(date(2000, 1, 1), date(2060, 1, 1))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
ZONES = ["UTC", "Europe/London", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "Africa/Nairobi"]


@given(invoice_on=DAYS, due_on=st.none() | DAYS, terms_days=st.integers(0, 365), zone=st.sampled_from(ZONES))
def test_terms_end_at_the_start_of_the_due_day_where_the_organization_is(
    invoice_on: date, due_on: date | None, terms_days: int, zone: str
) -> None:
    end = rules.terms_end(invoice_on=invoice_on, due_on=due_on, terms_days=terms_days, time_zone=zone)
    local = end.astimezone(ZoneInfo(zone))
    assert local.date() == (due_on or invoice_on + timedelta(days=terms_days))
    assert (local - timedelta(microseconds=1)).date() < local.date()


@given(asked=st.integers(1, 10**12), cut=st.integers(0, 10**12), terms=MOMENTS, now=MOMENTS)
def test_a_reduced_amount_waits_for_the_dispute_window_and_a_full_one_does_not(
    asked: int, cut: int, terms: datetime, now: datetime
) -> None:
    approved = max(asked - cut, 1)
    at = rules.available_at(approved_minor=approved, amount_minor=asked, terms_end=terms, now=now)
    assert at >= terms
    if approved < asked:
        assert at == max(terms, now + timedelta(days=3))
        assert rules.hold_reason(approved_minor=approved, amount_minor=asked) is HoldReason.ACCEPTANCE
    else:
        assert at == terms
        assert rules.hold_reason(approved_minor=approved, amount_minor=asked) is HoldReason.TERMS


def test_credits_net_at_once() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = now + timedelta(days=60)
    assert rules.available_at(approved_minor=-5, amount_minor=-10, terms_end=later, now=now) == now
    assert rules.hold_reason(approved_minor=-5, amount_minor=-10) is HoldReason.TERMS


@pytest.mark.parametrize("reason", list(HoldReason))
def test_every_reason_has_its_sentences(reason: HoldReason) -> None:
    found = rules.not_ready(reason, None)
    assert found.text.endswith(".")
    assert rules.RELEASE_TEXT[reason].endswith(".")

"""How amounts, dates, ages and names are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask, g, render_template_string

from app.core import clock
from app.core.formats import format_money
from app.core.money import Money
from portals.web import formats

NOW = datetime(2026, 11, 20, 15, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (123450, "USD", "en_US", "$1,234.50"),
        (-25000, "USD", "en_US", "−$250.00"),
        (0, "USD", "en_US", "$0.00"),
        (1, "USD", "en_US", "$0.01"),
        (-1, "USD", "en_US", "−$0.01"),
        (850000, "INR", "en_IN", "₹8,500.00"),
        (12345678900, "INR", "en_IN", "₹12,34,56,789.00"),
        (1000, "JPY", "en_US", "¥1,000"),
        (1234567, "KWD", "en_US", "KWD\u00a01,234.567"),
        (50000, "KES", "en_US", "KES\u00a0500.00"),
        (123450, "USD", "en_GB", "US$1,234.50"),
        (99999999999999, "GBP", "en_GB", "£999,999,999,999.99"),
    ],
)
def test_money_is_exact_and_signed_before_the_symbol(minor: int, currency: str, locale: str, text: str) -> None:
    assert format_money(Money(minor, currency), locale) == text


def test_money_with_code_and_without_zeros() -> None:
    assert format_money(Money(850000, "INR"), code=True) == "₹8,500.00 INR"
    assert format_money(Money(50000, "KES"), code=True) == "KES\u00a0500.00"
    assert format_money(Money(85000, "USD"), drop_zeros=True) == "$850"
    assert format_money(Money(85050, "USD"), drop_zeros=True) == "$850.50"


def test_cents_are_split_from_what_is_written_large() -> None:
    assert formats.split_cents(Money(341250, "USD")) == ("$3,412", ".50", "")
    assert formats.split_cents(Money(-100, "USD")) == ("−$1", ".00", "")
    assert formats.split_cents(Money(1000, "JPY")) == ("¥1,000", "", "")


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("date", "Nov 18"),
        ("day", "Wed, Nov 18"),
        ("time", "9:04\u00a0AM"),
        ("moment", "Nov 18, 9:04\u00a0AM"),
        ("full", "Wed, Nov 18 · 9:04\u00a0AM"),
        ("long", "Wednesday, November 18, 2026"),
    ],
)
def test_moments_are_shown_on_the_readers_clock(style: str, text: str) -> None:
    moment = datetime(2026, 11, 18, 14, 4, tzinfo=UTC)
    assert formats.format_when(moment, now=NOW, locale="en_US", zone="America/New_York", style=style) == text


def test_the_year_is_named_when_it_is_another_and_the_day_may_differ_by_zone() -> None:
    shown = {"now": NOW, "locale": "en_US"}
    assert formats.format_when(date(2025, 11, 24), zone="UTC", **shown) == "Nov 24, 2025"
    new_year = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
    assert formats.format_when(new_year, zone="America/New_York", **shown) == "Dec 31, 2025"
    assert formats.format_when(date(2026, 11, 24), now=NOW, locale="en_GB", zone="UTC", style="day") == "Tue 24 Nov"


def test_a_moment_without_zone_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="time zone"):
        formats.format_when(datetime(2026, 1, 1), now=NOW, locale="en_US", zone="UTC")
    with pytest.raises(ValueError, match="style"):
        formats.format_when(NOW, now=NOW, locale="en_US", zone="UTC", style="nice")


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(5, ("now", 0)), (61, ("min", 1)), (3 * 3600, ("h", 3)), (47 * 3600, ("h", 47)), (50 * 3600, ("d", 2))],
)
def test_ages(seconds: int, age: tuple[str, int]) -> None:
    assert formats.format_age(seconds) == age


def test_small_formats() -> None:
    assert [formats.format_percent(bps) for bps in (1500, 1250, 5, -2500, 0)] == ["15%", "12.5%", "0.05%", "−25%", "0%"]
    assert [formats.format_size(n) for n in (12, 82_100, 64_200_000)] == ["12 bytes", "82.1 kB", "64.2 MB"]
    assert [formats.initials(name) for name in ("Lumen Print Co.", "& Sons", "", "émile zola")] == [
        "LP",
        "S",
        "?",
        "ÉZ",
    ]
    assert formats.masked("4417") == "••4417"
    assert formats.masked(None) == "–"
    assert formats.avatar_tone("Ann") == formats.avatar_tone("Ann")


def test_templates_use_the_readers_zone_and_language(app: Flask) -> None:
    source = "{{ when(moment, 'moment') }} {{ amount|money }} {{ none_yet|money }} {{ age(moment) }}"
    moment = datetime(2026, 11, 18, 14, 4, 5, 123, tzinfo=UTC)
    with clock.at(moment + timedelta(hours=3)), app.test_request_context("/", headers={"Accept-Language": "de, en-GB"}):
        g.tz = "Asia/Kolkata"
        html = render_template_string(source, moment=moment, amount=Money(-500, "USD"), none_yet=None)
    assert '<time datetime="2026-11-18T14:04:05+00:00"' in html
    assert 'title="Wednesday, 18 November 2026, 19:34 IST">18 Nov, 19:34</time>' in html
    assert "−US$5.00 –" in html
    assert ">3 h</time>" in html

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from app.consultations import profile_rules as rules
from app.consultations.entitlements import Entitlement, entitled
from app.consultations.states import Practice
from app.core.errors import Invalid

STATED: dict[str, Any] = {
    "name": " Inês  Duarte ", "headline": "Pricing for small shops", "bio": "Twelve years in retail.\r\nFive in law.",
    "skills": "Excel, excel\nSQL", "specialties": "Pricing; Tax law", "languages": "English, portuguese, sw",
    "country": "pt", "portfolio_urls": "https://duarte.test/work", "time_zone": "Europe/Lisbon",
}  # fmt: skip


def test_what_is_published_is_cleaned() -> None:
    found = rules.published(**STATED)
    assert (found.name, found.bio, found.skills) == (
        "Inês Duarte", "Twelve years in retail.\nFive in law.", ("Excel", "SQL"),
    )  # fmt: skip
    assert (found.languages, found.country, found.specialties) == (("en", "pt", "sw"), "PT", ("Pricing", "Tax law"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("headline", "x" * 201), ("bio", "\n"), ("bio", "x" * 6_001),
        ("skills", ",".join("abcdefghijklmnopqrstu")),
        ("specialties", ""), ("specialties", "x" * 61), ("languages", "Klingonese"), ("languages", ""),
        ("country", "XX"),
        ("portfolio_urls", "javascript:alert(1)"), ("time_zone", "Europe/Nowhere"),
    ],
)  # fmt: skip
def test_every_bad_field_is_named(field: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.published(**STATED | {field: value})
    assert set(refused.value.fields) == {field}


def test_advisors_are_the_platforms() -> None:
    stated: dict[str, Any] = {"skills": "", "specialties": "Tax", "languages": "en", "bio": "Hello"}
    rules.expertise(practice=Practice.ADVISOR, of_platform=True, **stated)
    with pytest.raises(Invalid) as refused:
        rules.expertise(practice=Practice.ADVISOR, of_platform=False, **stated)
    assert set(refused.value.fields) == {"practice"}


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Inês Duarte", "ines-duarte"), ("Dr. O'Neill & Sons", "dr-o-neill-sons"), ("山田", "consultant")],
)
def test_addresses_are_made_of_names(name: str, slug: str) -> None:
    assert rules.slug_of(name) == slug


@pytest.mark.parametrize(
    ("until", "yes"),
    [(None, False), (date(2026, 11, 20), False), (date(2026, 11, 21), True), (date(2027, 1, 1), True)],
)
@pytest.mark.parametrize("what", list(Entitlement))
def test_the_last_day_of_a_plan_counts(what: Entitlement, until: date | None, yes: bool) -> None:
    assert entitled(SimpleNamespace(premium_until=until), what, date(2026, 11, 21)) is yes

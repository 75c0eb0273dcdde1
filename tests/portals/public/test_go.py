"""Tracking links: they lead on, count people and not machines, and keep nothing of anybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.sales.models import DiscountCode
from tests.factories import organizations
from tests.factories.sales import code, creator
from tests.portals.conftest import Browser

LANDING = "https://shop.example.com/amara?utm=1#top"
PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"}


@pytest.fixture
def brand(app: Any) -> UUID:
    return organizations.organization("brand", currency="USD")


@pytest.fixture
def made(brand: UUID) -> DiscountCode:
    return code(brand, creator(brand).id, landing_url=LANDING)


def visits(superuser: Any) -> int:
    found = superuser.execute("SELECT coalesce(sum(visits), 0) FROM code_visits").fetchone()
    return int(found[0])


def test_it_leads_on_and_counts(made: DiscountCode, client: Browser, superuser: Any) -> None:
    for _ in range(3):
        answer = client.get(f"/go/{made.token}", headers=PERSON)
        assert (answer.status_code, answer.location) == (302, LANDING)
        assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in answer.headers
    assert visits(superuser) == 3
    columns = superuser.execute(
        "SELECT array_agg(column_name ORDER BY column_name) FROM information_schema.columns"
        " WHERE table_name = 'code_visits'"
    ).fetchone()
    assert columns[0] == "{day,discount_code_id,organization_id,payee_id,visits}"


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": ""},
        {**PERSON, "Sec-Purpose": "prefetch;prerender"},
        {**PERSON, "Purpose": "prefetch"},
        {**PERSON, "X-Moz": "prefetch"},
    ],
)
def test_machines_are_led_on_and_not_counted(
    made: DiscountCode, client: Browser, superuser: Any, headers: dict[str, str]
) -> None:
    assert client.get(f"/go/{made.token}", headers=headers).status_code == 302
    assert visits(superuser) == 0


def test_head_is_not_a_visit(made: DiscountCode, client: Browser, superuser: Any) -> None:
    assert client.open(f"/go/{made.token}", method="HEAD", headers=PERSON).status_code == 302
    assert visits(superuser) == 0


def test_links_that_lead_nowhere(brand: UUID, client: Browser, superuser: Any) -> None:
    bare = code(brand, creator(brand).id)
    for token in (bare.token, "unknown", "x" * 500):
        assert client.get(f"/go/{token}", headers=PERSON).status_code == 404
    assert visits(superuser) == 0


def test_an_address_that_cannot_be_looked_up_is_the_caller_s_fault(brand: UUID, client: Browser) -> None:
    assert client.get("/go/a%00b").status_code == 404
    assert client.open("/api/webhooks/orders/generic/a%00b", method="POST", data=b"{}").status_code == 404

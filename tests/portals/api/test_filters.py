"""Filters of lists for programs: words in either case, names in either casing, and nonsense refused by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.consultations.models import Consultation
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.factories.payouts import Shop
from tests.portals.admin.conftest import withdrawn
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]


@pytest.fixture
def oxford(app: Any) -> UUID:
    return organization("oxford")


@pytest.fixture
def olga(oxford: UUID, sign_in: SignIn) -> Browser:
    people.member(oxford, Role.OWNER, "olga@example.test")
    return sign_in(Portal.ORG, "olga@example.test")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/admin/statement-lines?state=lost", "state"),
        ("/api/admin/statement-lines?since=yesterday", "since"),
        ("/api/v1/admin/consultations?status=lost", "status"),
        ("/api/v1/admin/consultations?practice=magic", "practice"),
        ("/api/v1/admin/consultations?startDate=2026-02-30", "start_date"),
        ("/api/v1/admin/consultations?end_date=9999-12-31", "end_date"),
        ("/api/v1/admin/consultations?payeeId=Ada", "payee_id"),
        ("/api/v1/admin/advisor-applications?status=lost", "status"),
    ],
)
def test_the_platform_is_told(browser: Browser, path: str, field: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 422 and set(answer.get_json()["errors"]) == {field}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("payees?status=lost", "status"),
        ("payees?kind=ghost", "kind"),
        ("members?role=ORG_KING", "role"),
        ("members?status=lost", "status"),
        ("invitations?status=lost", "status"),
        ("orders?commission=much", "commission"),
    ],
)
def test_an_organization_is_told(olga: Browser, oxford: UUID, path: str, field: str) -> None:
    answer = olga.get(f"/api/organizations/{oxford}/{path}")
    assert answer.status_code == 422 and set(answer.get_json()["errors"]) == {field}


def test_payees_and_consultants_are_told(oxford: UUID, sign_in: SignIn) -> None:
    people.payee(vendor(oxford, "Vera"), "vera@vendor.test")
    vera = sign_in(Portal.VENDOR, "vera@vendor.test")
    assert vera.get("/api/vendor/payments?tab=lost").status_code == 422
    assert vera.get("/api/vendor/payments/requests?state=lost").status_code == 422
    assert vera.get("/api/vendor/payments/requests?state=DRAFT").status_code == 200


def test_the_words_of_answers_narrow(olga: Browser, oxford: UUID) -> None:
    vendor(oxford, "Vera")
    for path in ("payees?status=ACTIVE&kind=VENDOR", "payees?status=active", "members?role=org_owner&status=Active"):
        (row,) = olga.get(f"/api/organizations/{oxford}/{path}").get_json()["data"]
        assert row["status"] == "ACTIVE"
    assert olga.get(f"/api/organizations/{oxford}/payees?status=SUSPENDED").get_json()["data"] == []


def test_days_are_named_either_way(browser: Browser, held: Consultation) -> None:
    for name in ("start_date", "startDate"):
        asked = f"/api/v1/admin/consultations?{name}="
        assert len(browser.get(f"{asked}2020-01-01").get_json()["data"]) == 1
        assert browser.get(f"{asked}2099-01-01").get_json()["data"] == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["payeeId", "amountMinor", "currency", "reason", "organizationId", "action", "provider", "payoutIds"]
)
_WORDS = st.sampled_from(["approve", "trigger", "hold", "retry", "GBP", "STRIPE_CONNECT", "\0"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(_NAMES, _WORDS | _JSON, max_size=6) | _JSON)
def test_whatever_is_sent_about_payouts_is_answered(browser: Browser, place: Shop, body: Any) -> None:
    found = browser.get("/api/admin/payouts").get_json()["data"]
    payout = found[0]["id"] if found else withdrawn(place)
    here = "/api/admin/payouts"
    for method, path in (("POST", here), ("POST", f"{here}/bulk"), ("PATCH", f"{here}/{payout}")):
        answer = browser.open(path, method=method, json=body, headers={"X-CSRFToken": browser.csrf_token()})
        assert answer.status_code < 500, (method, path, body)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        [
            "status",
            "doctor",
            "payee",
            "provider",
            "organization",
            "startDate",
            "endDate",
            "limit",
            "skip",
            "cursor",
            "unmasked",
        ]
    ),
    value=st.text(max_size=30) | st.sampled_from(["0001-01-01", "9999-12-31", "bnVsbA", "WyJuIiwgMSwgMl0", "²", "-0"]),
)
def test_whatever_is_asked_about_payouts_is_answered(browser: Browser, place: Shop, name: str, value: str) -> None:
    for path in ("/api/admin/payouts", "/api/admin/payouts/export"):
        answer = browser.get(path, query_string={name: value})
        answer.get_data()
        assert answer.status_code < 500, (path, name, value)

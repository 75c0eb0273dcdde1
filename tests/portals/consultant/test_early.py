"""Who is paid by the month reads so, and is refused in the portal and by programs unless the plan lets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from app.core import clock
from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import operator
from app.db.session import unit_of_work
from app.earnings import adjustments
from app.earnings.rate_models import AdjustmentKind
from app.identity.states import Portal
from app.organizations.models import Organization
from app.organizations.states import OrganizationKind
from tests.app.consultations import making
from tests.factories import consultations, payouts
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
URL = "/consultant/withdrawals/new?organization=clinic&currency=USD"
API = "/api/consultant/payments/withdrawals"


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    """$40 are ready with a provider."""
    clinic = organization("clinic")
    made = consultations.consultant(clinic)
    with clock.at(utc_now() - timedelta(days=30)), unit_of_work(PLATFORM) as session:
        payouts.method(session, made, "simulated")
    with unit_of_work(PLATFORM) as session:
        session.execute(update(Organization).values(kind=OrganizationKind.PROVIDER))
        adjustments.make(
            session, operator(), organization_id=clinic, payee_id=made, kind=AdjustmentKind.BONUS,
            amount=Money(40_00, "USD"), reason="A good week",
        )  # fmt: skip
    return made


@pytest.fixture
def priya(payee_id: UUID, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CONSULTANT, "priya@consultant.test")


def asked(browser: Browser) -> int:
    page = browser.get(URL).text
    key = re.search(r'name="idempotency_key"[^>]*value="([0-9a-f]+)"', page)
    return browser.post(URL, {"amount": "10.00", "idempotency_key": key[1] if key else "0" * 32}).status_code


def programs(browser: Browser) -> int:
    answer = browser.open(
        API, method="POST", json={"organization": "clinic"}, headers={"X-CSRFToken": browser.csrf_token()}
    )  # fmt: skip
    return answer.status_code


def test_by_the_month(priya: Browser) -> None:
    shown = priya.get("/consultant/payments").text
    assert "Paid by the month; the next payout is calculated on" in shown
    assert "withdrawals/new" not in shown
    assert "With the premium plan you can withdraw at any hour." in priya.get(URL).text
    assert "pays it with the run of" in priya.get("/consultant/").text
    assert asked(priya) == 403
    assert programs(priya) == 403


def test_at_any_hour_with_the_plan(priya: Browser, payee_id: UUID) -> None:
    making.premium(payee_id)
    assert "withdrawals/new" in priya.get("/consultant/payments").text
    assert "at any hour" in priya.get("/consultant/").text
    assert asked(priya) == 303
    assert programs(priya) == 201

"""Doctors and consultants of providers are paid by the month; the premium plan lets them withdraw before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import Practice
from app.core import clock
from app.core.errors import Forbidden
from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.earnings import adjustments
from app.earnings.rate_models import AdjustmentKind
from app.organizations.models import Organization
from app.organizations.states import OrganizationKind
from app.payouts import early, service
from tests.factories import consultations, payouts
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
NOVEMBER = datetime(2026, 11, 21, 12, tzinfo=UTC)


def provider(kind: OrganizationKind = OrganizationKind.PROVIDER) -> UUID:
    made = organization("clinic", time_zone="Africa/Nairobi")
    with unit_of_work(PLATFORM) as session:
        session.execute(update(Organization).where(Organization.id == made).values(kind=kind))
    return made


def engaged(organization_id: UUID | None, practice: Practice) -> UUID:
    """Somebody with $40 ready and a method that can be used."""
    payee_id = consultations.consultant(organization_id, practice)
    with clock.at(NOVEMBER - timedelta(days=30)), unit_of_work(PLATFORM) as session:
        payouts.method(session, payee_id, "simulated")
    with unit_of_work(PLATFORM) as session:
        adjustments.make(
            session, operator(), organization_id=organization_id or consultations.house(), payee_id=payee_id,
            kind=AdjustmentKind.BONUS, amount=Money(40_00, "USD"), reason="A good week",
        )  # fmt: skip
    return payee_id


def withdraw(organization_id: UUID, payee_id: UUID) -> int:
    with unit_of_work(Scope.payee(payee_id)) as session:
        actor = Actor("Priya", "payee", payee_id=payee_id)
        return service.withdraw(session, actor, organization_id=organization_id, currency="USD").amount_minor


def premium(payee_id: UUID, until: date) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(
            update(ConsultantProfile).where(ConsultantProfile.payee_id == payee_id).values(premium_until=until)
        )


@pytest.mark.parametrize(
    ("practice", "kind", "waits"),
    [
        (Practice.DOCTOR, OrganizationKind.BUYER, True),
        (Practice.DOCTOR, OrganizationKind.PROVIDER, True),
        (Practice.CONSULTANT, OrganizationKind.PROVIDER, True),
        (Practice.CONSULTANT, OrganizationKind.HYBRID, True),
        (Practice.CONSULTANT, OrganizationKind.BUYER, False),
        (Practice.ADVISOR, OrganizationKind.PROVIDER, False),
        (None, OrganizationKind.PROVIDER, True),
        (None, OrganizationKind.BUYER, False),
    ],
)
def test_who_is_paid_by_the_month(practice: Practice | None, kind: OrganizationKind, waits: bool) -> None:
    assert early.by_the_month(practice, kind) is waits


@pytest.mark.parametrize("practice", [Practice.CONSULTANT, Practice.DOCTOR])
def test_who_waits_withdraws_with_the_plan(practice: Practice) -> None:
    clinic = provider()
    payee_id = engaged(clinic, practice)
    with clock.at(NOVEMBER):
        with pytest.raises(Forbidden, match="calculated on December 1"):
            withdraw(clinic, payee_id)
        premium(payee_id, date(2026, 11, 20))  # over since yesterday
        with pytest.raises(Forbidden):
            withdraw(clinic, payee_id)
        premium(payee_id, date(2026, 11, 21))
        assert withdraw(clinic, payee_id) == 40_00


def test_of_the_house_at_any_hour() -> None:
    payee_id = engaged(None, Practice.ADVISOR)
    with clock.at(NOVEMBER):
        assert withdraw(consultations.house(), payee_id) == 40_00


def test_the_next_run_is_where_the_organization_is() -> None:
    with clock.at(datetime(2026, 12, 31, 22, tzinfo=UTC)):
        assert early.next_run("UTC") == date(2027, 1, 1)
        assert early.next_run("Africa/Nairobi") == date(2027, 2, 1)

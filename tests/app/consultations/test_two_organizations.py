"""A consultant two organizations engage: clients book through the one that has the profile, by its rates; the other
one tells of appointments and pays for them."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from app.consultations import appointments, directory, pricing, profiles
from app.consultations.appointments import Held
from app.consultations.states import AppointmentSource, Practice
from app.core.clock import utc_now
from app.core.errors import Conflict
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.earnings import rates
from app.payees import service as payees
from app.payees.states import EngagementStatus
from tests.factories import bookings, consultations
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


def engaged_by_both() -> tuple[UUID, UUID, UUID]:
    """The first organization, with the profile; the second; the consultant."""
    first, second = organization("first", currency="INR"), organization("second", currency="INR")
    somebody = consultations.consultant(first, name="Meera Nair", currency="INR")
    with unit_of_work(PLATFORM) as session:
        payees.engage(session, operator(), second, somebody, currency="INR", terms_days=0)
        rates.set_version(
            session, operator(), second, platform_bps=1_000, organization_bps=4_000, consultant_bps=5_000
        )  # fmt: skip
    return first, second, somebody


def listed() -> list[str]:
    with unit_of_work(Scope.public()) as session:
        return [row.name for row in directory.search(session, directory.Wanted()).items]


def set_status(organization_id: UUID, payee_id: UUID, status: EngagementStatus) -> None:
    with unit_of_work(PLATFORM) as session:
        payees.set_status(session, operator(), organization_id, payee_id, status, reason="So it was agreed")
        profiles.follow(session, organization_id, payee_id)


def test_bookings_and_rates_are_those_of_the_profile() -> None:
    first, second, somebody = engaged_by_both()
    what = bookings.offering(first, somebody, 10_000_00, "INR", 60)
    with unit_of_work(Scope.public()) as session:
        made = pricing.quote(session, what, somebody)
    assert (made.organization_id, made.platform.minor, made.organization.minor, made.consultant.minor) == (
        first, 1_000_00, 500_00, 8_500_00,
    )  # fmt: skip
    with unit_of_work(Scope.organization(first)) as session:
        assert [one.elsewhere for one in rates.consultants(session, first)] == [False]
    with unit_of_work(Scope.organization(second)) as session:
        assert [one.elsewhere for one in rates.consultants(session, second)] == [True]
        with pytest.raises(Conflict, match="another organization"):
            rates.set_override(session, operator(), second, somebody, 8_800)


def test_a_second_profile_is_refused_and_the_first_one_follows_its_own_engagement() -> None:
    first, second, somebody = engaged_by_both()
    with pytest.raises(Conflict, match="has a profile already"), unit_of_work(PLATFORM) as session:
        profiles.create(
            session, operator(), payee_id=somebody, organization_id=second, practice=Practice.CONSULTANT, name="Again"
        )
    set_status(second, somebody, EngagementStatus.SUSPENDED)
    assert listed() == ["Meera Nair"]
    set_status(first, somebody, EngagementStatus.SUSPENDED)
    assert listed() == []
    what = bookings.offering(first, somebody, 10_000_00, "INR", 60)
    with pytest.raises(Conflict), unit_of_work(Scope.public()) as session:
        pricing.quote(session, what, somebody)


def test_each_organization_pays_for_the_appointments_it_tells_of() -> None:
    first, second, somebody = engaged_by_both()
    for organization_id in (first, second):
        with unit_of_work(Scope.organization(organization_id)) as session:
            told = [Held("A-1", somebody, utc_now())]
            appointments.record(session, operator(), organization_id, AppointmentSource.API, told)
    with unit_of_work(Scope.payee(somebody)) as session:
        found = session.execute(text("SELECT organization_id FROM appointments")).scalars()
        assert set(found) == {first, second}

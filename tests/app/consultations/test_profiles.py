"""Who is in the directory, and who may change what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.consultations import directory, profiles
from app.consultations.directory import Wanted
from app.consultations.profile_rules import Published
from app.consultations.states import Practice
from app.core.clock import today
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payees import service as payees
from app.payees.states import EngagementStatus, PayeeKind
from jobs.payouts import follow_engagement
from tests.factories import consultations, organizations, people
from tests.factories.payees import vendor
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
TEXTS = Published(
    "Priya Raghavan", "Prices that hold", "Ten years.", ("SQL",), ("Pricing", "Tax law"), ("en", "ta"), "IN", (), "UTC"
)


def found(**wanted: Any) -> list[str]:
    with unit_of_work(Scope.public()) as session:
        return sorted(row.name for row in directory.search(session, Wanted(**wanted)).items)


def profile(payee_id: UUID) -> Any:
    with unit_of_work(Scope.public()) as session:
        return directory.own(session, payee_id)


def test_search_forgives_and_filters(superuser: Any) -> None:
    priya = consultations.consultant(specialties=["Pricing", "Tax law"], languages=["en", "ta"])
    consultations.consultant(name="Inês Duarte", specialties=["tax law"], languages=["pt"])
    superuser.execute("UPDATE consultant_profiles SET rating_count = 2, rating_sum = 9 WHERE payee_id = %s", [priya])
    everybody = ["Inês Duarte", "Priya Raghavan"]
    assert found() == everybody
    for search, names in (("ines", 1), ("Ragavan", 1), ("tamil", 1), ("tax", 2), ("tax priya", 1), ("plumber", 0)):
        assert len(found(search=search)) == names, search
    assert found(search="100%_\\") == []
    assert (found(specialty="TAX LAW"), found(specialty="tax")) == (everybody, [])
    assert (found(language="pt"), found(language="de")) == (["Inês Duarte"], [])
    assert (found(rating=4), found(rating=5)) == (["Priya Raghavan"], [])
    with unit_of_work(Scope.payee(priya)) as session:
        profiles.accept_bookings(session, consultations.signed(priya), priya, False)
    assert found(accepting=True) == ["Inês Duarte"]
    consultations.consultant(name="Wanjiru Kamau", practice=Practice.DOCTOR)
    assert len(found()) == 3
    assert found(accepting=True) == ["Inês Duarte"]  # a doctor has nothing to book


def test_pages_follow_each_other() -> None:
    names = {f"Person {n}" for n in range(5)}
    for name in sorted(names):
        consultations.consultant(name=name, email=f"{name[-1]}@consultant.test", account=False)
    seen, cursor = [], None
    with unit_of_work(Scope.public()) as session:
        for _page in range(3):
            found = directory.search(session, Wanted(), cursor, 2)
            seen += [row.name for row in found.items]
            cursor = found.next_cursor
    assert set(seen) == names and len(seen) == 5 and cursor is None


def test_one_name_many_addresses() -> None:
    for n in range(3):
        consultations.consultant(email=f"{n}@consultant.test")
    with unit_of_work(Scope.public()) as session:
        slugs = sorted(row.slug for row in directory.search(session, Wanted()).items)
    assert slugs == ["priya-raghavan", "priya-raghavan-2", "priya-raghavan-3"]


def test_only_the_owner_edits() -> None:
    priya, other = consultations.consultant(), consultations.consultant(name="Inês Duarte")
    with unit_of_work(Scope.payee(priya)) as session:
        profiles.edit(session, consultations.signed(priya), priya, TEXTS)
        with pytest.raises(Forbidden):
            profiles.edit(session, consultations.signed(priya), other, TEXTS)
        with pytest.raises(Forbidden):
            profiles.accept_bookings(session, Actor("Client", "client"), priya, False)
    assert (profile(priya).headline, profile(other).headline) == ("Prices that hold", "")
    assert found(search="hold") == ["Priya Raghavan"]


def test_suspended_by_the_platform_and_taken_up_again(superuser: Any) -> None:
    provider = organizations.organization("clinic")
    doctor = consultations.consultant(provider, Practice.DOCTOR, "Wanjiru Kamau")
    admin, manager = people.admin(), people.member(provider, Role.MANAGER)
    with unit_of_work(PLATFORM) as session:
        with pytest.raises(Invalid):
            profiles.suspend(session, admin, doctor, " ")
        profiles.suspend(session, admin, doctor, "Licence has expired.")
    assert found() == [] and superuser.execute("SELECT status FROM engagements").fetchone() == ("suspended",)
    with unit_of_work(Scope.public()) as session, pytest.raises(NotFound):
        directory.profile(session, "wanjiru-kamau")
    with unit_of_work(Scope.organization(provider)) as session, pytest.raises(Conflict):
        profiles.reactivate(session, manager, doctor)
    with unit_of_work(PLATFORM) as session:
        profiles.reactivate(session, admin, doctor)
    assert found() == ["Wanjiru Kamau"]
    stranger = people.member(organizations.organization("oxford"), Role.ADMIN)
    with unit_of_work(PLATFORM) as session, pytest.raises(Forbidden):
        profiles.suspend(session, stranger, doctor, "No reason.")


@pytest.mark.parametrize("to", [EngagementStatus.PAUSED, EngagementStatus.ENDED, EngagementStatus.SUSPENDED])
def test_the_directory_follows_the_engagement(to: EngagementStatus, superuser: Any) -> None:
    provider = organizations.organization("clinic")
    doctor = consultations.consultant(provider, Practice.DOCTOR)
    manager = people.member(provider, Role.MANAGER)
    with unit_of_work(Scope.organization(provider)) as session:
        payees.set_status(session, manager, provider, doctor, to, reason="A break.")
    assert superuser.execute("SELECT count(*) FROM outbox WHERE topic = 'engagement.changed'").fetchone() == (1,)
    follow_engagement(str(provider), str(doctor))
    assert found() == []
    with unit_of_work(Scope.organization(provider)) as session:
        payees.set_status(session, manager, provider, doctor, EngagementStatus.ACTIVE)
    follow_engagement(str(provider), str(doctor))
    assert found() == ["Priya Raghavan"]


def test_profiles_are_of_consultants_who_are_engaged() -> None:
    provider = organizations.organization("clinic")
    priya = consultations.consultant()
    manager = people.member(provider, Role.MANAGER)
    said = {"organization_id": provider, "practice": Practice.CONSULTANT, "name": "Somebody"}
    with unit_of_work(Scope.organization(provider)) as session:
        with pytest.raises(NotFound):
            profiles.create(session, manager, payee_id=priya, **said)  # type: ignore[arg-type]
        with pytest.raises(Invalid):
            profiles.create(session, manager, payee_id=vendor(provider), **said)  # type: ignore[arg-type]
        made = payees.create(session, manager, provider, kind=PayeeKind.CONSULTANT, name="Somebody", currency="USD")
        with pytest.raises(Invalid):
            profiles.create(session, manager, payee_id=made.id, **said | {"practice": Practice.ADVISOR})  # type: ignore[arg-type]
        profiles.create(session, manager, payee_id=made.id, **said)  # type: ignore[arg-type]
        with pytest.raises(Conflict):
            profiles.create(session, manager, payee_id=made.id, **said)  # type: ignore[arg-type]
    with unit_of_work(Scope.organization(provider)) as session, pytest.raises(Forbidden):
        profiles.create(session, replace(manager, role="ORG_SUPPORT"), payee_id=made.id, **said)  # type: ignore[arg-type]


def test_premium_is_the_platforms_to_grant() -> None:
    priya, admin = consultations.consultant(), people.admin()
    with unit_of_work(PLATFORM) as session:
        profiles.grant_premium(session, admin, priya, today())
        with pytest.raises(Invalid):
            profiles.grant_premium(session, admin, priya, today() - timedelta(days=1))
        with pytest.raises(Forbidden):
            profiles.grant_premium(session, consultations.signed(priya), priya, today())
    assert profile(priya).premium_until == today()
    with unit_of_work(PLATFORM) as session:
        profiles.grant_premium(session, admin, priya, None)
    assert profile(priya).premium_until is None

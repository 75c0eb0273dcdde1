"""Projects from the assignment to their money, and two people at the same card."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import at, today
from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, NotFound
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.db.types import new_id
from app.ledger import service as ledger
from app.organizations.states import Role
from app.projects import hours, service
from app.projects.models import Project
from app.projects.states import ProjectStatus, RateKind
from tests.factories import organizations, payees, people, projects
from tests.factories.projects import form, move, project

pytestmark = pytest.mark.usefixtures("database_url")
S = ProjectStatus


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def tomas(oxford: UUID) -> Actor:
    return projects.contractor(oxford)


@pytest.fixture
def maya(oxford: UUID) -> Actor:
    return people.member(oxford, Role.MANAGER, "maya@oxford.test")


def available(actor: Actor) -> dict[str, int]:
    assert actor.payee_id is not None
    with unit_of_work(Scope.payee(actor.payee_id)) as session:
        found = ledger.payee_balances(session, actor.payee_id).get("GBP", {})
    return {account.value: money.minor for account, money in found.items() if money.minor}


def events(superuser: Any, project_id: UUID) -> list[str]:
    return [
        row[0]
        for row in superuser.execute(
            "SELECT to_state FROM timeline_events WHERE subject_id = %s ORDER BY id", [project_id]
        )
    ]


def test_from_assignment_to_a_balance(oxford: UUID, tomas: Actor, maya: Actor, superuser: Any) -> None:
    with unit_of_work(Scope.organization(oxford)) as session:
        made = service.assign(session, maya, oxford, form(tomas.payee_id or new_id(), 1_450_00))
    assert (made.status, made.reference, made.version) == (S.PENDING_CONTRACTOR, "PRJ-0001", 1)
    move(tomas, made.id, S.DRAFT)
    move(tomas, made.id, S.IN_PROGRESS)
    move(tomas, made.id, S.SUBMITTED)
    revised = move(maya, made.id, S.REVISION_REQUESTED, organization_id=oxford, note="Match the new green")
    assert revised.revision_note == "Match the new green"
    move(tomas, made.id, S.SUBMITTED)
    done = move(maya, made.id, S.APPROVED, organization_id=oxford)
    assert done.agreed_minor == 1_450_00
    assert available(tomas) == {"payee_available": 1_450_00}
    steps = ["pending_contractor", "draft", "in_progress", "submitted", "revision_requested", "submitted", "approved"]
    assert events(superuser, made.id) == steps
    mails = superuser.execute("SELECT to_address, subject FROM mails WHERE template = 'project_news' ORDER BY id")
    assert [row[1].split(":")[0] for row in mails if row[0] == "tomas@contractor.test"] == [
        "Oxford has a project for you", "Oxford asks for a revision of", "Oxford approved",
    ]  # fmt: skip


def test_terms_hold_the_earning(oxford: UUID) -> None:
    payee_id = payees.vendor(oxford, "Termed", kind=projects.PayeeKind.CONTRACTOR, terms_days=30)
    termed = people.payee(payee_id, "termed@contractor.test", projects.Portal.CONTRACTOR)
    with at(datetime(2026, 3, 2, 12, tzinfo=UTC)):
        project(oxford, termed, 100_00, S.APPROVED)
    assert available(termed) == {"payee_held": 100_00}
    with unit_of_work(people.PLATFORM) as session:
        held = session.execute(projects_held()).scalar_one()
    assert held == datetime(2026, 3, 31, 23, tzinfo=UTC)  # 1 April in London is summer time


def projects_held() -> Any:
    return text("SELECT available_at FROM held_earnings")


def test_hours_make_the_price(oxford: UUID, tomas: Actor) -> None:
    project_id = project(oxford, tomas, 60_01, S.IN_PROGRESS, rate_kind=RateKind.HOURLY)
    with pytest.raises(Invalid, match="Log your hours"):
        move(tomas, project_id, S.SUBMITTED)
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session:
        hours.log(session, tomas, project_id, worked_on=today(), minutes=90, note="Wireframes")
        wrong = hours.log(session, tomas, project_id, worked_on=today(), minutes=600, note="Typed twice")
        hours.remove(session, tomas, project_id, wrong.id)
    move(tomas, project_id, S.SUBMITTED)
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session, pytest.raises(Conflict):
        hours.log(session, tomas, project_id, worked_on=today(), minutes=60, note="Late")
    assert move(_admin(), project_id, S.APPROVED, organization_id=oxford).agreed_minor == 90_02  # 90.015 half up
    assert available(tomas) == {"payee_available": 90_02}


def test_wrong_hours_are_named(oxford: UUID, tomas: Actor) -> None:
    project_id = project(oxford, tomas, 60_00, S.IN_PROGRESS, rate_kind=RateKind.HOURLY)
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session, pytest.raises(Invalid) as refused:
        hours.log(session, tomas, project_id, worked_on=today() + timedelta(days=3), minutes=1_441, note=" ")
    assert set(refused.value.fields) == {"worked_on", "hours", "note"}


def test_a_day_has_24_hours(oxford: UUID, tomas: Actor) -> None:
    project_id = project(oxford, tomas, 60_00, S.IN_PROGRESS, rate_kind=RateKind.HOURLY)
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session:
        hours.log(session, tomas, project_id, worked_on=today(), minutes=1_350, note="Typed 22:30 for 2:30")
        hours.log(session, tomas, project_id, worked_on=today() - timedelta(days=1), minutes=120, note="Yesterday")
        with pytest.raises(Invalid, match="22:30 hours are logged for this day already") as refused:
            hours.log(session, tomas, project_id, worked_on=today(), minutes=91, note="Wireframes")
        assert set(refused.value.fields) == {"hours"}
        hours.log(session, tomas, project_id, worked_on=today(), minutes=90, note="Wireframes")


def test_a_project_is_not_due_before_it_is_assigned(oxford: UUID, tomas: Actor) -> None:
    late = form(tomas.payee_id or new_id(), due_on=today() - timedelta(days=2))
    with unit_of_work(Scope.organization(oxford)) as session, pytest.raises(Invalid, match="passed") as refused:
        service.assign(session, operator(), oxford, late)
    assert set(refused.value.fields) == {"due_on"}
    project_id = project(oxford, tomas, due_on=today() + timedelta(days=1))
    with unit_of_work(Scope.organization(oxford)) as session:
        session.execute(text("UPDATE projects SET due_on = :day"), {"day": late.due_on})
        edited = service.edit(session, operator(), oxford, project_id, replace(late, title="Still late"))
        assert (edited.title, edited.due_on) == ("Still late", late.due_on)


def test_who_moves_an_old_card_is_told_what_happened(oxford: UUID, tomas: Actor) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    move(tomas, project_id, S.DRAFT)
    with pytest.raises(service.Moved, match="was changed in the meantime and is in Upcoming"):
        move(tomas, project_id, S.SUBMITTED, version=1)
    with unit_of_work(Scope.organization(oxford)) as session:
        service.cancel(session, operator(), project_id, "Not needed")
    with pytest.raises(service.Moved, match=f"was cancelled in the meantime by {operator().label}"):
        move(tomas, project_id, S.SUBMITTED, version=1)


def _admin() -> Actor:
    return Actor("Operator", "operator")


def test_each_side_makes_its_own_moves(oxford: UUID, tomas: Actor, maya: Actor) -> None:
    project_id = project(oxford, tomas, status=S.SUBMITTED)
    for wanted in (S.APPROVED, S.REVISION_REQUESTED, S.PAYOUT_READY, S.DRAFT):
        with pytest.raises(InvalidTransition):
            move(tomas, project_id, wanted)
    for wanted in (S.IN_PROGRESS, S.PAYOUT_APPROVED):
        with pytest.raises(InvalidTransition):
            move(maya, project_id, wanted, organization_id=oxford)
    with pytest.raises(Invalid):
        move(maya, project_id, S.REVISION_REQUESTED, organization_id=oxford, note="  ")
    support = people.member(oxford, Role.SUPPORT, "sue@oxford.test")
    with pytest.raises(Forbidden):
        move(support, project_id, S.APPROVED, organization_id=oxford)
    assert available(tomas) == {}


def test_strangers_find_nothing(oxford: UUID, tomas: Actor) -> None:
    project_id = project(oxford, tomas, status=S.SUBMITTED)
    other = projects.contractor(oxford, "Other Works", "other@contractor.test")
    with pytest.raises(NotFound):
        move(other, project_id, S.IN_PROGRESS)
    cambridge = organizations.organization("cambridge")
    olga = people.member(cambridge, Role.OWNER, "olga@cambridge.test")
    with pytest.raises(NotFound):
        move(olga, project_id, S.APPROVED, organization_id=cambridge)


def test_of_two_movers_the_second_is_told_and_nothing_is_lost(oxford: UUID, tomas: Actor, maya: Actor) -> None:
    """The contractor takes the card back while the organization approves it: both saw the same version."""
    for _ in range(5):
        project_id = project(oxford, tomas, status=S.SUBMITTED)
        seen, start = _version(oxford, project_id), Barrier(2)

        def both(side: tuple[Actor, ProjectStatus, Any], project_id: UUID = project_id, start: Barrier = start) -> str:
            actor, to, version = side
            start.wait(10)
            try:
                return move(actor, project_id, to, organization_id=oxford, version=version).status.value
            except service.Moved as refusal:
                return f"{refusal.message.split(' was ')[0]} was faster: {refusal.found.value}"

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(both, [(tomas, S.IN_PROGRESS, seen), (maya, S.APPROVED, seen)]))
        taken_back = ["in_progress", f"{tomas.label} was faster: in_progress"]
        assert answers in (taken_back, [f"{maya.label} was faster: approved", "approved"])
        assert _version(oxford, project_id) == seen + 1


def _version(organization_id: UUID, project_id: UUID) -> int:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return session.get_one(Project, project_id).version


def test_the_same_move_twice_counts_once(oxford: UUID, tomas: Actor, superuser: Any) -> None:
    project_id = project(oxford, tomas, status=S.IN_PROGRESS)
    seen = _version(oxford, project_id)
    move(tomas, project_id, S.SUBMITTED, version=seen)
    assert move(tomas, project_id, S.SUBMITTED, version=seen).version == seen + 1
    assert events(superuser, project_id).count("submitted") == 1


def test_editing_keeps_to_what_was_taken_on(oxford: UUID, tomas: Actor, maya: Actor) -> None:
    project_id, payee_id = project(oxford, tomas, 900_00, S.IN_PROGRESS), tomas.payee_id or new_id()

    def edit(**more: Any) -> Project:
        with unit_of_work(Scope.organization(oxford)) as session:
            minor, version = more.pop("minor", 900_00), more.pop("version", None)
            return service.edit(session, maya, oxford, project_id, form(payee_id, minor, **more), version=version)

    assert edit(minor=950_00, title="  Loyalty   mails ").title == "Loyalty mails"
    with pytest.raises(Invalid):
        edit(minor=900_00)
    with pytest.raises(service.Moved):
        edit(minor=960_00, version=1)
    with pytest.raises(Invalid) as refused:
        edit(minor=950_00, title=" ", description="x" * 6_000)
    assert set(refused.value.fields) == {"title", "description"}


def test_projects_go_to_active_contractors_only(oxford: UUID, maya: Actor, tomas: Actor) -> None:
    vendor = payees.vendor(oxford, "A Vendor")
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Invalid, match="contractor"):
            service.assign(session, maya, oxford, form(vendor))
        with pytest.raises(Forbidden):
            service.assign(session, tomas, oxford, form(tomas.payee_id or new_id()))


def test_a_project_can_be_declined_or_cancelled(oxford: UUID, tomas: Actor, maya: Actor) -> None:
    declined, cancelled = project(oxford, tomas), project(oxford, tomas, status=S.IN_PROGRESS)
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session:
        service.cancel(session, tomas, declined, "I am away in May")
        with pytest.raises(Conflict, match="took this project on"):
            service.cancel(session, tomas, cancelled, "No time")
    with unit_of_work(Scope.organization(oxford)) as session:
        service.cancel(session, maya, cancelled, "The client left")
    for project_id in (declined, cancelled):
        with pytest.raises(Conflict, match="was cancelled"):
            move(tomas, project_id, S.DRAFT)

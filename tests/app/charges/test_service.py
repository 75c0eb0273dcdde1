from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.charges import queries, service
from app.charges.states import DepositStatus
from app.core.clock import today
from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, NotFound
from app.core.money import Money
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.ledger import service as ledger
from app.organizations.states import Role
from tests.factories import charges, organizations, payees, people

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def funds(organization_id: UUID, currency: str = "GBP") -> int:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return ledger.funds(session, organization_id, currency).minor


def announce(actor: Actor, organization_id: UUID, minor: int = 100_00) -> UUID:
    with unit_of_work(Scope.organization(organization_id)) as session:
        made = service.announce(
            session, actor, organization_id, amount=Money(minor, "GBP"), reference="OCC 1", sent_on=today()
        )
        return made.id


def test_an_announced_deposit_counts_once_a_second_person_confirmed_it(oxford: UUID, superuser: Any) -> None:
    deposit_id = announce(people.member(oxford, Role.OWNER), oxford)
    assert funds(oxford) == 0
    with unit_of_work(people.PLATFORM) as session:
        service.confirm(session, people.admin(), deposit_id)
    assert funds(oxford) == 100_00
    with unit_of_work(people.PLATFORM) as session:
        with pytest.raises(InvalidTransition):
            service.confirm(session, people.admin("other@quittance.test"), deposit_id)
        topics = session.execute(
            text("SELECT payload ->> 'organization_id' FROM outbox WHERE topic = 'funds.arrived'")
        ).all()
    assert [tuple(row) for row in topics] == [(str(oxford),)]
    mails = superuser.execute("SELECT template, context -> 'balance' ->> 'minor' FROM mails").fetchall()
    assert mails == [("deposit_confirmed", "10000")]
    assert funds(oxford) == 100_00


def test_maker_and_checker_differ_for_admins_too(oxford: UUID) -> None:
    maker, checker = people.admin("maker@quittance.test"), people.admin("checker@quittance.test")
    with unit_of_work(people.PLATFORM) as session:
        made = service.announce(
            session, maker, oxford, amount=Money(5_00, "GBP"), reference="found on statement", sent_on=today()
        )
        with pytest.raises(Forbidden, match="yourself"):
            service.confirm(session, maker, made.id)
        with pytest.raises(Forbidden, match="yourself"):
            service.reject(session, maker, made.id, "no")
        service.confirm(session, checker, made.id)
    assert funds(oxford) == 5_00


def test_two_operators_of_one_name_are_one_person(oxford: UUID) -> None:
    deposit_id = charges.announced(oxford, 5_00)
    with unit_of_work(people.PLATFORM) as session, pytest.raises(Forbidden):
        service.confirm(session, Actor("First", "operator"), deposit_id)


def test_a_rejected_deposit_says_why_and_moves_nothing(oxford: UUID) -> None:
    deposit_id = announce(people.member(oxford, Role.ADMIN), oxford)
    with unit_of_work(people.PLATFORM) as session:
        with pytest.raises(Invalid):
            service.reject(session, people.admin(), deposit_id, " ")
        service.reject(session, people.admin("b@quittance.test"), deposit_id, "Not on the statement")
    assert funds(oxford) == 0
    with unit_of_work(Scope.organization(oxford)) as session:
        rows = queries.deposits(session, oxford, status=DepositStatus.REJECTED).items
        note = session.execute(text("SELECT note FROM timeline_events WHERE to_state = 'rejected'")).scalar_one()
    assert [row.decision_reason for row in rows] == ["Not on the statement"] == [note]


def test_refused_people(oxford: UUID) -> None:
    bath = organizations.organization("bath")
    deposit_id = announce(people.member(oxford, Role.OWNER, "o@oxford.test"), oxford)
    for actor in (
        people.member(oxford, Role.MANAGER),
        people.member(bath, Role.OWNER),
        people.payee(payees.vendor(oxford)),
    ):
        with pytest.raises(Forbidden):
            announce(actor, oxford)
    with unit_of_work(Scope.organization(oxford)) as session, pytest.raises(Forbidden):
        service.confirm(session, people.member(oxford, Role.OWNER), deposit_id)
    with unit_of_work(Scope.organization(bath)) as session, pytest.raises(NotFound):
        service.confirm(session, people.admin(), deposit_id)  # even an admin sees no more than the scope
    with unit_of_work(Scope.organization(bath)) as session:
        assert queries.deposits(session, oxford).items == []
        assert queries.count_announced(session) == 0


@pytest.mark.parametrize(
    ("minor", "reference", "days", "field"),
    [
        (0, "A", 0, "amount"),
        (-5, "A", 0, "amount"),
        (5, " ", 0, "reference"),
        (5, "A", 3, "sent_on"),
        (5, "A", -400, "sent_on"),
    ],
)
def test_bad_input_names_the_field(oxford: UUID, minor: int, reference: str, days: int, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        charges.announced(oxford, minor, reference=reference, sent_on=today() + timedelta(days=days))
    assert list(refused.value.fields) == [field]


def test_the_same_deposit_announced_twice_is_a_conflict(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER)
    announce(owner, oxford)
    with pytest.raises(Conflict):
        announce(owner, oxford)
    announce(owner, oxford, 200_00)


def test_two_admins_confirm_at_the_same_moment_and_it_is_posted_once(oxford: UUID) -> None:
    deposit_id = announce(people.member(oxford, Role.OWNER), oxford)
    admins = [people.admin(f"a{n}@quittance.test") for n in range(4)]

    def confirm(actor: Actor) -> str:
        try:
            with unit_of_work(people.PLATFORM) as session:
                service.confirm(session, actor, deposit_id)
        except InvalidTransition:
            return "too late"
        return "confirmed"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(confirm, admins)) == ["confirmed", "too late", "too late", "too late"]
    assert funds(oxford) == 100_00

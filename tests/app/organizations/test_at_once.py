"""Two people, or two clicks, at the same moment: a link is used once, whoever comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Gone, Refusal
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.organizations import inviting, joining, queries, service
from app.organizations.states import Role
from tests.factories import organizations, people
from tests.factories.invitations import invite, tokens

pytestmark = pytest.mark.usefixtures("database_url")
ANN = "ann@oxford.test"


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def at_once(*acts: Callable[[], object]) -> list[type[BaseException] | None]:
    """What each came to, on a connection of its own; all begin together."""
    start, found = threading.Barrier(len(acts)), [None] * len(acts)

    def one(number: int) -> None:
        start.wait(10)
        try:
            acts[number]()
        except Refusal as refusal:
            found[number] = type(refusal)  # type: ignore[call-overload]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return list(found)


def accept(token: str) -> None:
    with unit_of_work(Scope.public()) as session:
        joining.accept(session, token, signed_in_as=None)


def emails(oxford: UUID) -> list[str]:
    with unit_of_work(Scope.organization(oxford)) as session:
        return [row.email for row in queries.members(session, oxford)]


def test_a_link_clicked_four_times_at_once_is_used_once(oxford: UUID) -> None:
    invite(oxford, (ANN, Role.MANAGER))
    (token,) = tokens(ANN)
    came = at_once(*[lambda: accept(token)] * 4)
    assert came.count(None) == 1 and came.count(Gone) == 3
    assert emails(oxford) == [ANN]


def test_withdrawn_and_used_at_once_is_one_of_both(oxford: UUID) -> None:
    asked = invite(oxford, (ANN, Role.MANAGER))
    (token,) = tokens(ANN)

    def withdraw() -> None:
        with unit_of_work(people.PLATFORM) as session:
            inviting.revoke(session, SYSTEM, oxford, asked.sent[ANN])

    came = at_once(lambda: accept(token), withdraw)
    assert came in ([None, Conflict], [Gone, None])
    assert emails(oxford) == ([ANN] if came[0] is None else [])


def test_asked_twice_at_once_is_one_invitation(oxford: UUID) -> None:
    at_once(*[lambda: invite(oxford, (ANN, Role.MANAGER))] * 3)
    with unit_of_work(people.PLATFORM) as session:
        assert session.execute(text("SELECT count(*) FROM member_invitations")).scalar_one() == 1
    assert len(tokens(ANN)) == 1


def test_three_owners_who_leave_at_once_leave_one(oxford: UUID) -> None:
    owners = [people.member(oxford, Role.OWNER, f"{n}@oxford.test") for n in ("ann", "bob", "cat")]
    with unit_of_work(Scope.organization(oxford)) as session:
        ids = {row.account_id: row.member_id for row in queries.members(session, oxford)}

    def leave(number: int) -> Callable[[], None]:
        def go() -> None:
            actor = owners[number]
            with unit_of_work(Scope.organization(oxford)) as session:
                assert actor.account_id is not None
                service.remove_member(session, actor, oxford, ids[actor.account_id])

        return go

    came = at_once(*[leave(number) for number in range(3)])
    assert came.count(None) == 2 and came.count(Conflict) == 1
    assert len(emails(oxford)) == 1

"""Two owners who act at the same moment leave one owner."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from app.core.errors import Refusal
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.organizations import queries, service
from app.organizations.states import Role
from tests.factories import organizations, people

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.mark.parametrize("act", ["leave", "step down", "remove the other"])
def test_two_owners_at_once(act: str) -> None:
    oxford = organizations.organization("oxford")
    owners = [people.member(oxford, Role.OWNER, f"{n}@oxford.test") for n in ("ann", "bob")]
    with unit_of_work(Scope.organization(oxford)) as session:
        ids = {row.account_id: row.member_id for row in queries.members(session, oxford)}
    mine = [ids[one.account_id] for one in owners]
    targets = mine[::-1] if act == "remove the other" else mine
    start, refused = threading.Barrier(2), []

    def go(actor: Actor, member_id: UUID) -> None:
        try:
            with unit_of_work(Scope.organization(oxford)) as session:
                start.wait(10)
                if act == "step down":
                    service.change_role(session, operator(), oxford, member_id, Role.ADMIN)
                elif act == "leave":
                    service.remove_member(session, actor, oxford, member_id)
                else:
                    service.remove_member(session, operator(), oxford, member_id)
        except Refusal as refusal:
            refused.append(refusal.message)

    threads = [threading.Thread(target=go, args=pair) for pair in zip(owners, targets, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert refused == ["This is the last owner. Appoint another owner first."]
    with unit_of_work(Scope.organization(oxford)) as session:
        assert [row.role for row in queries.members(session, oxford)].count(Role.OWNER) == 1

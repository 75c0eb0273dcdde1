"""Invitations of members: one link at a time, once, for the address it was mailed to."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.core.clock import at, utc_now
from app.core.crypto import token_sha256
from app.core.errors import Conflict, Forbidden, Gone, SwitchedOff
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.identity import queries as accounts
from app.identity.states import Portal
from app.notify.models import Mail
from app.organizations import inviting, joining, queries, service, waiting_members
from app.organizations.invitation_models import MemberInvitation
from app.organizations.joining import Joined
from app.organizations.states import InvitationStatus, MemberStatus, Role
from tests.factories import organizations, people
from tests.factories.invitations import invite, tokens
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")
ANN = "ann@oxford.test"


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def accept(token: str, signed_in_as: str | None = None) -> Joined:
    with unit_of_work(Scope.public()) as session:
        return joining.accept(session, token, signed_in_as=signed_in_as)


def roles(organization_id: UUID) -> dict[str, tuple[Role, MemberStatus]]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return {row.email: (row.role, row.status) for row in queries.members(session, organization_id)}


def test_the_link_makes_account_and_membership_once(oxford: UUID) -> None:
    asked = invite(oxford, (ANN, Role.MANAGER))
    (token,) = tokens(ANN)
    with unit_of_work(people.PLATFORM) as session:
        kept = session.get_one(MemberInvitation, asked.sent[ANN])
        assert kept.token_sha256 == token_sha256(token) and token not in str(vars(kept))
    with unit_of_work(Scope.public()) as session:
        offer = joining.peek(session, token)
        assert offer is not None and offer.organization == "Oxford" and offer.role is Role.MANAGER
        assert accounts.account_of(session, Portal.ORG, ANN) is None  # looking changes nothing
    joined = accept(token)
    assert joined.status is MemberStatus.ACTIVE and roles(oxford)[ANN] == (Role.MANAGER, MemberStatus.ACTIVE)
    with pytest.raises(Gone):
        accept(token)
    with unit_of_work(Scope.public()) as session:
        assert joining.peek(session, token) is None


def test_an_account_that_is_there_joins_one_more(oxford: UUID) -> None:
    bath = organizations.organization("bath")
    there = people.member(bath, Role.OWNER, ANN)
    invite(oxford, (ANN, Role.SUPPORT))
    accept(tokens(ANN)[0], signed_in_as=ANN)
    assert there.account_id is not None
    with unit_of_work(Scope.public()) as session:
        assert [m.slug for m in queries.memberships(session, there.account_id)] == ["bath", "oxford"]


def test_somebody_elses_session_does_not_take_it(oxford: UUID) -> None:
    invite(oxford, (ANN, Role.MANAGER))
    with pytest.raises(Forbidden, match="signed in as bob"):
        accept(tokens(ANN)[0], signed_in_as="bob@oxford.test")
    assert ANN not in roles(oxford)
    accept(tokens(ANN)[0])  # it was not used up


def test_seven_days_then_it_is_over_and_can_be_sent_again(oxford: UUID) -> None:
    asked = invite(oxford, (ANN, Role.MANAGER))
    with at(utc_now() + timedelta(days=7, seconds=1)):
        with pytest.raises(Gone):
            accept(tokens(ANN)[0])
        with unit_of_work(people.PLATFORM) as session:
            inviting.resend(session, SYSTEM, oxford, asked.sent[ANN])
        new, old = tokens(ANN)
        with pytest.raises(Gone):
            accept(old)
        accept(new)


def test_sending_again_kills_the_link_before(oxford: UUID) -> None:
    asked = invite(oxford, (ANN, Role.MANAGER))
    with pytest.raises(Conflict, match="a moment ago"), unit_of_work(people.PLATFORM) as session:
        inviting.resend(session, SYSTEM, oxford, asked.sent[ANN])
    with at(utc_now() + timedelta(hours=1)), unit_of_work(people.PLATFORM) as session:
        inviting.resend(session, SYSTEM, oxford, asked.sent[ANN])
    new, old = tokens(ANN)
    with pytest.raises(Gone):
        accept(old)
    accept(new)


def test_inviting_twice_writes_once_and_says_why(oxford: UUID) -> None:
    people.member(oxford, Role.OWNER, "olga@oxford.test")
    invite(oxford, (ANN, Role.MANAGER))
    again = invite(oxford, (ANN, Role.ADMIN), ("olga@oxford.test", Role.ADMIN), ("new@oxford.test", Role.LEARNER))
    assert again.known == {ANN: "is invited already", "olga@oxford.test": "is a member already"}
    assert list(again.sent) == ["new@oxford.test"] and len(tokens(ANN)) == 1


def test_a_withdrawn_invitation_is_dead(oxford: UUID) -> None:
    asked = invite(oxford, (ANN, Role.MANAGER))
    with unit_of_work(people.PLATFORM) as session:
        inviting.revoke(session, SYSTEM, oxford, asked.sent[ANN])
    with pytest.raises(Gone):
        accept(tokens(ANN)[0])
    with pytest.raises(Conflict), unit_of_work(people.PLATFORM) as session:
        inviting.revoke(session, SYSTEM, oxford, asked.sent[ANN])


def test_nobody_invites_to_a_rank_at_or_above_their_own(oxford: UUID) -> None:
    admin = people.member(oxford, Role.ADMIN)
    with pytest.raises(Forbidden):
        invite(oxford, (ANN, Role.LEARNER), ("b@oxford.test", Role.ADMIN), actor=admin)
    assert tokens(ANN) == []  # all or nobody
    owner = people.member(oxford, Role.OWNER)
    asked = invite(oxford, (ANN, Role.ADMIN), actor=owner)
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(oxford)) as session:
        inviting.revoke(session, admin, oxford, asked.sent[ANN])
    stranger = people.member(organizations.organization("bath"), Role.OWNER)
    with pytest.raises(Forbidden):
        invite(oxford, ("x@oxford.test", Role.LEARNER), actor=stranger)


def test_a_removed_member_does_not_come_back_by_an_old_link(oxford: UUID) -> None:
    invite(oxford, (ANN, Role.MANAGER))
    account_id = people.account(Portal.ORG, ANN)
    with unit_of_work(people.PLATFORM) as session:
        made = service.add_member(
            session, SYSTEM, oxford, account_id=account_id, name="Ann", email=ANN, role=Role.MANAGER
        )
        service.remove_member(session, SYSTEM, oxford, made.id)
    with pytest.raises(Gone):
        accept(tokens(ANN)[0])
    with unit_of_work(people.PLATFORM) as session:
        assert session.scalar(select(MemberInvitation.status)) is InvitationStatus.REVOKED


def test_a_consultant_waits_until_somebody_says_yes(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER, "olga@oxford.test")
    invite(oxford, (ANN, Role.CONSULTANT), ("bob@oxford.test", Role.CONSULTANT))
    ann, bob = accept(tokens(ANN)[0]), accept(tokens("bob@oxford.test")[0])
    assert ann.status is MemberStatus.PENDING
    with unit_of_work(Scope.public()) as session:
        assert queries.memberships_of_address(session, ANN) == []
    with unit_of_work(Scope.organization(oxford)) as session:
        waiting_members.approve(session, owner, oxford, ann.member_id)
        waiting_members.approve(session, owner, oxford, ann.member_id)  # twice is once
        waiting_members.decline(session, owner, oxford, bob.member_id)
        with pytest.raises(Conflict):
            waiting_members.decline(session, owner, oxford, ann.member_id)
    assert roles(oxford)[ANN] == (Role.CONSULTANT, MemberStatus.ACTIVE) and "bob@oxford.test" not in roles(oxford)
    with unit_of_work(Scope.public()) as session:
        assert [m.slug for m in queries.memberships_of_address(session, ANN)] == ["oxford"]
        assert accounts.account_of(session, Portal.CLIENT, ANN) is None  # learners book; consultants are booked
    with unit_of_work(people.PLATFORM) as session:
        told = session.execute(
            select(Mail.to_address, func.count()).where(Mail.template == "member_news").group_by(Mail.to_address)
        ).all()
    assert dict(map(tuple, told)) == {"olga@oxford.test": 2, ANN: 1, "bob@oxford.test": 1}


def test_gated_roles_are_not_given_while_the_tier_is_off(oxford: UUID) -> None:
    asked = invite(oxford, (ANN, Role.CONSULTANT))
    learner = people.member(oxford, Role.LEARNER)
    with unit_of_work(people.PLATFORM) as session:
        member = next(r for r in queries.members(session, oxford) if r.account_id == learner.account_id)
    with environment(ENABLE_PROVIDER_ORGS="false"):
        for role in (Role.CONSULTANT, Role.SUPPORT):
            with pytest.raises(SwitchedOff):
                invite(oxford, ("b@oxford.test", role))
            with pytest.raises(SwitchedOff), unit_of_work(people.PLATFORM) as session:
                service.change_role(session, SYSTEM, oxford, member.member_id, role)
        with pytest.raises(SwitchedOff):
            accept(tokens(ANN)[0])
        with pytest.raises(SwitchedOff), unit_of_work(people.PLATFORM) as session:
            inviting.resend(session, SYSTEM, oxford, asked.sent[ANN])
    accept(tokens(ANN)[0])

"""A draft is its owner's alone, is kept step by step and launched once nothing is missing."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, SwitchedOff
from app.core.scope import Actor, Scope
from app.db.session import ScopedSession, unit_of_work
from app.earnings import launching, rates
from app.organizations import drafts, own_payee, queries, service, steps
from app.organizations.drafts import Invitee
from app.organizations.invitation_models import MemberInvitation
from app.organizations.states import BillingMode, OrganizationKind, OrganizationStatus, Role
from app.organizations.steps import Step
from jobs import organizations as jobs
from tests.factories import drafts as making
from tests.factories import organizations, people
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def nora() -> Actor:
    return making.founder()


@pytest.fixture
def draft(nora: Actor) -> UUID:
    return making.started(nora)


def inside(organization_id: UUID) -> Scope:
    return Scope.organization(organization_id)


def choose(session: ScopedSession, who: Actor, draft: UUID, kind: OrganizationKind) -> None:
    drafts.choose_kind(session, who, draft, kind)


def test_whoever_starts_is_its_owner_and_it_is_a_draft(nora: Actor, draft: UUID) -> None:
    with unit_of_work(people.PLATFORM) as session:
        assert nora.account_id
        (mine,) = queries.memberships(session, nora.account_id)
        assert (mine.role, mine.organization_status) == (Role.OWNER, OrganizationStatus.DRAFT)


def test_a_buyer_is_launched_with_its_mode_and_its_team_is_invited_once(nora: Actor, draft: UUID) -> None:
    who = making.owner(nora, draft)
    with unit_of_work(inside(draft)) as session:
        with pytest.raises(Conflict, match="kind, billing"):
            launching.launch(session, who, draft)
        choose(session, who, draft, OrganizationKind.BUYER)
        drafts.choose_billing(session, who, draft, BillingMode.INVOICED_MONTHLY)
        drafts.choose_team(session, who, draft, [Invitee("Mia@Northgate.test", Role.MANAGER)])
        launching.launch(session, who, draft)
    for _again in range(2):
        jobs.launched(str(draft))
    with unit_of_work(inside(draft)) as session:
        found = service.get(session, draft)
        assert (found.status, found.billing_mode) == (OrganizationStatus.ACTIVE, BillingMode.INVOICED_MONTHLY)
        (asked,) = session.scalars(select(MemberInvitation).where(MemberInvitation.organization_id == draft))
        assert (asked.email, asked.role, asked.invited_by) == ("mia@northgate.test", Role.MANAGER, "Nora")
        assert rates.history(session, draft) == []
        with pytest.raises(NotFound):
            drafts.of(session, draft)
    with pytest.raises((Conflict, NotFound)), unit_of_work(inside(draft)) as session:
        launching.launch(session, who, draft)


def test_a_provider_is_launched_with_its_rates(nora: Actor, draft: UUID) -> None:
    who = making.owner(nora, draft)
    with unit_of_work(inside(draft)) as session:
        choose(session, who, draft, OrganizationKind.PROVIDER)
        with pytest.raises(Conflict):
            drafts.choose_billing(session, who, draft, BillingMode.SEAT_PACK)
        drafts.choose_rates(session, who, draft, organization_bps=1_250, auto_approve=True)
        made = launching.launch(session, who, draft)
        assert own_payee.find(session, draft) is not None
        assert made.auto_approve_consultants
        now = rates.of_organization(session, draft)
        assert (now.platform_bps, now.organization_bps, now.consultant_bps) == (1_000, 1_250, 7_750)


def test_more_than_the_platform_leaves_is_not_launched(nora: Actor, draft: UUID) -> None:
    who = making.owner(nora, draft)
    with unit_of_work(inside(draft)) as session:
        choose(session, who, draft, OrganizationKind.PROVIDER)
        drafts.choose_rates(session, who, draft, organization_bps=9_500, auto_approve=False)
    with pytest.raises(Conflict, match="platform keeps 10 %"), unit_of_work(inside(draft)) as session:
        launching.launch(session, who, draft)


def test_another_kind_forgets_what_it_has_no_step_for(nora: Actor, draft: UUID) -> None:
    who = making.owner(nora, draft)
    with unit_of_work(inside(draft)) as session:
        choose(session, who, draft, OrganizationKind.HYBRID)
        drafts.choose_billing(session, who, draft, BillingMode.SEAT_PACK)
        drafts.choose_rates(session, who, draft, organization_bps=700, auto_approve=True)
        choose(session, who, draft, OrganizationKind.PROVIDER)
        assert service.get(session, draft).billing_mode is BillingMode.TAG_ONLY
        assert steps.missing(OrganizationKind.PROVIDER, drafts.of(session, draft).steps) == ()
        choose(session, who, draft, OrganizationKind.BUYER)
        assert drafts.of(session, draft).organization_bps is None
        assert steps.missing(OrganizationKind.BUYER, drafts.of(session, draft).steps) == (Step.BILLING,)


@pytest.mark.parametrize("kind", [OrganizationKind.PROVIDER, OrganizationKind.HYBRID])
def test_providers_can_be_switched_off(nora: Actor, draft: UUID, kind: OrganizationKind) -> None:
    with (
        environment(ENABLE_PROVIDER_ORGS="false"),
        pytest.raises(SwitchedOff),
        unit_of_work(inside(draft)) as session,
    ):
        choose(session, making.owner(nora, draft), draft, kind)


def test_support_waits_for_providers(nora: Actor, draft: UUID) -> None:
    with (
        environment(ENABLE_PROVIDER_ORGS="false"),
        pytest.raises(Invalid, match="switched off"),
        unit_of_work(inside(draft)) as session,
    ):
        drafts.choose_team(session, making.owner(nora, draft), draft, [Invitee("s@b.test", Role.SUPPORT)])


def test_nobody_else_changes_it_and_a_short_name_is_taken_once(nora: Actor, draft: UUID) -> None:
    organizations.organization("oxford")
    other = making.started(making.founder("olga@other.test"), "other", "olga@other.test")
    with unit_of_work(inside(draft)) as session:
        with pytest.raises(Forbidden):
            choose(session, making.owner(nora, other), draft, OrganizationKind.BUYER)
        admin = Actor("A", Role.ADMIN.value, nora.account_id, draft, rank=Role.ADMIN.rank)
        with pytest.raises(Forbidden):
            choose(session, admin, draft, OrganizationKind.BUYER)
        for taken in ("oxford", "signup", "Not A Slug"):
            with pytest.raises(Invalid) as refusal:
                drafts.save_identity(session, making.owner(nora, draft), draft, making.identity(taken))
            assert "slug" in refusal.value.fields
        assert drafts.slug_is_free(session, "northgate", draft) and not drafts.slug_is_free(session, "northgate")


def test_three_drafts_are_enough(nora: Actor, draft: UUID) -> None:
    for number in (2, 3):
        making.started(nora, f"northgate-{number}")
    with pytest.raises(Conflict, match="3 drafts"):
        making.started(nora, "northgate-4")
    with pytest.raises(Forbidden), unit_of_work(Scope.public()) as session:
        drafts.start(session, Actor("x", "account"), owner="x", email="x@x.test", identity=making.identity("x"))


def test_the_team_has_addresses_and_roles_of_a_team(nora: Actor, draft: UUID) -> None:
    who = making.owner(nora, draft)
    with unit_of_work(inside(draft)) as session:
        for invitees, why in (
            ([Invitee("nobody", Role.ADMIN)], "e-mail address"),
            ([Invitee("a@b.test", Role.LEARNER)], "not a role"),
            ([Invitee("a@b.test", Role.ADMIN), Invitee("A@b.test", Role.SUPPORT)], "twice"),
            ([Invitee(f"n{n}@b.test", Role.ADMIN) for n in range(51)], "at most 50"),
        ):
            with pytest.raises(Invalid, match=why):
                drafts.choose_team(session, who, draft, invitees)

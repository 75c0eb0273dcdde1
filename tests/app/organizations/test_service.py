from __future__ import annotations

from uuid import UUID

import pytest

from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations import queries, rules, service
from app.organizations.states import Role
from tests.factories import organizations, people

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def members_of(organization_id: UUID) -> dict[str, str]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return {row.name: row.role.value for row in queries.members(session, organization_id)}


def test_slugs_are_made_from_names_and_never_taken_twice() -> None:
    with unit_of_work(people.PLATFORM) as session:
        made = [service.create(session, operator(), name="Søndre & Co. Ltd", currency="GBP").slug for _ in range(3)]
    assert made == ["sndre-co-ltd", "sndre-co-ltd-2", "sndre-co-ltd-3"]


@pytest.mark.parametrize("slug", ["new", "oxford"])
def test_a_chosen_slug_in_use_or_reserved_is_refused(oxford: UUID, slug: str) -> None:
    with pytest.raises(Conflict), unit_of_work(people.PLATFORM) as session:
        service.create(session, operator(), name="Any", currency="GBP", slug=slug)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"currency": "XXX"}, "currency"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"name": " "}, "name"),
        ({"slug": "Not a slug"}, "slug"),
    ],
)
def test_bad_input_names_the_field(wrong: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused, unit_of_work(people.PLATFORM) as session:
        service.create(session, operator(), **{"name": "Any", "currency": "GBP", **wrong})
    assert list(refused.value.fields) == [field]


def test_only_the_platform_opens_organizations_and_sets_credit(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER)
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Forbidden):
            service.create(session, owner, name="Mine", currency="GBP")
        with pytest.raises(Forbidden):
            service.set_funds_policy(session, owner, oxford, "GBP", credit_limit_minor=10**9)


@pytest.mark.parametrize(
    ("actor", "role", "allowed"),
    [
        (Role.OWNER, Role.OWNER, True),
        (Role.OWNER, Role.ADMIN, True),
        (Role.ADMIN, Role.OWNER, False),
        (Role.ADMIN, Role.ADMIN, False),
        (Role.ADMIN, Role.MANAGER, True),
        (Role.MANAGER, Role.SUPPORT, False),  # managers do not manage members at all
    ],
)
def test_nobody_gives_a_rank_at_or_above_their_own(oxford: UUID, actor: Role, role: Role, allowed: bool) -> None:
    acting = people.member(oxford, actor)
    newcomer = people.account(Portal.ORG, "new@oxford.test")

    def add() -> None:
        with unit_of_work(Scope.organization(oxford)) as session:
            service.add_member(
                session, acting, oxford, account_id=newcomer, name="New", email="new@oxford.test", role=role
            )

    if allowed:
        add()
        assert members_of(oxford)["New"] == role.value
    else:
        with pytest.raises(Forbidden):
            add()
        assert "New" not in members_of(oxford)


def test_a_member_is_not_changed_by_an_equal_nor_by_another_organization(oxford: UUID) -> None:
    first, second = (people.member(oxford, Role.ADMIN, f"{n}@oxford.test") for n in ("first", "second"))
    stranger = people.member(organizations.organization("bath"), Role.OWNER)
    with unit_of_work(Scope.organization(oxford)) as session:
        target = next(r.member_id for r in queries.members(session, oxford) if r.account_id == second.account_id)
        with pytest.raises(Forbidden):
            service.change_role(session, first, oxford, target, Role.SUPPORT)
        with pytest.raises(Forbidden):
            service.remove_member(session, stranger, oxford, target)
        service.remove_member(session, second, oxford, target)  # people may leave
        with pytest.raises(NotFound):
            service.remove_member(session, second, oxford, target)


def test_the_last_owner_stays(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER)
    with unit_of_work(Scope.organization(oxford)) as session:
        mine = queries.members(session, oxford)[0].member_id
        with pytest.raises(Conflict, match="last owner"):
            service.remove_member(session, owner, oxford, mine)
        with pytest.raises(Conflict, match="last owner"):
            service.change_role(session, operator(), oxford, mine, Role.ADMIN)
    people.member(oxford, Role.OWNER, "heir@oxford.test")
    with unit_of_work(Scope.organization(oxford)) as session:
        service.remove_member(session, owner, oxford, mine)
    assert members_of(oxford) == {"Heir": "ORG_OWNER"}


def test_memberships_are_those_of_the_account_and_end_with_the_membership(oxford: UUID) -> None:
    somebody = people.member(oxford, Role.MANAGER, "ann@oxford.test")
    people.member(organizations.organization("bath"), Role.OWNER)
    assert somebody.account_id is not None
    with unit_of_work(Scope.public()) as session:
        found = queries.memberships(session, somebody.account_id)
        assert [(m.slug, m.role, m.rank) for m in found] == [("oxford", Role.MANAGER, 60)]
    with unit_of_work(Scope.organization(oxford)) as session:
        service.remove_member(session, somebody, oxford, found[0].member_id)
    with unit_of_work(Scope.public()) as session:
        assert queries.memberships(session, somebody.account_id) == []


def test_members_of_another_organization_are_not_seen(oxford: UUID) -> None:
    people.member(oxford, Role.OWNER)
    with unit_of_work(Scope.organization(organizations.organization("bath"))) as session:
        assert list(queries.members(session, oxford)) == []


def test_a_funds_policy_is_one_per_currency(oxford: UUID) -> None:
    organizations.credit(oxford, 500)
    organizations.credit(oxford, 900)
    with unit_of_work(Scope.organization(oxford)) as session:
        policies = queries.funds_policies(session, oxford)
    assert {code: policy.credit_limit_minor for code, policy in policies.items()} == {"GBP": 900}


def test_rank_table_is_strict() -> None:
    for role in Role:
        assert rules.may_act_on(role.rank, role) is not None
        assert (rules.may_grant(role.rank, role) is None) == (role is Role.OWNER)


def test_an_actor_without_the_permission_is_refused(oxford: UUID) -> None:
    learner = Actor("Learner", "ORG_LEARNER", organization_id=oxford, rank=20)
    with unit_of_work(Scope.organization(oxford)) as session, pytest.raises(Forbidden):
        service.set_time_zone(session, learner, oxford, "UTC")

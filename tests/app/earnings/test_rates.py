"""Rates by version and day, what was agreed with one consultant, and who may change which part."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app.consultations.states import Practice
from app.core.clock import utc_now
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.earnings import rates
from app.earnings.splits import ADVISOR, CONSULTANT, PROVIDER, Rates
from app.organizations.states import Role
from app.payees import service as payees
from tests.factories.bookings import consultant
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM, member, payee

pytestmark = pytest.mark.usefixtures("database_url")


def of(organization_id: UUID, payee_id: UUID, days: int = 0) -> Rates:
    with unit_of_work(Scope.public()) as session:
        return rates.rates_of(session, organization_id, payee_id, utc_now() + timedelta(days=days))


def set_rates(organization_id: UUID, *bps: int, actor: Actor | None = None, days: int | None = None) -> None:
    scope = PLATFORM if actor is None else Scope.organization(organization_id)
    platform, own, consultants = bps
    with unit_of_work(scope) as session:
        rates.set_version(
            session, actor or operator(), organization_id, platform_bps=platform, organization_bps=own,
            consultant_bps=consultants, valid_from=None if days is None else utc_now() + timedelta(days=days),
        )  # fmt: skip


def override(organization_id: UUID, payee_id: UUID, bps: int | None, actor: Actor | None = None) -> None:
    with unit_of_work(Scope.organization(organization_id)) as session:
        rates.set_override(session, actor or operator(), organization_id, payee_id, bps)


def test_presets_by_practice_and_by_who_engages() -> None:
    house, clinic = organization("house", is_house=True), organization("clinic")
    assert of(house, consultant(house, Practice.ADVISOR)) == ADVISOR
    assert of(house, consultant(house, Practice.CONSULTANT)) == CONSULTANT
    assert of(clinic, consultant(clinic, Practice.CONSULTANT)) == PROVIDER
    lent = consultant(house, Practice.ADVISOR)
    with unit_of_work(PLATFORM) as session:
        payees.engage(session, operator(), clinic, lent, currency="USD", terms_days=0)
    assert of(clinic, lent) == ADVISOR  # wherever they belong
    with pytest.raises(NotFound):
        of(house, consultant(clinic, Practice.CONSULTANT))


def test_a_change_is_a_new_version_from_its_day_on() -> None:
    clinic = organization("clinic")
    somebody = consultant(clinic)
    set_rates(clinic, 1_000, 1_000, 8_000)
    set_rates(clinic, 1_200, 800, 8_000, days=7)
    assert of(clinic, somebody, -1) == PROVIDER
    assert of(clinic, somebody) == Rates(1_000, 1_000, 8_000, "provider", 1)
    assert of(clinic, somebody, 8) == Rates(1_200, 800, 8_000, "provider", 2)
    with unit_of_work(Scope.organization(clinic)) as session:
        assert [one.rates.version for one in rates.history(session, clinic)] == [2, 1]
    with unit_of_work(Scope.organization(organization("other"))) as session:
        assert rates.history(session, clinic) == []


@pytest.mark.parametrize(
    ("bps", "days", "field"),
    [
        ((1_000, 500, 8_000), None, "consultant_bps"),
        ((1_000, -500, 9_500), None, "organization_bps"),
        ((1_000, 500, 8_500), -1, "valid_from"),
        ((2_500, 0, 7_500), None, "platform_bps"),
    ],
)
def test_rates_that_cannot_be(bps: tuple[int, int, int], days: int | None, field: str) -> None:
    clinic = organization("clinic")
    override(clinic, consultant(clinic), 8_000)
    with pytest.raises(Invalid) as refused:
        set_rates(clinic, *bps, days=days)
    assert list(refused.value.fields) == [field]


def test_an_organization_moves_its_own_part_only() -> None:
    clinic, house = organization("clinic"), organization("house", is_house=True)
    manager, support = member(clinic, Role.MANAGER), member(clinic, Role.SUPPORT)
    set_rates(clinic, 1_000, 1_500, 7_500, actor=manager)
    with pytest.raises(Forbidden):
        set_rates(clinic, 500, 1_500, 8_000, actor=manager)
    with pytest.raises(Forbidden):
        set_rates(clinic, 1_000, 0, 9_000, actor=support)
    with pytest.raises(Forbidden):
        set_rates(organization("other"), 1_000, 0, 9_000, actor=manager)
    with pytest.raises(Invalid):
        set_rates(house, 1_000, 500, 8_500)


def test_an_override_is_one_consultants_and_leaves_the_platforms_part() -> None:
    clinic = organization("clinic")
    one, other = consultant(clinic), consultant(clinic)
    manager = member(clinic, Role.MANAGER)
    override(clinic, one, 8_800, manager)
    assert of(clinic, one) == Rates(1_000, 200, 8_800, "provider", 0, override=True)
    assert of(clinic, other) == PROVIDER
    with pytest.raises(Invalid) as refused:
        override(clinic, one, 9_001, manager)
    assert "90 %" in refused.value.fields["consultant_bps"]
    set_rates(clinic, 1_100, 0, 8_900, days=3)
    with pytest.raises(Invalid) as refused:
        override(clinic, one, 8_950, manager)
    assert "later day" in refused.value.fields["consultant_bps"]
    with pytest.raises(Forbidden):
        override(clinic, one, 9_000, payee(one))
    override(clinic, one, None, manager)
    assert of(clinic, one) == PROVIDER

"""Corrections: applied at once up to a limit, by two people above it, and read by the payee with their reason only."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.core.errors import Forbidden, Invalid, InvalidTransition, NotFound
from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.earnings import adjustments, queries
from app.earnings.rate_models import Adjustment, AdjustmentKind, AdjustmentStatus
from app.organizations import service as organizations
from app.organizations.states import Role
from app.reporting import doctor
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.factories.people import PLATFORM, admin, member

pytestmark = pytest.mark.usefixtures("database_url")
K = AdjustmentKind


@pytest.fixture
def place() -> tuple[UUID, UUID]:
    somewhere = organization()
    return somewhere, vendor(somewhere)


def make(
    place: tuple[UUID, UUID], minor: int, kind: AdjustmentKind = K.MANUAL, actor: Actor | None = None, **more: str
) -> Adjustment:
    with unit_of_work(PLATFORM) as session:
        return adjustments.make(
            session, actor or operator(), organization_id=place[0], payee_id=place[1], kind=kind,
            amount=Money(minor, "GBP"), **{"reason": "Counted twice", "note": "Ticket 12", **more},
        )  # fmt: skip


def ready(place: tuple[UUID, UUID]) -> list[int]:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
        return [one.minor for one in queries.ready(session, *place)]


def test_one_person_is_enough_up_to_the_limit(place: tuple[UUID, UUID]) -> None:
    made = make(place, -20_00, K.CHARGEBACK)
    assert made.status is AdjustmentStatus.APPLIED and made.earning_id and ready(place) == [-20_00]
    make(place, 500_00, K.BONUS)
    assert ready(place) == [480_00]
    with unit_of_work(Scope.payee(place[1])) as session:
        told = [row.description for row in queries.earnings(session, payee_id=place[1]).items]
        assert adjustments.notes(session, made.id) == []  # what the platform keeps to itself
    assert told == ["Bonus: Counted twice", "Chargeback: Counted twice"]
    with unit_of_work(PLATFORM) as session:
        assert [row.text for row in adjustments.notes(session, made.id)] == ["Ticket 12"]


def test_above_the_limit_somebody_else_decides(place: tuple[UUID, UUID]) -> None:
    first, second = admin(), admin("second@quittance.test")
    made = make(place, 500_01, actor=first)
    assert made.status is AdjustmentStatus.SUBMITTED and ready(place) == []
    with unit_of_work(PLATFORM) as session, pytest.raises(Forbidden):
        adjustments.apply(session, first, made.id)
    with unit_of_work(PLATFORM) as session:
        adjustments.apply(session, second, made.id, "Checked")
    assert ready(place) == [500_01]
    with unit_of_work(PLATFORM) as session, pytest.raises(InvalidTransition):
        adjustments.apply(session, second, made.id)
    other = make(place, -900_00, actor=first)
    with unit_of_work(PLATFORM) as session, pytest.raises(Invalid):
        adjustments.decline(session, second, other.id, " ")
    with unit_of_work(PLATFORM) as session:
        adjustments.decline(session, second, other.id, "It was right before")
        page = adjustments.adjustments(session, status=AdjustmentStatus.DECLINED)
        assert [row.id for row in page.items] == [other.id]
        assert adjustments.adjustment(session, other.id).payee == "SMS Connections Ltd"
    assert ready(place) == [500_01]


def test_the_organizations_own_limit(place: tuple[UUID, UUID]) -> None:
    with unit_of_work(PLATFORM) as session:
        organizations.set_funds_policy(
            session, operator(), place[0], "GBP", credit_limit_minor=0, second_approval_minor=10_00
        )
    assert make(place, 10_00).status is AdjustmentStatus.APPLIED
    assert make(place, -10_01).status is AdjustmentStatus.SUBMITTED


@pytest.mark.parametrize(
    ("kind", "minor", "more", "field"),
    [
        (K.REFUND, 5_00, {}, "amount"), (K.CHARGEBACK, 5_00, {}, "amount"), (K.BONUS, -5_00, {}, "amount"),
        (K.MANUAL, 0, {}, "amount"), (K.MANUAL, 5_00, {"reason": " "}, "reason"),
        (K.MANUAL, 5_00, {"reason": "x" * 501}, "reason"), (K.MANUAL, 5_00, {"note": "x" * 501}, "note"),
    ],
)  # fmt: skip
def test_what_cannot_be(
    place: tuple[UUID, UUID], kind: AdjustmentKind, minor: int, more: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        make(place, minor, kind, **more)
    assert list(refused.value.fields) == [field]


def test_who_may_not(place: tuple[UUID, UUID]) -> None:
    with pytest.raises(Forbidden):
        make(place, 5_00, actor=member(place[0], Role.OWNER))
    with pytest.raises(NotFound):
        make((organization("other"), place[1]), 5_00)
    with unit_of_work(PLATFORM) as session, pytest.raises(NotFound):
        adjustments.add_note(session, operator(), place[0], "of nothing")

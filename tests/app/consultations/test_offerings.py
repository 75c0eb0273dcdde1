"""The platform's price list, consultants' own offerings, who shares them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.consultations import offerings
from app.consultations.offerings import OfferingForm
from app.consultations.states import OfferingKind, Practice
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from tests.app.consultations import making
from tests.factories import consultations, organizations

FORM = OfferingForm(OfferingKind.CONSULTATION, "Review of a menu", 45, Money(120_00, "EUR"))


@pytest.fixture
def house(database_url: str) -> UUID:
    return consultations.house()


def test_the_platform_has_three_lengths(house: UUID) -> None:
    for _again in range(2):
        with unit_of_work(Scope.public()) as session:
            found = offerings.sessions(session)
        assert [(one.duration_minutes, one.price) for one in found] == [
            (15, Money(900, "USD")), (30, Money(1900, "USD")), (60, Money(3500, "USD")),
        ]  # fmt: skip
        assert {one.organization_id for one in found} == {house}


def test_without_a_house_there_is_nothing_to_book(database_url: str) -> None:
    with unit_of_work(Scope.public()) as session:
        assert offerings.sessions(session) == []


def test_own_offerings(house: UUID) -> None:
    payee_id = making.consultant(house)
    me = making.actor_of(payee_id)
    with unit_of_work(Scope.payee(payee_id)) as session:
        made = offerings.create(session, me, payee_id, FORM)
        assert (made.price, made.version, made.organization_id) == (FORM.price, 1, house)
        offerings.edit(session, me, payee_id, made.id, replace(FORM, title="Review of two menus"))
        assert made.version == 1
        offerings.edit(session, me, payee_id, made.id, replace(FORM, price=Money(150_00, "EUR")))
        assert made.version == 2
    with unit_of_work(Scope.public()) as session:
        assert [one.id for one in offerings.bookable(session, payee_id, Practice.CONSULTANT)] == [made.id]
        assert len(offerings.bookable(session, payee_id, Practice.ADVISOR)) == 4
    with unit_of_work(Scope.payee(payee_id)) as session:
        offerings.end(session, me, payee_id, made.id)
        offerings.end(session, me, payee_id, made.id)
        with pytest.raises(Conflict, match="ended"):
            offerings.edit(session, me, payee_id, made.id, FORM)
        assert offerings.bookable(session, payee_id, Practice.CONSULTANT) == []
        assert [one.id for one in offerings.own(session, payee_id)] == [made.id]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "  "}, "title"),
        ({"duration_minutes": 4}, "duration_minutes"),
        ({"price": Money(0, "EUR")}, "price"),
        ({"kind": OfferingKind.SESSION}, "kind"),
        ({"kind": OfferingKind.WEBINAR}, "starts_at"),
        ({"kind": OfferingKind.CLASS, "starts_at": utc_now() - timedelta(days=1)}, "starts_at"),
        ({"kind": OfferingKind.CLASS, "capacity": 0, "starts_at": utc_now() + timedelta(days=1)}, "capacity"),
    ],
)
def test_wrong_ones_say_which_field(house: UUID, change: dict[str, object], field: str) -> None:
    payee_id = making.consultant(house)
    with unit_of_work(Scope.payee(payee_id)) as session, pytest.raises(Invalid) as refused:
        offerings.create(session, making.actor_of(payee_id), payee_id, replace(FORM, **change))  # type: ignore[arg-type]
    assert field in refused.value.fields


def test_others_change_nothing(house: UUID) -> None:
    payee_id, other = making.consultant(house), making.consultant(house, "Somebody Else")
    with unit_of_work(Scope.payee(payee_id)) as session:
        made = offerings.create(session, making.actor_of(payee_id), payee_id, FORM)
    with unit_of_work(Scope.payee(other)) as session:
        with pytest.raises(Forbidden):
            offerings.end(session, making.actor_of(other), payee_id, made.id)
        with pytest.raises(NotFound):
            offerings.end(session, making.actor_of(other), other, made.id)
        with pytest.raises(Forbidden):
            offerings.create(session, Actor("C", "client"), payee_id, FORM)


def test_a_doctor_prices_nothing(house: UUID) -> None:
    payee_id = making.consultant(house, practice=Practice.DOCTOR)
    with unit_of_work(Scope.payee(payee_id)) as session, pytest.raises(Invalid, match="Doctors"):
        offerings.create(session, making.actor_of(payee_id), payee_id, FORM)


def test_sharing_by_weight(house: UUID) -> None:
    payee_id, friend = making.consultant(house), making.consultant(house, "Ines Marques")
    elsewhere = making.consultant(organizations.organization("cambridge"), "Far Away")
    me = making.actor_of(payee_id)
    with unit_of_work(Scope.payee(payee_id)) as session:
        made = offerings.create(session, me, payee_id, FORM)
        offerings.share(session, me, payee_id, made.id, {"leila-haddad": 3, "ines-marques": 1})
        found = offerings.collaborators(session, made.id)
        assert [(one, weight) for one, _name, _slug, weight in found] == [(payee_id, 3), (friend, 1)]
        for wrong in ({"ines-marques": 1}, {"leila-haddad": 1, "far-away": 1}, {"leila-haddad": 0, "ines-marques": 1},
                      {"leila-haddad": 1, "nobody": 1}):  # fmt: skip
            with pytest.raises(Invalid):
                offerings.share(session, me, payee_id, made.id, wrong)
        assert elsewhere not in [one[0] for one in offerings.collaborators(session, made.id)]
        offerings.share(session, me, payee_id, made.id, {"leila-haddad": 1})
        assert offerings.collaborators(session, made.id) == []


def test_own_prices_of_an_advisor_are_premium(house: UUID) -> None:
    payee_id = making.consultant(house, practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session, pytest.raises(Forbidden, match="premium"):
        offerings.create(session, making.actor_of(payee_id), payee_id, FORM)
    making.premium(payee_id)
    with unit_of_work(Scope.payee(payee_id)) as session:
        offerings.create(session, making.actor_of(payee_id), payee_id, FORM)

"""What was booked stays with the department of that time, and its sums are those of the month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.consultations import usage
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus, PaidBy
from app.core import clock
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.organizations import service
from app.organizations.models import Member
from tests.app.consultations.making import NOON
from tests.app.consultations.test_credits import Place
from tests.factories import bookings, consultations, organizations

DAY = NOON.date()
OPERATOR = Actor("Tests", "operator")


def move(buyer: UUID, email: str, department: str | None) -> None:
    with unit_of_work(Scope.organization(buyer)) as session:
        member_id = session.scalars(select(Member.id).where(Member.email == email)).one()
        service.set_department(session, OPERATOR, buyer, member_id, department)


def rows(buyer: UUID, day: date = DAY, most: int = usage.MOST_DEPARTMENTS) -> list[tuple[object, ...]]:
    with unit_of_work(Scope.organization(buyer)) as session:
        found = usage.by_department(session, buyer, day, most)
        return [(row.department, row.rest, row.members, row.sessions, row.credits, row.minor) for row in found]


def test_a_booking_stays_with_the_department_of_its_time(database_url: str) -> None:
    place = Place()
    adam = place.learner("adam@client.test")
    move(place.buyer, "noor@client.test", "Engineering")
    first = place.book(place.noor, 0)
    move(place.buyer, "noor@client.test", "Alumni office")
    second = place.book(place.noor, 1)
    third = place.book(adam, 2)
    with unit_of_work(Scope.organization(place.buyer)) as session:
        kept = {row.id: row.department for row in session.scalars(select(Consultation))}
    assert kept == {first.id: "Engineering", second.id: "Alumni office", third.id: None}
    assert sorted(rows(place.buyer), key=str) == [
        ("Alumni office", False, 1, 1, 1, 0), ("Engineering", False, 1, 1, 1, 0), (None, False, 1, 1, 1, 0),
    ]  # fmt: skip
    with unit_of_work(Scope.organization(place.buyer)) as session:
        lines = usage.lines(session, place.buyer, DAY, department="Engineering").items
        none = usage.lines(session, place.buyer, DAY, department="").items
        (total,) = usage.totals(session, place.buyer, DAY, "Alumni office")
    assert [row.id for row in lines] == [first.id] and [row.id for row in none] == [third.id]
    assert (total.sessions, total.members) == (1, 1)


def test_departments_add_up_to_the_month_whatever_there_is(database_url: str) -> None:
    house = consultations.house()
    somebody = bookings.consultant(house)
    buyer = organizations.organization("buyers", currency="USD")
    ann, bob = bookings.client_account(), bookings.client_account("Bob", "bob@client.test")
    booked = (
        (ann, "Career services", 90_00, PaidBy.INVOICE), (bob, "Career services", 30_00, PaidBy.INVOICE),
        (ann, "Engineering", 50_00, PaidBy.INVOICE), (bob, None, 20_00, PaidBy.INVOICE),
        (bob, "Alumni office", 10_00, PaidBy.TAG), (ann, "Library", 5_00, PaidBy.INVOICE),
    )  # fmt: skip
    with clock.at(datetime(2026, 3, 2, tzinfo=UTC)):
        for n, (client, department, minor, paid_by) in enumerate(booked):
            made = bookings.booked(
                bookings.offering(house, somebody, minor), somebody, client, hours=48 + 24 * n, paid_by=paid_by,
                buyer=buyer, department=department,
            )  # fmt: skip
            bookings.advance(made.id, ConsultationStatus.BOOKED)
    march = date(2026, 3, 31)
    found = rows(buyer, march)
    assert found == [
        ("Career services", False, 2, 2, 0, 120_00), ("Engineering", False, 1, 1, 0, 50_00),
        (None, False, 1, 1, 0, 20_00), ("Library", False, 1, 1, 0, 5_00), ("Alumni office", False, 1, 1, 0, 0),
    ]  # fmt: skip
    folded = rows(buyer, march, most=2)
    assert folded[:2] == found[:2] and folded[2:] == [(None, True, 2, 3, 0, 25_00)]
    with unit_of_work(Scope.organization(buyer)) as session:
        (total,) = usage.totals(session, buyer, march)
    for table in (found, folded):
        sums = [sum(int(str(row[at])) for row in table) for at in (3, 4, 5)]
        assert sums == [total.sessions, total.credits, total.minor] == [6, 0, 195_00]
    assert rows(buyer, march + timedelta(days=1)) == []

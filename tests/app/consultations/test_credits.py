"""Booking by seat credit: the oldest first, none twice, back when the rules say so, and the books all the way."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.billing.models import CreditUse, SeatPack
from app.billing.states import PackStatus
from app.charges.states import ReturnKind
from app.consultations import booking, hours, money
from app.consultations.models import Consultation
from app.consultations.profile_models import Offering
from app.consultations.states import CancelledBy, PaidBy, Practice
from app.consultations.states import ConsultationStatus as S
from app.core import clock
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.notify.models import Mail
from app.organizations.states import Role
from app.reporting import doctor
from jobs import credits as jobs
from tests.app.consultations import making
from tests.app.consultations.making import NOON
from tests.factories import consultations, people
from tests.factories import credits as make
from tests.factories.people import PLATFORM

BOUGHT = NOON - timedelta(days=20)
EARLY = NOON - timedelta(days=2)
LATE = NOON - timedelta(hours=3)


class Place:
    """An advisor who is always there, an organization with a pack of five half hours, and a learner of it."""

    def __init__(self) -> None:
        house = consultations.house()
        self.payee_id = making.consultant(house, practice=Practice.ADVISOR)
        with unit_of_work(Scope.payee(self.payee_id)) as session:
            hours.set_week(
                session, making.actor_of(self.payee_id), self.payee_id, {d: [(0, 1440)] for d in range(7)}, "UTC"
            )
        with unit_of_work(PLATFORM) as session:
            booking.offerings.seed_sessions(session)
            self.what = next(one for one in booking.offerings.sessions(session) if one.duration_minutes == 30)
        self.buyer = make.buyer()
        self.owner = make.owner(self.buyer)
        self.pack = self.buy()
        self.noor = self.learner("noor@client.test")

    def buy(self, number: int = 5, days: int = 0) -> SeatPack:
        with clock.at(BOUGHT + timedelta(days=days)):
            return make.pack(self.owner, self.what, number)

    def learner(self, email: str) -> Actor:
        people.member(self.buyer, Role.LEARNER, email)
        return making.client(email)

    def book(self, who: Actor | None = None, after: int = 0) -> Consultation:
        who = who or self.noor
        assert who.account_id is not None
        with clock.at(EARLY), unit_of_work(Scope.client(who.account_id)) as session:
            return booking.book(
                session, who, payee_id=self.payee_id, offering_id=self.what.id,
                starts_at=NOON + timedelta(minutes=30 * after), client_time_zone="UTC", locale="en_US",
                paid_by=PaidBy.CREDIT, buyer_organization_id=self.buyer,
            )  # fmt: skip

    def prices(self, minor: int) -> None:
        with unit_of_work(PLATFORM) as session:
            session.get_one(Offering, self.what.id).price_minor = minor


@pytest.fixture
def place(database_url: str) -> Place:
    return Place()


def books(account: str) -> int:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT coalesce(-sum(amount_minor), 0) FROM ledger_lines WHERE account = :account")
        return int(session.execute(query, {"account": account}).scalar_one())


def uses() -> list[tuple[UUID, int, bool]]:
    """Pack, number and whether it is back, in the order of taking."""
    with unit_of_work(PLATFORM) as session:
        rows = session.scalars(select(CreditUse).where(CreditUse.consultation_id.is_not(None)).order_by(CreditUse.id))
        return [(row.pack_id, row.ordinal, row.returned_at is not None) for row in rows]


def cancel(made: Consultation, now: object = EARLY, by: CancelledBy = CancelledBy.CLIENT) -> None:
    with clock.at(now), unit_of_work(PLATFORM) as session:  # type: ignore[arg-type]
        booking.cancel(session, SYSTEM, made.id, by)


def healthy() -> None:
    with unit_of_work(PLATFORM) as session:
        assert [one for one in doctor.examine(session) if not one.code.startswith("outbox")] == []


def test_a_credit_books_at_once_and_the_consultant_earns_as_ever(place: Place) -> None:
    made = place.book()
    assert (made.status, made.price_minor, made.list_minor, made.consultant_minor) == (S.BOOKED, 19_00, 19_00, 13_30)
    assert uses() == [(place.pack.id, 1, False)]
    assert (books("prepaid_credits"), books("payee_held"), books("platform_revenue")) == (76_00, 13_30, 5_70)
    with unit_of_work(PLATFORM) as session:
        assert "consultation_booked" in {mail.template for mail in session.scalars(select(Mail))}
        booking.confirm(session, SYSTEM, made.id)  # the job of the paid booking comes later
    healthy()


def test_what_the_pack_was_cheaper_is_the_platforms(place: Place) -> None:
    cancel(place.book())
    place.buy(25, days=-1)  # paid first, so it ends first
    made = place.book(after=1)
    assert (made.price_minor, made.list_minor, made.consultant_minor) == (17_10, 19_00, 13_30)
    assert books("promotions") == -1_90
    healthy()


def test_the_list_price_may_change_meanwhile(place: Place) -> None:
    place.prices(25_00)
    made = place.book()
    assert (made.price_minor, made.list_minor, made.consultant_minor) == (19_00, 25_00, 17_50)
    place.prices(10_00)
    made = place.book(after=1)  # what was paid is what is shared
    assert (made.price_minor, made.list_minor, made.consultant_minor) == (19_00, 19_00, 13_30)
    healthy()


def test_the_oldest_pack_first_until_none_is_left(place: Place) -> None:
    older = place.buy(days=-3)
    for slot in range(10):
        place.book(after=slot)
    assert [pack for pack, _, _ in uses()] == [older.id] * 5 + [place.pack.id] * 5
    assert [number for _, number, _ in uses()] == [1, 2, 3, 4, 5] * 2
    with pytest.raises(Conflict, match="no credit left"):
        place.book(after=10)
    assert books("prepaid_credits") == 0
    healthy()


def test_of_two_at_once_one_gets_the_last_credit(place: Place) -> None:
    for slot in range(4):
        place.book(after=slot)
    people_ = [place.noor, *(place.learner(f"c{n}@client.test") for n in range(3))]
    start, results = threading.Barrier(len(people_)), []

    def one(who: Actor, slot: int) -> None:
        start.wait()
        try:
            results.append(place.book(who, after=slot).status)
        except Conflict as refused:
            results.append(refused.message)

    threads = [threading.Thread(target=one, args=(who, 6 + n)) for n, who in enumerate(people_)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(S.BOOKED) == 1 and len({*results}) == 2
    assert len(uses()) == 5
    healthy()


@pytest.mark.parametrize(("by", "now"), [(CancelledBy.CLIENT, EARLY), (CancelledBy.CONSULTANT, LATE)])
def test_in_time_the_credit_is_back_and_used_again(place: Place, by: CancelledBy, now: object) -> None:
    made = place.book()
    for _ in range(2):
        cancel(made, now, by)
    assert uses() == [(place.pack.id, 1, True)]
    assert (books("prepaid_credits"), books("cash"), books("payee_held"), books("platform_revenue")) == (
        95_00,
        -95_00,
        0,
        0,
    )
    place.book(after=1)
    assert uses()[1] == (place.pack.id, 1, False)
    healthy()


def test_too_late_and_absent_keep_it_used(place: Place) -> None:
    cancel(place.book(), LATE)
    made = place.book(after=1)
    with clock.at(NOON + timedelta(hours=1)), unit_of_work(PLATFORM) as session:
        booking.no_show(session, SYSTEM, made.id, CancelledBy.CLIENT)
    assert [back for _, _, back in uses()] == [False, False] and books("prepaid_credits") == 57_00
    with clock.at(NOON + timedelta(hours=1)), unit_of_work(PLATFORM) as session:
        booking.no_show(session, SYSTEM, made.id, CancelledBy.CONSULTANT)  # it was the other way round
    assert [back for _, _, back in uses()] == [False, True] and books("prepaid_credits") == 76_00
    healthy()


def test_a_credit_that_comes_back_after_the_end_has_30_days(place: Place) -> None:
    made = place.book()
    later = BOUGHT + timedelta(days=370)
    with clock.at(later):
        jobs.once_a_day()
    assert books("prepaid_credits") == 0
    cancel(made, later, CancelledBy.PLATFORM)
    with unit_of_work(PLATFORM) as session:
        pack = session.get_one(SeatPack, place.pack.id)
        assert (pack.status, pack.expires_on) == (PackStatus.ACTIVE, later.date() + timedelta(days=30))
    assert books("prepaid_credits") == 19_00
    healthy()
    with clock.at(later + timedelta(days=31)):
        jobs.once_a_day()
    assert books("prepaid_credits") == 0
    healthy()


def test_half_a_credit_does_not_go_back(place: Place) -> None:
    made = place.book()
    with pytest.raises(Invalid, match="goes back whole"), unit_of_work(PLATFORM) as session:
        money.give_back(
            session, SYSTEM, made.id, amount=Money(5_00, "USD"), kind=ReturnKind.REFUND, reason="because"
        )  # fmt: skip


def test_who_is_no_member_or_has_left_uses_none(place: Place) -> None:
    with pytest.raises(Invalid, match="no member"):
        place.book(making.client("stranger@client.test"))


def test_nothing_is_taken_when_the_time_is_taken(place: Place) -> None:
    place.book()
    with pytest.raises(Conflict, match="taken"):
        place.book(place.learner("sam@client.test"))
    assert len(uses()) == 1 and place.pack.expires_on > date(2027, 1, 1)

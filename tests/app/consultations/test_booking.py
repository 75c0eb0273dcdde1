"""Booking: what can be booked, nobody twice, and the way from kept to paid, moved, held or called off."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.consultations import booking, hours, offerings, rooms
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile, Offering
from app.consultations.states import CancelledBy, OfferingKind, PaidBy, Practice
from app.consultations.states import ConsultationStatus as S
from app.core import clock
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.notify.models import Mail
from app.organizations.models import Organization
from app.organizations.states import BillingMode, Role
from tests.app.consultations import making
from tests.app.consultations.making import NOON
from tests.factories import consultations, organizations, people
from tests.factories.people import PLATFORM

SUNDAY = NOON - timedelta(days=2)


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    """An advisor who is there on Mondays from 10:00 to 16:00 UTC."""
    payee_id = making.consultant(consultations.house(), practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {0: [(600, 960)]}, "UTC")
    return payee_id


def _session_offering(minutes: int = 30) -> UUID:
    with unit_of_work(PLATFORM) as session:
        return next(one.id for one in offerings.sessions(session) if one.duration_minutes == minutes)


def _book(
    payee_id: UUID, who: Actor, starts_at: datetime = NOON, *, now: datetime = SUNDAY, **more: Any
) -> Consultation:
    more = {"offering_id": more.pop("offering_id", None) or _session_offering(), "client_time_zone": "Europe/Berlin",
            "locale": "en_US", **more}  # fmt: skip
    assert who.account_id is not None
    with clock.at(now), unit_of_work(Scope.client(who.account_id)) as session:
        return booking.book(session, who, payee_id=payee_id, starts_at=starts_at, **more)


def _confirm(consultation_id: UUID, now: datetime = SUNDAY) -> Consultation:
    with clock.at(now), unit_of_work(PLATFORM) as session:
        return booking.confirm(session, SYSTEM, consultation_id)


def _status(consultation_id: UUID) -> S:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Consultation, consultation_id).status


def _mails() -> dict[str, Mail]:
    with unit_of_work(PLATFORM) as session:
        return {mail.template: mail for mail in session.scalars(select(Mail))}


def test_a_booking_keeps_price_and_split(payee_id: UUID) -> None:
    made = _book(payee_id, making.client("noor.rahimi@client.test"))
    assert (made.status, made.price_minor, made.ends_at) == (S.PENDING, 1900, NOON + timedelta(minutes=30))
    assert (made.platform_minor, made.organization_minor, made.consultant_minor) == (570, 0, 1330)
    assert made.pricing["list_minor"] == 1900
    assert made.clock_at == made.starts_at
    confirmed = _confirm(made.id)
    assert confirmed.status is S.BOOKED
    assert (confirmed.video_url or "").startswith("https://")
    assert _confirm(made.id).version == confirmed.version


def test_both_are_told_on_their_own_clock(payee_id: UUID) -> None:
    making.people_of(payee_id, "leila@consultant.test")
    _confirm(_book(payee_id, making.client()).id)
    mails = _mails()
    assert mails["consultation_booked"].to_address == "noor@client.test"
    assert mails["consultation_booked"].context["starts"].endswith("1:00\u202fPM (Europe/Berlin)")
    assert mails["consultation_new"].to_address == "leila@consultant.test"
    assert "noor@" not in str(mails["consultation_new"].context)


@pytest.mark.parametrize(
    "starts_at",
    [NOON.replace(hour=9), NOON.replace(hour=15, minute=45), NOON.replace(minute=10), NOON + timedelta(days=1),
     SUNDAY - timedelta(days=5), NOON + timedelta(days=91)],
)  # fmt: skip
def test_only_free_times(payee_id: UUID, starts_at: datetime) -> None:
    with pytest.raises(Conflict, match="taken"):
        _book(payee_id, making.client(), starts_at)


def test_what_cannot_be_booked(payee_id: UUID) -> None:
    noor = making.client()
    with pytest.raises(NotFound):
        _book(payee_id, noor, offering_id=UUID(int=1))
    with pytest.raises(NotFound):
        _book(making.consultant(organizations.organization("cambridge"), "Some One"), noor)
    with pytest.raises(Invalid):
        _book(payee_id, noor, client_time_zone="Atlantis")
    with pytest.raises(Invalid, match="no member"):
        _book(payee_id, noor, paid_by=PaidBy.CREDIT, buyer_organization_id=UUID(int=1))
    with pytest.raises(Forbidden):
        _book(payee_id, Actor("A", "payee", noor.account_id))
    for field, refusal in (("accepting", Conflict), ("listed", NotFound)):
        with unit_of_work(PLATFORM) as session:
            profile = session.scalars(select(ConsultantProfile).where(ConsultantProfile.payee_id == payee_id)).one()
            setattr(profile, field, False)
        with pytest.raises(refusal):
            _book(payee_id, noor)


def test_an_organization_is_named_by_its_members_only(payee_id: UUID) -> None:
    invoiced = {"billing_mode": BillingMode.INVOICED_MONTHLY}
    buyer, noor = organizations.organization("buyers", **invoiced), making.client()
    with pytest.raises(Invalid, match="no member"):
        _book(payee_id, noor, paid_by=PaidBy.TAG, buyer_organization_id=buyer)
    people.member(buyer, Role.LEARNER, "noor@client.test")
    made = _book(payee_id, noor, paid_by=PaidBy.TAG, buyer_organization_id=buyer)
    assert made.buyer_organization_id == buyer
    half, later = NOON + timedelta(minutes=30), NOON + timedelta(minutes=60)
    people.member(buyer, Role.MANAGER, "sam@client.test")
    sam = making.client("sam@client.test")
    with pytest.raises(Conflict, match=r"\$0\.00 is left, \$19\.00 is needed"):
        _book(payee_id, sam, half, paid_by=PaidBy.INVOICE, buyer_organization_id=buyer)
    organizations.credit(buyer, 19_00, "USD")
    assert _book(payee_id, sam, half, paid_by=PaidBy.INVOICE, buyer_organization_id=buyer).paid_by is PaidBy.INVOICE
    with pytest.raises(Invalid, match="does not pay by seat credits"):
        _book(payee_id, sam, later, paid_by=PaidBy.CREDIT, buyer_organization_id=buyer)
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, buyer).billing_mode = BillingMode.TAG_ONLY
    with pytest.raises(Invalid, match="from its funds"):
        _book(payee_id, sam, later, paid_by=PaidBy.INVOICE, buyer_organization_id=buyer)


def test_the_second_is_told_it_is_taken(payee_id: UUID) -> None:
    _book(payee_id, making.client())
    with pytest.raises(Conflict, match="taken"):
        _book(payee_id, making.client("sam@client.test"), NOON + timedelta(minutes=0))


def test_of_two_at_once_one_gets_it(payee_id: UUID) -> None:
    clients, offering = [making.client(f"c{n}@client.test") for n in range(4)], _session_offering()
    start, results = threading.Barrier(len(clients)), []

    def one(who: Actor) -> None:
        start.wait()
        try:
            results.append(_book(payee_id, who, offering_id=offering).id)
        except Conflict as refused:
            results.append(refused)

    threads = [threading.Thread(target=one, args=(who,)) for who in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, UUID) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == len(clients) - 1


def test_the_database_refuses_what_two_transactions_write(payee_id: UUID) -> None:
    """Without our lock: the second waits for the first's commit and is refused by the exclusion constraint."""
    noor, refused = making.client(), []

    def second() -> None:
        try:
            making.consultation(payee_id, noor, S.BOOKED, NOON + timedelta(minutes=30))
        except IntegrityError as error:
            refused.append("ex_consultations_time" in str(error.orig))

    with unit_of_work(PLATFORM) as session:
        making.write_consultation(session, payee_id, noor, S.BOOKED, NOON)
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()  # it waits for us
    thread.join()
    assert refused == [True]


def test_nobody_paid_so_the_time_is_free_again(payee_id: UUID) -> None:
    noor, sam, later = making.client(), making.client("sam@client.test"), SUNDAY + timedelta(minutes=16)
    first = _book(payee_id, noor)
    second = _book(payee_id, sam, now=later)
    assert _status(first.id) is S.EXPIRED
    _confirm(second.id, later)
    late = _confirm(first.id, later)  # the card was charged after all
    assert (late.status, late.cancelled_by) == (S.CANCELLED, CancelledBy.PLATFORM)
    with clock.at(later), unit_of_work(PLATFORM) as session:
        assert booking.expire_unpaid(session) == 0


def test_paid_late_but_still_free(payee_id: UUID) -> None:
    first = _book(payee_id, making.client())
    with clock.at(SUNDAY + timedelta(hours=1)), unit_of_work(PLATFORM) as session:
        assert booking.expire_unpaid(session) == 1
    assert _confirm(first.id, SUNDAY + timedelta(hours=1)).status is S.BOOKED


def test_nobody_keeps_a_whole_day(payee_id: UUID) -> None:
    noor = making.client()
    for half in range(booking.MOST_UNPAID):
        _book(payee_id, noor, NOON + timedelta(minutes=30 * half))
    with pytest.raises(Conflict, match="several times"):
        _book(payee_id, noor, NOON - timedelta(hours=1))


def test_places_of_a_webinar(payee_id: UUID) -> None:
    making.premium(payee_id)
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        form = offerings.OfferingForm(
            OfferingKind.WEBINAR, "Menus", 60, offerings.Money(1000, "USD"), capacity=1, starts_at=NOON
        )
        offering: Offering = offerings.create(session, making.actor_of(payee_id), payee_id, form)
    noor = making.client()
    made = _book(payee_id, noor, NOON + timedelta(days=300), offering_id=offering.id)
    assert made.starts_at == NOON
    with pytest.raises(Conflict, match="places"):
        _book(payee_id, making.client("sam@client.test"), offering_id=offering.id)
    with pytest.raises(Conflict, match="taken"):
        _book(payee_id, noor)  # the consultant is busy with it


def test_all_of_a_webinar_meet_in_one_room(payee_id: UUID) -> None:
    making.premium(payee_id)
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        form = offerings.OfferingForm(
            OfferingKind.WEBINAR, "Menus", 60, offerings.Money(1000, "USD"), capacity=3, starts_at=NOON
        )
        offering: Offering = offerings.create(session, making.actor_of(payee_id), payee_id, form)
    clients = [making.client(f"{name}@client.test") for name in ("noor", "sam", "ada")]
    first, second, third = (_book(payee_id, one, offering_id=offering.id) for one in clients)
    assert _confirm(first.id).video_url == _confirm(second.id).video_url
    with clock.at(SUNDAY), unit_of_work(Scope.payee(payee_id)) as session:
        rooms.set_video(session, making.actor_of(payee_id), second.id, "https://rooms.test/menus")
        shown = {one.id for one in offerings.bookable(session, payee_id, Practice.CONSULTANT)}
        assert offering.id not in shown  # all places are taken
    assert _confirm(third.id).video_url == "https://rooms.test/menus"
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Consultation, first.id).video_url == "https://rooms.test/menus"


def test_moving(payee_id: UUID) -> None:
    noor = making.client()
    made = _book(payee_id, noor)
    assert noor.account_id is not None
    scope = Scope.client(noor.account_id)
    with clock.at(SUNDAY), unit_of_work(scope) as session, pytest.raises(Conflict, match="booked"):
        booking.reschedule(session, noor, made.id, NOON + timedelta(hours=1))
    _confirm(made.id)
    with clock.at(SUNDAY), unit_of_work(scope) as session:
        moved = booking.reschedule(session, noor, made.id, NOON + timedelta(minutes=30))
        assert (moved.starts_at, moved.clock_at) == (NOON + timedelta(minutes=30), NOON + timedelta(minutes=30))
        with pytest.raises(Conflict, match="taken"):
            booking.reschedule(session, noor, made.id, NOON + timedelta(days=1))
    with clock.at(NOON - timedelta(hours=4)), unit_of_work(scope) as session:
        late = booking.reschedule(session, noor, made.id, NOON + timedelta(days=7))
        assert late.clock_at == NOON + timedelta(minutes=30)
    sam = making.client("sam@client.test")
    assert sam.account_id is not None
    with unit_of_work(Scope.client(sam.account_id)) as session, pytest.raises(NotFound):
        booking.reschedule(session, sam, made.id, NOON)
    assert "consultation_moved" in _mails()

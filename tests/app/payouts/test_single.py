"""Withdrawals and single payouts: asking, four eyes, holds, retries."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition
from app.core.money import Money
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.payouts import service
from app.payouts.states import HoldCode, PayoutStatus
from app.rails.base import Outcome
from app.reporting import doctor
from jobs import payouts as jobs
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")


def withdraw(place: Shop, amount: int | None = None, payee: int = 0) -> UUID:
    payee_id = place.payee_ids[payee]
    with unit_of_work(Scope.payee(payee_id)) as session:
        money = None if amount is None else Money(amount, "GBP")
        made = service.withdraw(
            session, make.payee_actor(payee_id), organization_id=place.organization_id, currency="GBP", amount=money
        )
        return made.id


def items(payout_id: UUID) -> list[int]:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT amount_minor FROM payout_items WHERE payout_id = :id ORDER BY amount_minor")
        return list(session.execute(query, {"id": payout_id}).scalars())


def approve(payout_id: UUID, *people: Actor) -> list[str]:
    notes = []
    for person in people:
        with unit_of_work(PLATFORM) as session:
            (outcome,) = service.approve(session, person, [payout_id])
            notes.append(outcome.refused or outcome.note)
    return notes


def status(payout_id: UUID) -> PayoutStatus:
    with unit_of_work(PLATFORM) as session:
        return service.get(session, payout_id).status


def test_a_part_takes_credits_and_the_oldest_first() -> None:
    place = make.shop(1)
    make.earn(place, 30_00, 40_00, -10_00, 50_00)
    first = withdraw(place, 45_00)
    assert items(first) == [-10_00, 25_00, 30_00]
    assert make.balances(place) == {"payee_available": 65_00, "payee_in_transit": 45_00}
    rest = withdraw(place)
    assert items(rest) == [15_00, 50_00]
    assert make.balances(place) == {"payee_in_transit": 110_00}


@pytest.mark.parametrize("amount", [0, -1, 60_01])
def test_more_than_is_ready_is_refused_and_nothing_is_written(amount: int) -> None:
    place = make.shop(1)
    make.earn(place, 60_00)
    with pytest.raises(Invalid, match=r"60\.00 GBP"):
        withdraw(place, amount)
    assert make.balances(place) == {"payee_available": 60_00}


def test_nobody_withdraws_for_somebody_else() -> None:
    place = make.shop(2)
    make.earn(place, 60_00, payee=0)
    stranger = make.payee_actor(place.payee_ids[1])
    with pytest.raises(Invalid), unit_of_work(Scope.payee(place.payee_ids[1])) as session:
        service.withdraw(session, stranger, organization_id=place.organization_id, currency="GBP")
    manager = Actor("Manager", "ORG_MANAGER", organization_id=place.organization_id)
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(place.organization_id)) as session:
        service.withdraw(session, manager, organization_id=place.organization_id, currency="GBP")


def test_without_a_method_nothing_is_reserved() -> None:
    place = make.shop(1)
    make.earn(place, 60_00)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE methods SET status = 'disabled'"))
    with pytest.raises(Invalid, match="method"):
        withdraw(place)
    assert make.balances(place) == {"payee_available": 60_00}


def test_large_payouts_need_two_people_and_one_person_counts_once() -> None:
    place = make.shop(1, funds=50_000_00)
    make.earn(place, 10_000_01)
    payout_id = withdraw(place)
    first, second = make.admin("a@quittance.test"), make.admin("b@quittance.test")
    assert approve(payout_id, first, first) == [
        "needs a second approval",
        "You approved this payout already; somebody else has to be second.",
    ]
    assert status(payout_id) is PayoutStatus.PENDING
    assert approve(payout_id, second) == ["approved"]
    assert status(payout_id) is PayoutStatus.APPROVED


def test_an_approval_of_other_content_does_not_count(superuser) -> None:
    place = make.shop(1, funds=50_000_00)
    make.earn(place, 10_000_01)
    payout_id = withdraw(place)
    first, second = make.admin("a@quittance.test"), make.admin("b@quittance.test")
    approve(payout_id, first)
    superuser.execute("UPDATE methods SET details_index = 'another account'")
    assert approve(payout_id, second) == ["needs a second approval"]


def test_a_payee_or_manager_cannot_approve() -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    payout_id = withdraw(place)
    for actor, scope in (
        (make.payee_actor(place.payee_ids[0]), Scope.payee(place.payee_ids[0])),
        (Actor("M", "ORG_OWNER", organization_id=place.organization_id), Scope.organization(place.organization_id)),
    ):
        with pytest.raises(Forbidden), unit_of_work(scope) as session:
            service.approve(session, actor, [payout_id])


def test_hold_and_release_need_a_new_approval() -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    payout_id = withdraw(place)
    person = make.admin("a@quittance.test")
    assert approve(payout_id, person) == ["approved"]
    with unit_of_work(PLATFORM) as session:
        service.hold(session, person, payout_id, "Name looks odd")
    with unit_of_work(PLATFORM) as session:
        held = service.get(session, payout_id)
        assert (held.status, held.hold_code) == (PayoutStatus.ON_HOLD, HoldCode.REVIEW)
        service.release(session, person, payout_id)
    assert status(payout_id) is PayoutStatus.PENDING
    assert approve(payout_id, person) == ["approved"]
    assert make.funds_left(place) == 10_000_00 - 10_00  # drawn once


def test_reject_needs_a_reason_and_gives_the_money_back() -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    payout_id = withdraw(place)
    person = make.admin("a@quittance.test")
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        service.reject(session, person, payout_id, "  ")
    with unit_of_work(PLATFORM) as session:
        service.reject(session, person, payout_id, "Twice the same bill")
    assert make.balances(place) == {"payee_available": 10_00}
    with pytest.raises(InvalidTransition), unit_of_work(PLATFORM) as session:
        service.reject(session, person, payout_id, "again")


def test_bulk_reports_each_one() -> None:
    place = make.shop(2)
    make.earn(place, 10_00, payee=0)
    make.earn(place, 10_00, payee=1)
    one, two = withdraw(place, payee=0), withdraw(place, payee=1)
    person = make.admin("a@quittance.test")
    approve(one, person)
    with unit_of_work(PLATFORM) as session:
        outcomes = service.bulk(session, person, [one, two], "reject", "No")
    assert {o.payout_id: o.refused is None for o in outcomes} == {one: False, two: True}
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        service.bulk(session, person, [one], "explode")


def test_retry_is_refused_when_the_money_went_elsewhere() -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    payout_id = withdraw(place)
    person = make.admin("a@quittance.test")
    approve(payout_id, person)
    with fake_rail() as rail:
        rail.reject_with = "The account is closed."
        jobs.send([payout_id])
    assert status(payout_id) is PayoutStatus.FAILED
    withdraw(place)
    with pytest.raises(Conflict, match="another payout"), unit_of_work(PLATFORM) as session:
        service.retry(session, person, payout_id)


def test_a_retry_of_half_an_earning_leaves_the_other_half() -> None:
    place, person = make.shop(1), make.admin("a@quittance.test")
    make.earn(place, 10_00)
    payout_id = withdraw(place, 5_00)
    approve(payout_id, person)
    with fake_rail() as rail:
        rail.reject_with = "The account is closed."
        jobs.send([payout_id])
    with unit_of_work(PLATFORM) as session:
        service.retry(session, person, payout_id)
        assert doctor.examine(session) == []
    assert items(withdraw(place)) == [5_00]


def test_lost_reply_never_pays_twice() -> None:
    """The rail paid but its answer was lost: the next run finds that payment and settles it."""
    place = make.shop(1)
    make.earn(place, 10_00)
    payout_id = withdraw(place)
    approve(payout_id, make.admin("a@quittance.test"))
    with fake_rail(outcome=Outcome.PAID) as rail:
        rail.lose_replies = 1
        with pytest.raises(Exception, match="reply was lost"):
            jobs.send([payout_id])
        assert status(payout_id) is PayoutStatus.PROCESSING
        jobs.send([payout_id])
        jobs.send([payout_id])
        assert rail.calls == 1
    assert status(payout_id) is PayoutStatus.PAID
    assert make.balances(place) == {}


def test_lost_request_is_sent_again_under_the_same_key() -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    payout_id = withdraw(place)
    approve(payout_id, make.admin("a@quittance.test"))
    with fake_rail(outcome=Outcome.PAID) as rail:
        rail.drop_requests = 1
        with pytest.raises(Exception, match="request was lost"):
            jobs.send([payout_id])
        jobs.send([payout_id])
        assert list(rail.orders) == [f"{payout_id.hex}-a1"]
    assert status(payout_id) is PayoutStatus.PAID


def test_an_event_that_overtakes_the_answer() -> None:
    from app.core.scope import SYSTEM
    from app.payouts import settling
    from app.payouts.settling import News
    from app.rails.base import Result

    place = make.shop(1)
    make.earn(place, 10_00)
    payout_id = withdraw(place)
    approve(payout_id, make.admin("a@quittance.test"))

    def event_first(orders) -> None:
        with unit_of_work(PLATFORM) as session:
            settling.apply(session, SYSTEM, [News(Result(o.key, Outcome.PAID, "r"), "event") for o in orders])

    with fake_rail() as rail:
        rail.before_reply.append(event_first)
        jobs.send([payout_id])
    assert status(payout_id) is PayoutStatus.PAID
    assert make.balances(place) == {}


def test_one_of_two_simultaneous_withdrawals_wins() -> None:
    import threading

    place = make.shop(1)
    make.earn(place, 10_00)
    results: list[object] = []

    def ask() -> None:
        try:
            results.append(withdraw(place))
        except Invalid as refusal:
            results.append(refusal)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(r, UUID) for r in results) == 1
    assert make.balances(place) == {"payee_in_transit": 10_00}

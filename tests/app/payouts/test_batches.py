"""A batch from plan to done, and everything that may stand in its way."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, InvalidTransition
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.payouts import batches, planning, queries, service, settling
from app.payouts.settling import News
from app.payouts.states import BatchStatus, PayoutStatus
from app.rails.base import Outcome, Result
from jobs import payouts as jobs
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def maker(database_url: str) -> Actor:
    return make.admin("maker@quittance.test")


@pytest.fixture
def checker(database_url: str) -> Actor:
    return make.admin("checker@quittance.test")


def planned(place: Shop, maker: Actor) -> UUID:
    with unit_of_work(PLATFORM) as session:
        batch_id = batches.create(session, maker, place.organization_id).id
    jobs.plan_batch(str(batch_id), maker.label, str(maker.account_id))
    return batch_id


def approved(place: Shop, maker: Actor, checker: Actor) -> UUID:
    batch_id = planned(place, maker)
    with unit_of_work(PLATFORM) as session:
        batches.submit(session, maker, batch_id)
    with unit_of_work(PLATFORM) as session:
        batches.approve(session, checker, batch_id)
    return batch_id


def run(batch_id: UUID, actor: Actor) -> list[str]:
    """Start the run; returns the ids of its chunks (their jobs are not run)."""
    with unit_of_work(PLATFORM) as session:
        batches.run(session, actor, batch_id)
        rows = session.execute(
            text("SELECT id FROM batch_chunks WHERE batch_id = :id ORDER BY number"), {"id": batch_id}
        )
        return [str(chunk_id) for chunk_id in rows.scalars()]


def statuses(batch_id: UUID) -> list[str]:
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT status FROM payouts WHERE batch_id = :id ORDER BY id"), {"id": batch_id})
        return list(rows.scalars())


def settle_all(rail_keys: list[str], outcome: Outcome) -> None:
    with unit_of_work(PLATFORM) as session:
        news = [News(Result(key, outcome, f"ref-{key[-12:]}", message="no"), "event") for key in rail_keys]
        settling.apply(session, SYSTEM, news)


def test_a_batch_pays_every_payee_once(maker: Actor, checker: Actor) -> None:
    place = make.shop(5)
    for payee in range(5):
        make.earn(place, 100_00, 50_00, -20_00, payee=payee)
    batch_id = approved(place, maker, checker)
    assert make.funds_left(place) == 10_000_00 - 5 * 130_00
    with fake_rail() as rail:
        chunks = run(batch_id, checker)
        assert len(chunks) == 3  # five payouts in chunks of two
        for chunk_id in chunks:
            jobs.run_chunk(chunk_id)
        for chunk_id in chunks:
            jobs.run_chunk(chunk_id)  # again: nothing is left to do
        assert len(rail.orders) == 5 and rail.total_minor == 5 * 130_00
        assert rail.calls == 3
        settle_all(list(rail.orders), Outcome.PAID)
        settle_all(list(rail.orders), Outcome.PAID)
    assert statuses(batch_id) == ["paid"] * 5
    assert make.balances(place) == {}
    with unit_of_work(PLATFORM) as session:
        assert batches.get(session, batch_id).status is BatchStatus.DONE
        assert queries.batch_progress(session, batch_id).paid == 5


def test_preview_says_what_the_plan_does(maker: Actor) -> None:
    place = make.shop(4, funds=100_00)
    make.earn(place, 70_00, payee=0)
    make.earn(place, 60_00, payee=1)
    make.earn(place, 10_00, -30_00, payee=2)  # carried forward
    make.earn(place, 5_00, payee=3)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE methods SET status = 'disabled' WHERE payee_id = :id"), {"id": place.payee_ids[3]})
        seen = planning.preview(session, place.organization_id)
    assert [(r.rail, r.payees, r.amount_minor) for r in seen.rails] == [("simulated", 2, 130_00)]
    assert seen.funding[0].short == Money(30_00, "GBP")
    assert {row.blocked: row.payees for row in seen.blocked} == {"carried": 1, "no_method": 1}
    planned(place, maker)
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT amount_minor FROM payouts ORDER BY amount_minor")).scalars()
        assert list(rows) == [60_00, 70_00]
        left = session.execute(text("SELECT payee_id, sum(amount_minor) FROM ready_earnings GROUP BY 1")).all()
    assert {row[0] for row in left} == {place.payee_ids[2], place.payee_ids[3]}


def test_maker_and_submitter_may_not_approve(maker: Actor, checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    batch_id = planned(place, maker)
    with unit_of_work(PLATFORM) as session:
        batches.submit(session, checker, batch_id)
    for person in (maker, checker):
        with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
            batches.approve(session, person, batch_id)
    assert statuses(batch_id) == ["pending"]


def test_a_vendor_may_do_nothing_with_batches(maker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    batch_id = planned(place, maker)
    vendor = make.payee_actor(place.payee_ids[0])
    for verb in (batches.submit, batches.approve, batches.run, batches.pause):
        with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
            verb(session, vendor, batch_id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payouts SET amount_minor = amount_minor + 1",
        "UPDATE payout_items SET amount_minor = amount_minor + 1",
        "UPDATE payouts SET currency = 'USD'",
        "UPDATE methods SET details_index = 'another account'",
        "DELETE FROM payout_items",
    ],
)
def test_any_change_after_submission_voids_the_approval(maker: Actor, checker: Actor, superuser, change: str) -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    batch_id = planned(place, maker)
    with unit_of_work(PLATFORM) as session:
        batches.submit(session, maker, batch_id)
    superuser.execute(change)
    with pytest.raises(Conflict, match="changed"), unit_of_work(PLATFORM) as session:
        batches.approve(session, checker, batch_id)


def test_a_changed_destination_after_approval_is_not_sent(maker: Actor, checker: Actor, superuser) -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    batch_id = approved(place, maker, checker)
    superuser.execute("UPDATE methods SET details_index = 'another account'")
    with fake_rail() as rail:
        for chunk_id in run(batch_id, maker):
            jobs.run_chunk(chunk_id)
        assert rail.orders == {}
    assert statuses(batch_id) == ["on_hold"]


def test_what_funds_do_not_cover_waits_and_goes_on_when_they_arrive(maker: Actor, checker: Actor) -> None:
    place = make.shop(3, funds=100_00)
    for payee in range(3):
        make.earn(place, 45_00, payee=payee)
    batch_id = approved(place, maker, checker)
    assert sorted(statuses(batch_id)) == ["approved", "approved", "on_hold"]
    assert make.funds_left(place) == 10_00
    with fake_rail(outcome=Outcome.PAID) as rail:
        for chunk_id in run(batch_id, maker):
            jobs.run_chunk(chunk_id)
        assert sorted(statuses(batch_id)) == ["on_hold", "paid", "paid"]
        with unit_of_work(PLATFORM) as session:
            make.deposit(session, place.organization_id, Money(50_00, "GBP"))
        jobs.funds_arrived(str(place.organization_id))
        with unit_of_work(PLATFORM) as session:
            again = session.execute(text("SELECT id FROM batch_chunks WHERE done_at IS NULL")).scalars().all()
        for chunk_id in again:
            jobs.run_chunk(str(chunk_id))
        assert len(rail.orders) == 3
    assert statuses(batch_id) == ["paid"] * 3
    assert make.funds_left(place) == 15_00


def test_credit_limit_lets_funds_go_below_zero_and_no_further(maker: Actor, checker: Actor) -> None:
    place = make.shop(2, funds=0)
    make.credit_limit(place.organization_id, "GBP", 50_00)
    make.earn(place, 50_00, payee=0)
    make.earn(place, 1, payee=1)
    batch_id = approved(place, maker, checker)
    assert sorted(statuses(batch_id)) == ["approved", "on_hold"]
    assert make.funds_left(place) == -50_00


def test_cancel_gives_everything_back(maker: Actor, checker: Actor) -> None:
    place = make.shop(2, funds=30_00)
    make.earn(place, 20_00, payee=0)
    make.earn(place, 20_00, payee=1)
    batch_id = approved(place, maker, checker)
    with unit_of_work(PLATFORM) as session:
        batches.cancel(session, maker, batch_id, "wrong month")
    assert statuses(batch_id) == ["cancelled"] * 2
    assert make.funds_left(place) == 30_00
    assert make.balances(place, 0) == {"payee_available": 20_00}
    assert planned(place, maker) != batch_id  # and can be planned again


def test_two_batches_cannot_claim_the_same_earning(maker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    planned(place, maker)
    with pytest.raises(Conflict, match="Nothing is ready"), unit_of_work(PLATFORM) as session:
        batches.create(session, maker, place.organization_id)


def test_failure_returns_the_money_and_a_retry_pays_once(maker: Actor, checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 30_00, -5_00)
    batch_id = approved(place, maker, checker)
    with fake_rail() as rail:
        for chunk_id in run(batch_id, maker):
            jobs.run_chunk(chunk_id)
        (first,) = rail.orders
        settle_all([first], Outcome.FAILED)
        assert make.balances(place) == {"payee_available": 25_00}
        assert make.funds_left(place) == 10_000_00
        with unit_of_work(PLATFORM) as session:
            payout_id = session.execute(text("SELECT id FROM payouts")).scalar_one()
            service.retry(session, maker, payout_id)
        with unit_of_work(PLATFORM) as session:
            assert service.approve(session, maker, [payout_id])[0].refused  # it was theirs to begin with
            assert service.approve(session, checker, [payout_id])[0].note == "approved"
            assert service.send(session, maker, [payout_id])[0].refused is None
        jobs.send([payout_id])
        second = next(key for key in rail.orders if key != first)
        settle_all([first, second], Outcome.PAID)  # a late "paid" of the failed attempt changes nothing
        assert make.balances(place) == {}
        assert make.funds_left(place) == 10_000_00 - 25_00
    with unit_of_work(PLATFORM) as session:
        assert service.get(session, payout_id).status is PayoutStatus.PAID


def test_a_return_after_paid_is_a_new_posting(maker: Actor, checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 30_00)
    batch_id = approved(place, maker, checker)
    with fake_rail(outcome=Outcome.PAID) as rail:
        for chunk_id in run(batch_id, maker):
            jobs.run_chunk(chunk_id)
        settle_all(list(rail.orders), Outcome.RETURNED)
        settle_all(list(rail.orders), Outcome.RETURNED)
    assert statuses(batch_id) == ["returned"]
    assert make.balances(place) == {"payee_available": 30_00}
    assert make.funds_left(place) == 10_000_00


def test_a_return_that_overtakes_its_paid(maker: Actor, checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 30_00)
    batch_id = approved(place, maker, checker)
    with fake_rail() as rail:
        for chunk_id in run(batch_id, maker):
            jobs.run_chunk(chunk_id)
        settle_all(list(rail.orders), Outcome.RETURNED)
        settle_all(list(rail.orders), Outcome.PAID)
    assert statuses(batch_id) == ["failed"]
    assert make.balances(place) == {"payee_available": 30_00}


def test_states_refuse_what_they_do_not_allow(maker: Actor, checker: Actor) -> None:
    place = make.shop(1)
    make.earn(place, 10_00)
    batch_id = planned(place, maker)
    for verb in (batches.run, batches.pause):
        with pytest.raises(InvalidTransition), unit_of_work(PLATFORM) as session:
            verb(session, maker, batch_id)

"""Rails that dedupe whole calls, payouts that wait for the payee, events that only wake us, rails that are off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import at, utc_now
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.payouts import asking, settling
from app.payouts.settling import News
from app.payouts.states import PayoutStatus
from app.rails import registry
from app.rails.access import Mode, Standing
from app.rails.base import Limits, Outcome, RailEvent, RailUnavailable, Result, SendOrder
from app.webhooks import service as webhooks
from jobs import payouts as jobs
from tests.app.payouts.test_single import approve, status, withdraw
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.fakes.rail import FakeRail, fake_rail
from tests.jobs.test_payout_news import mails, run_all

pytestmark = pytest.mark.usefixtures("database_url")


def _approved(count: int) -> tuple[make.Shop, list[UUID]]:
    place = make.shop(count)
    person = make.admin("a@quittance.test")
    ids = []
    for payee in range(count):
        make.earn(place, 10_00, payee=payee)
        ids.append(withdraw(place, payee=payee))
        approve(ids[-1], person)
    return place, ids


class CallRail(FakeRail):
    """Knows calls, not orders: it can only be asked by making the same call again."""

    chunk = 2

    def __init__(self) -> None:
        super().__init__(outcome=Outcome.ACCEPTED)
        self.made: dict[str, list[str]] = {}

    def send(self, orders: list[SendOrder]) -> list[Result]:  # type: ignore[override]
        (call,) = {order.call for order in orders}
        keys = [order.key for order in orders]
        assert self.made.setdefault(call, keys) == keys, "the same call with other orders"
        return super().send(orders)

    def find(self, key: str, reference: str = "") -> Result | None:
        return None


@pytest.fixture
def call_rail(monkeypatch: pytest.MonkeyPatch) -> CallRail:
    rail = CallRail()
    monkeypatch.setitem(registry.RAILS, "simulated", rail)
    return rail


def test_a_call_made_again_has_the_same_key_and_orders(call_rail: CallRail) -> None:
    _, ids = _approved(3)
    call_rail.lose_replies = 1
    with pytest.raises(RailUnavailable):
        jobs.send(ids)
    assert sorted(map(len, call_rail.made.values())) == [1, 2]
    jobs.send(ids)
    assert len(call_rail.made) == 2 and len(call_rail.orders) == 3
    jobs.send(ids)  # all answered: nothing is asked
    assert call_rail.calls == 3


def test_a_key_the_rail_may_have_forgotten_waits_for_a_person(
    call_rail: CallRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ids = _approved(1)
    call_rail.drop_requests = 1
    with pytest.raises(RailUnavailable):
        jobs.send(ids)
    monkeypatch.setattr(call_rail, "keys_kept", timedelta(0), raising=False)
    jobs.send(ids)
    assert not call_rail.orders and status(ids[0]) is PayoutStatus.PROCESSING


def test_a_payout_that_waits_says_so_once_and_goes_on() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        jobs.send([payout_id])
        (key,) = rail.orders
    news = Result(key, Outcome.WAITING, "ref", message="Nobody has claimed it yet.", cure="Open an account by May.")
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            settling.apply(session, SYSTEM, [News(news, "event")])
    run_all()
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT status, waiting_message, waiting_cure FROM payouts")).one()
        notes = session.execute(
            text("SELECT count(*) FROM timeline_events WHERE note = 'Nobody has claimed it yet.'")
        ).scalar_one()
    assert tuple(row) == ("processing", "Nobody has claimed it yet.", "Open an account by May.")
    assert notes == 1 and [template for _, template in mails()] == ["payout_waiting"] * len(mails())
    with unit_of_work(PLATFORM) as session:
        settling.apply(session, SYSTEM, [News(Result(key, Outcome.PAID, "ref"), "event")])
    assert status(payout_id) is PayoutStatus.PAID


def test_an_event_that_only_wakes_us_moves_what_the_rail_says_and_nothing_else() -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        jobs.send([payout_id])
        (key,) = rail.orders
        lie = RailEvent("evt-1", Result(key, Outcome.PAID, "ref"), {"event": "1"}, look_up=True)
        with unit_of_work(PLATFORM) as session:
            webhooks.receive(session, "simulated", [lie], b"{}")
        run_all()
        assert status(payout_id) is PayoutStatus.PROCESSING  # the rail itself says it is only accepted
        rail.outcome = Outcome.PAID
        with unit_of_work(PLATFORM) as session:
            webhooks.receive(session, "simulated", [RailEvent("evt-2", lie.result, look_up=True)], b"{}")
        run_all()
    assert status(payout_id) is PayoutStatus.PAID


def test_events_about_no_payout_are_kept_and_ignored() -> None:
    with unit_of_work(PLATFORM) as session:
        webhooks.receive(session, "simulated", [RailEvent("evt-1", about="account", evidence={"id": "acct_1"})], b"{}")
    run_all()
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT status FROM webhook_events")).scalar_one() == "ignored"


def test_a_rail_that_is_off_holds_its_payouts(monkeypatch: pytest.MonkeyPatch) -> None:
    _, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        monkeypatch.setattr("app.payouts.sending.standing", lambda _rail: Standing(Mode.OFF, missing=("X",)))
        jobs.send([payout_id])
        assert not rail.orders
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT status, hold_code FROM payouts")).one()
    assert tuple(row) == ("on_hold", "rail_off")


def test_more_than_the_rail_pays_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    place, (payout_id,) = _approved(1)
    with fake_rail() as rail:
        monkeypatch.setattr(rail, "limits", {"GBP": Limits(most=5_00)}, raising=False)
        jobs.send([payout_id])
        assert not rail.orders
    assert status(payout_id) is PayoutStatus.FAILED
    assert make.balances(place)["payee_available"] == 10_00


def test_a_return_of_which_nobody_told_is_found_by_asking_again() -> None:
    place, (payout_id,) = _approved(1)
    with fake_rail(outcome=Outcome.PAID) as rail:
        jobs.send([payout_id])
        jobs.look_up_paid(all_of_them=True)
        assert status(payout_id) is PayoutStatus.PAID
        rail.outcome = Outcome.RETURNED
        jobs.look_up_paid(all_of_them=True)
        jobs.look_up_paid(all_of_them=True)
    assert status(payout_id) is PayoutStatus.RETURNED
    assert make.balances(place)["payee_available"] == 10_00


def test_the_sweep_comes_to_everything_and_to_what_is_old_in_turns(superuser: Any) -> None:
    _, ids = _approved(3)
    with fake_rail():
        jobs.send(ids)
    seen, after = set(), None
    with unit_of_work(PLATFORM) as session:
        while found := asking.stale(session, timedelta(0), after, limit=1):
            (after,) = found
            seen.add(after.payout_id)
    assert seen == set(ids)
    superuser.execute("UPDATE payout_attempts SET created_at = created_at - interval '3 days'")
    start, turns = utc_now().replace(minute=0), []
    for minute in range(60):
        with at(start + timedelta(minutes=minute)), unit_of_work(PLATFORM) as session:
            turns += [one.payout_id for one in asking.stale(session, timedelta(0))]
    assert sorted(turns) == sorted(ids * 2)

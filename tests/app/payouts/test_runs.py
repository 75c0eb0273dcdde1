"""A month calculated: what each doctor gets for it, once, however often and from how many sides it is run."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.scope import SYSTEM, Actor, operator
from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.payouts import calculating, runs, service
from app.payouts.run_models import PayoutRun
from app.reporting import doctor as books
from jobs import months
from tests.factories import payouts as make
from tests.factories.appointments import clinic, doctor, held, on
from tests.factories.payouts import PLATFORM, Shop

pytestmark = pytest.mark.usefixtures("database_url")
NOVEMBER = datetime(2026, 11, 2, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _november() -> Any:
    with clock.at(NOVEMBER):
        yield


def opened(place: Shop, rate: int | None = None) -> UUID:
    with unit_of_work(PLATFORM) as session:
        span = runs.span_of(session.get_one(Organization, place.organization_id))
        return runs.start(session, SYSTEM, place.organization_id, span, rate_minor=rate).id


def found(run_id: UUID) -> PayoutRun:
    with unit_of_work(PLATFORM) as session:
        run = runs.find(session, run_id)
        session.expunge(run)
        return run


def ran(place: Shop, rate: int | None = None) -> PayoutRun:
    run_id = opened(place, rate)
    months.work(str(run_id), str(place.organization_id))
    return found(run_id)


def payouts(superuser: Any) -> list[Any]:
    rows = superuser.execute(
        "SELECT p.payee_id, p.amount_minor, p.currency, p.status, p.origin, p.schedule, p.period_start, p.period_end,"
        " count(*), sum(i.amount_minor) FROM payouts p JOIN payout_items i ON i.payout_id = p.id"
        " GROUP BY p.id ORDER BY p.payee_id, p.period_start"
    )
    return list(rows.fetchall())


def test_one_pending_payout_for_each_with_an_item_for_each_appointment(superuser: Any) -> None:
    place = clinic(2)
    held(place, on(1), on(15), on(31))
    held(place, on(20), doctor=1)
    run = ran(place)
    first = (
        place.payee_ids[0],
        1500_00,
        "KES",
        "pending",
        "schedule",
        "monthly",
        date(2026, 10, 1),
        date(2026, 10, 31),
    )
    assert payouts(superuser) == [
        (*first, 3, 1500_00),
        (place.payee_ids[1], 500_00, *first[2:], 1, 500_00),
    ]
    assert (run.summary["earnings"], run.summary["payouts"], run.summary["totals"]) == (4, 2, {"KES": [2, 2000_00]})
    assert make.balances(place, 0, "KES") == {"payee_in_transit": 1500_00}
    rows = superuser.execute("SELECT kind, rule, rule_detail ->> 'rate_from' FROM earnings").fetchall()
    assert set(rows) == {("appointment", "flat_rate", "usual")}


def test_twice_creates_nothing_new(superuser: Any) -> None:
    place = clinic(2)
    held(place, on(1), on(2))
    ran(place)
    before = payouts(superuser)
    again = ran(place)
    assert payouts(superuser) == before
    assert superuser.execute("SELECT count(*) FROM earnings").fetchone() == (2,)
    assert (again.summary["earnings"], again.summary["payouts"]) == (0, 0)


@pytest.mark.parametrize("verb", ["cancel", "reject"])
def test_what_was_called_off_can_be_calculated_again(superuser: Any, verb: str) -> None:
    place = clinic(1)
    held(place, on(1), on(15))
    assert ran(place).summary["payouts"] == 1
    (first,) = superuser.execute("SELECT id FROM payouts").fetchone()
    with unit_of_work(PLATFORM) as session:
        getattr(service, verb)(session, operator(), first, "Counted too early")
        span = runs.span_of(session.get_one(Organization, place.organization_id))
        assert calculating.preview(session, place.organization_id, span).payouts == 1
    held(place, on(20))
    assert ran(place).summary["payouts"] == 1 and ran(place).summary["payouts"] == 0
    rows = payouts(superuser)
    assert [(row[1], row[3], row[8]) for row in rows if row[3] == "pending"] == [(1500_00, "pending", 3)]
    assert len(rows) == 2
    with unit_of_work(PLATFORM) as session:
        assert [one for one in books.examine(session) if one.code != "outbox.stale"] == []  # the clock is not theirs


def test_two_at_once(superuser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.consultations.rating.rate.__kwdefaults__", {"rate_minor": None, "most": 3})
    monkeypatch.setattr("app.consultations.rating.AT_ONCE", 3)
    monkeypatch.setattr("app.payouts.calculating.plan.__kwdefaults__", {"most": 1})
    place = clinic(4)
    for number in range(4):
        held(place, *(on(day) for day in range(1, 9)), doctor=number)
    ids = [opened(place), opened(place, 500_00)]
    faults: list[BaseException] = []

    def work(run_id: UUID) -> None:
        try:
            with clock.at(NOVEMBER):
                months.work(str(run_id), str(place.organization_id))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(run_id,)) for run_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults
    assert [(row[1], row[8], row[9]) for row in payouts(superuser)] == [(4000_00, 8, 4000_00)] * 4
    summaries = [found(run_id).summary for run_id in ids]
    assert sum(one["earnings"] for one in summaries) == 32 and sum(one["payouts"] for one in summaries) == 4


def test_killed_in_between_it_goes_on(superuser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.payouts.calculating.plan.__kwdefaults__", {"most": 1})
    place = clinic(3)
    for number in range(3):
        held(place, on(3), doctor=number)
    run_id, plan, times = opened(place), calculating.plan, [0]

    def dying(*args: Any, **named: Any) -> Any:
        times[0] += 1
        made = plan(*args, **named)
        if times[0] == 2:
            raise KeyboardInterrupt  # after its statements, before its commit
        return made

    monkeypatch.setattr(calculating, "plan", dying)
    with pytest.raises(KeyboardInterrupt):
        months.work(str(run_id), str(place.organization_id))
    assert len(payouts(superuser)) == 1
    months.work(str(run_id), str(place.organization_id))
    assert [row[1] for row in payouts(superuser)] == [500_00] * 3
    assert found(run_id).summary["payouts"] == 3


def test_days_are_the_organizations_own(superuser: Any) -> None:
    """In Nairobi October ends three hours before it does in UTC, and began three hours before."""
    place = clinic(1)
    held(place, on(30, 21, 9), on(30, 20, 9, 59), on(31, 20, minute=59), on(31, 21))
    ran(place)
    assert [(row[1], row[8]) for row in payouts(superuser)] == [(1000_00, 2)]
    assert superuser.execute("SELECT count(*) FROM appointments WHERE status = 'completed'").fetchone() == (2,)


def test_rates(superuser: Any) -> None:
    place = clinic(1)
    agreed = doctor(place.organization_id, 2, rate_minor=750_00)
    abroad = doctor(place.organization_id, 3, currency="USD")
    place = Shop(place.organization_id, [*place.payee_ids, agreed, abroad])
    for number in range(3):
        held(place, on(5), doctor=number)
    run = ran(place)
    assert {row[0]: row[1] for row in payouts(superuser)} == {place.payee_ids[0]: 500_00, agreed: 750_00}
    left = run.summary["left_out"]
    assert [(one["name"], one["reason"], one["lines"]) for one in left] == [("Njeri Mwangi", "no_rate", 1)]
    assert "No flat rate is agreed" in calculating.reason_text("no_rate")
    ran(place, 20_00)
    assert {row[0]: (row[1], row[2]) for row in payouts(superuser)}[abroad] == (20_00, "USD")
    detail = superuser.execute("SELECT rule_detail FROM earnings WHERE currency = 'USD'").fetchone()[0]
    assert (detail["rate_from"], detail["rate_minor"], detail["period_end"]) == ("asked", 20_00, "2026-10-31")


def test_negative_ones_are_carried_forward_and_listed(superuser: Any) -> None:
    place = clinic(2)
    make.earn(place, -300_00, payee=0, currency="KES")
    make.earn(place, -200_00, payee=1, currency="KES")
    held(place, on(7), doctor=1)
    run = ran(place)
    assert [(row[0], row[1], row[8]) for row in payouts(superuser)] == [(place.payee_ids[1], 300_00, 2)]
    left = [(one["payee_id"], one["amount_minor"], one["reason"]) for one in run.summary["left_out"]]
    assert left == [(str(place.payee_ids[0]), -300_00, "carried")]
    assert make.balances(place, 0, "KES") == {"payee_available": -300_00}


def test_who_has_no_method_is_listed_and_paid_by_the_next_run(superuser: Any) -> None:
    place = clinic(0)
    place = Shop(place.organization_id, [doctor(place.organization_id, 0, rail=None)])
    held(place, on(7))
    run = ran(place)
    assert payouts(superuser) == [] and run.summary["left_out"][0]["reason"] == "no_method"
    with unit_of_work(PLATFORM) as session:
        make.method(session, place.payee_ids[0], "simulated")
    ran(place)
    assert [row[1] for row in payouts(superuser)] == [500_00]


def test_what_came_late_is_paid_with_the_next_month(superuser: Any) -> None:
    place = clinic(1)
    held(place, on(7))
    ran(place)
    held(place, on(8))
    late = ran(place)
    assert late.summary["earnings"] == 1 and late.summary["left_out"][0]["reason"] == "period"
    with clock.at(datetime(2026, 12, 1, 9, tzinfo=UTC)):
        ran(place)
    assert [(row[6], row[1]) for row in payouts(superuser)] == [
        (date(2026, 10, 1), 500_00),
        (date(2026, 11, 1), 500_00),
    ]


def test_the_dry_run_says_the_same_and_writes_nothing(superuser: Any) -> None:
    place = clinic(2)
    held(place, on(1), on(2))
    with unit_of_work(PLATFORM) as session:
        span = runs.span_of(session.get_one(Organization, place.organization_id))
        seen = calculating.preview(session, place.organization_id, span)
    assert (seen.to_rate, seen.payouts, seen.totals[0].amount_minor) == (2, 1, 1000_00)
    assert payouts(superuser) == [] and superuser.execute("SELECT count(*) FROM earnings").fetchone() == (0,)
    assert ran(place).summary["totals"] == {"KES": [1, 1000_00]}


def test_the_calendar_opens_a_run_once_and_catches_up(superuser: Any) -> None:
    place = clinic(1)
    held(place, on(15, month=9), on(15))
    for _again in range(2):
        months.start_due()
    rows = superuser.execute("SELECT period_start, due_on, id FROM payout_runs ORDER BY period_start").fetchall()
    assert [row[:2] for row in rows] == [
        (date(2026, 9, 1), date(2026, 11, 1)), (date(2026, 10, 1), date(2026, 11, 1)),
    ]  # fmt: skip
    for row in rows:
        months.work(str(row[2]), str(place.organization_id))
    assert [(row[6], row[1]) for row in payouts(superuser)] == [(date(2026, 9, 1), 500_00), (date(2026, 10, 1), 500_00)]
    months.start_due()
    assert superuser.execute("SELECT count(*) FROM payout_runs").fetchone() == (2,)


def test_the_first_of_the_month_is_the_organizations_own(superuser: Any) -> None:
    place = clinic(1, time_zone="America/Los_Angeles")
    held(place, on(15))
    with clock.at(datetime(2026, 11, 1, 5, tzinfo=UTC)):  # still October there
        months.start_due()
        assert superuser.execute("SELECT count(*) FROM payout_runs").fetchone() == (0,)
    with clock.at(datetime(2026, 11, 1, 8, tzinfo=UTC)):
        months.start_due()
        assert superuser.execute("SELECT count(*) FROM payout_runs").fetchone() == (1,)


def test_refusals() -> None:
    place = clinic(1)
    with unit_of_work(PLATFORM) as session:
        organization = session.get_one(Organization, place.organization_id)
        for start, end in (
            (date(2026, 10, 2), date(2026, 10, 1)), (date(2026, 11, 1), date(2026, 11, 30)),
            (date(2025, 1, 1), date(2026, 10, 1)),
        ):  # fmt: skip
            with pytest.raises(Invalid):
                runs.span_of(organization, start, end)
        span = runs.span_of(organization)
        with pytest.raises(Forbidden):
            runs.start(session, Actor("M", "ORG_OWNER"), place.organization_id, span)
        with pytest.raises(Invalid):
            runs.start(session, SYSTEM, place.organization_id, span, rate_minor=0)

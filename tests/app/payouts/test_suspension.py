"""A suspended engagement: nothing leaves for its payee, everything stays owed, and it goes on afterwards."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.core.errors import Conflict, Forbidden
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.payees import service as payees
from app.payees.states import EngagementStatus
from app.payouts import batches, planning, sending, service
from app.payouts.states import HoldCode, PayoutStatus
from app.reporting import money_map
from app.reporting.rules import Bucket
from jobs import payouts as jobs
from jobs.runtime import run_due
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop

pytestmark = pytest.mark.usefixtures("database_url")
S = EngagementStatus


def change(place: Shop, to: EngagementStatus, reason: str = "Missing papers", actor: Actor | None = None) -> None:
    actor = actor or Actor("Maya", "ORG_MANAGER", organization_id=place.organization_id)
    with unit_of_work(Scope.organization(place.organization_id)) as session:
        payees.set_status(session, actor, place.organization_id, place.payee_ids[0], to, reason=reason)


def withdraw(place: Shop) -> UUID:
    with unit_of_work(Scope.payee(place.payee_ids[0])) as session:
        actor = make.payee_actor(place.payee_ids[0])
        return service.withdraw(session, actor, organization_id=place.organization_id, currency="GBP").id


def state(payout_id: UUID) -> tuple[PayoutStatus, HoldCode | None]:
    with unit_of_work(PLATFORM) as session:
        found = service.get(session, payout_id)
        return found.status, found.hold_code


def said(place: Shop) -> tuple[str, str]:
    """Badge and sentence of the payee's newest line."""
    with unit_of_work(Scope.payee(place.payee_ids[0])) as session:
        line = money_map.lines(session, place.payee_ids[0]).items[0]
    assert line.place.bucket is not Bucket.PAID
    return line.place.state, line.place.reason


def test_what_is_ready_is_neither_planned_nor_withdrawn_and_says_why() -> None:
    place = make.shop(2)
    make.earn(place, 100_00)
    make.earn(place, 50_00, payee=1)
    change(place, S.SUSPENDED)
    with pytest.raises(Conflict, match=r"suspended: Missing papers\. Nothing is paid out"):
        withdraw(place)
    with unit_of_work(PLATFORM) as session:
        preview = planning.preview(session, place.organization_id)
    assert [(row.blocked, row.payees) for row in preview.blocked] == [("suspended", 1)] and preview.payees == 1
    assert "suspended" in planning.blocked_text("suspended")
    why = "On hold while the engagement is suspended: Missing papers. It stays owed and is paid once that ends."
    assert said(place) == ("on_hold", why)
    change(place, S.ACTIVE)
    assert said(place)[1] == "Ready to be paid."
    assert state(withdraw(place)) == (PayoutStatus.PENDING, None)


def test_a_payout_under_way_waits_and_comes_back_for_approval(superuser) -> None:
    place = make.shop(1)
    make.earn(place, 100_00)
    payout_id = withdraw(place)
    checker = make.admin("a@quittance.test")
    with unit_of_work(PLATFORM) as session:
        service.approve(session, checker, [payout_id])
    change(place, S.SUSPENDED)
    run_due()
    assert state(payout_id) == (PayoutStatus.ON_HOLD, HoldCode.SUSPENDED)
    assert said(place)[1] == "On hold while the engagement is suspended: Missing papers. It stays owed."
    with pytest.raises(Conflict, match="suspended"), unit_of_work(PLATFORM) as session:
        service.release(session, checker, payout_id)
    jobs.follow_engagement(str(place.organization_id), str(place.payee_ids[0]))  # a repeat changes nothing
    change(place, S.ACTIVE)
    run_due()
    assert state(payout_id) == (PayoutStatus.PENDING, None)
    with unit_of_work(PLATFORM) as session:
        assert service.approve(session, checker, [payout_id])[0].note == "approved"
    assert make.funds_left(place) == 10_000_00 - 100_00  # drawn once
    subjects = superuser.execute("SELECT subject FROM mails WHERE template = 'engagement_changed' ORDER BY id")
    assert [row[0] for row in subjects.fetchall()] in (
        [],
        ["Shop suspended the work with you", "Shop works with you again"],
    )


def test_a_run_that_is_faster_than_the_job_sends_nothing() -> None:
    place = make.shop(1)
    make.earn(place, 100_00)
    payout_id = withdraw(place)
    with unit_of_work(PLATFORM) as session:
        service.approve(session, make.admin("a@quittance.test"), [payout_id])
    change(place, S.SUSPENDED)
    with unit_of_work(PLATFORM) as session:
        assert sending.claim(session, make.admin("b@quittance.test"), [payout_id]) == []
    assert state(payout_id) == (PayoutStatus.ON_HOLD, HoldCode.SUSPENDED)


def test_paused_and_ended_payees_may_still_withdraw() -> None:
    place = make.shop(1)
    make.earn(place, 100_00)
    change(place, S.PAUSED)
    assert "batches leave it out" in said(place)[1]
    with unit_of_work(PLATFORM) as session:
        assert [row.blocked for row in planning.preview(session, place.organization_id).blocked] == ["paused"]
    change(place, S.ENDED)
    assert state(withdraw(place)) == (PayoutStatus.PENDING, None)


def test_what_the_platform_suspended_only_the_platform_lifts() -> None:
    place = make.shop(1)
    admin = make.admin("a@quittance.test")
    with unit_of_work(PLATFORM) as session:
        payees.set_status(session, admin, place.organization_id, place.payee_ids[0], S.SUSPENDED, reason="Sanctions")
    for to in (S.ACTIVE, S.PAUSED, S.ENDED):
        with pytest.raises(Conflict, match="Quittance suspended"):
            change(place, to)
    support = Actor("Sam", "ORG_SUPPORT", organization_id=place.organization_id)
    with pytest.raises(Forbidden):
        change(place, S.ACTIVE, actor=support)
    with unit_of_work(PLATFORM) as session:
        payees.set_status(session, admin, place.organization_id, place.payee_ids[0], S.ACTIVE)
    change(place, S.SUSPENDED)
    change(place, S.ACTIVE)


def test_a_batch_holds_only_its_suspended_payee() -> None:
    place = make.shop(3)
    for number in range(3):
        make.earn(place, 100_00, payee=number)
    maker, checker = make.admin("a@quittance.test"), make.admin("b@quittance.test")
    with unit_of_work(PLATFORM) as session:
        batch = batches.create(session, maker, place.organization_id, title="Run", currency="GBP")
        batches.plan(session, maker, batch.id)
    change(place, S.SUSPENDED)
    run_due()
    with unit_of_work(PLATFORM) as session:
        batches.submit(session, maker, batch.id)
        batches.approve(session, checker, batch.id)
    with unit_of_work(PLATFORM) as session:
        found = session.connection().exec_driver_sql("SELECT status, count(*) FROM payouts GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in found] == [("approved", 2), ("on_hold", 1)]

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from app.audit import queries as history
from app.audit.models import Audience
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.payouts import checks, service
from app.payouts.checks import status_of
from app.rails.check import CheckStatus
from jobs import payouts as jobs
from tests.app.payouts.test_exports import exported, release
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM


@pytest.mark.parametrize(
    ("attempt", "code", "evidence", "expected"),
    [
        ("submitted", None, None, None),
        ("accepted", None, None, CheckStatus.PRINTED),
        ("accepted", None, {"accepted": {}}, CheckStatus.PRINTED),
        ("accepted", None, {"mailed": {"by": "Noor"}}, CheckStatus.MAILED),
        ("succeeded", None, {"mailed": {}}, CheckStatus.CLEARED),
        ("failed", "check_void", None, CheckStatus.VOID),
        ("failed", "check_stopped", None, CheckStatus.STOPPED),
        ("failed", "void", None, None),  # the whole export was made void before its release
        ("returned", "check_stopped", None, CheckStatus.STOPPED),
        ("unknown", None, None, None),
    ],
)
def test_the_state_of_a_check_is_that_of_its_attempt(
    attempt: str, code: str | None, evidence: dict[str, object] | None, expected: CheckStatus | None
) -> None:
    assert status_of(attempt, code, evidence) is expected


@pytest.fixture
def maker(database_url: str) -> Actor:
    return make.admin("maker@quittance.test")


@pytest.fixture
def checker(database_url: str) -> Actor:
    return make.admin("checker@quittance.test")


def mark(export_id: UUID, actor: Actor, payout_id: UUID, *fates: CheckStatus) -> None:
    for fate in fates:
        with unit_of_work(PLATFORM) as session:
            outcome = checks.mark(session, actor, export_id, [payout_id], fate, "Statement 9")[0]
            assert not outcome.refused, outcome.refused


def test_a_check_that_is_void_or_stopped_gives_the_money_back_and_its_number_away(maker: Actor, checker: Actor) -> None:
    place, _batch, export_id = exported(maker, checker, rail="check")
    release(export_id, checker)
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT payout_id, payee_id, rail_reference FROM payout_attempts ORDER BY 3")).all()
    assert [row.rail_reference for row in rows] == ["000001", "000002", "000003"]
    void, stopped, reversed_ = rows
    mark(export_id, checker, void.payout_id, CheckStatus.VOID)
    mark(export_id, checker, stopped.payout_id, CheckStatus.MAILED, CheckStatus.STOPPED)
    mark(export_id, checker, reversed_.payout_id, CheckStatus.MAILED, CheckStatus.CLEARED)
    payee = place.payee_ids.index(reversed_.payee_id)
    assert make.balances(place, payee) == {}
    mark(export_id, checker, reversed_.payout_id, CheckStatus.STOPPED)
    for number in range(3):
        assert make.balances(place, number) == {"payee_available": 10_00 + number}
    with unit_of_work(PLATFORM) as session:
        states = session.execute(text("SELECT status FROM payouts ORDER BY status")).scalars().all()
        assert states == ["failed", "failed", "returned"]
        series = text("SELECT last FROM number_series WHERE series = 'check'")
        assert session.execute(series).scalar_one() == 3
        service.retry(session, maker, void.payout_id)
        service.approve(session, checker, [void.payout_id])
    jobs.send_payouts([str(void.payout_id)], str(place.organization_id), maker.label, str(maker.account_id))
    with unit_of_work(PLATFORM) as session:
        numbers = text("SELECT rail_reference FROM payout_attempts WHERE payout_id = :id ORDER BY number")
        assert session.execute(numbers, {"id": void.payout_id}).scalars().all() == ["000001", "000004"]


def test_the_payee_reads_what_became_of_the_check(maker: Actor, checker: Actor) -> None:
    _place, _batch, export_id = exported(maker, checker, payees=1, rail="check")
    release(export_id, checker)
    with unit_of_work(PLATFORM) as session:
        payout_id = session.execute(text("SELECT id FROM payouts")).scalar_one()
        payee_id = session.execute(text("SELECT payee_id FROM payouts")).scalar_one()
    mark(export_id, checker, payout_id, CheckStatus.MAILED, CheckStatus.CLEARED, CheckStatus.STOPPED)
    with unit_of_work(Scope.payee(payee_id)) as session:
        notes = [step.note for step in history.timeline(session, payout_id, Audience.EVERYONE)]
    assert "Check 000001 was mailed." in notes and "Check 000001 was cashed." in notes
    assert any(note and note.startswith("Check 000001 was stopped at the bank.") for note in notes)

"""A provider that does not answer but tells what it holds: asked once a day, held against the books of that moment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.clock import utc_now
from app.db.session import unit_of_work
from app.rails.base import BALANCE, RailEvent
from app.rails.mpesa import Mpesa
from app.reconciliation import watch
from app.webhooks import service as webhooks
from jobs import reconciliation
from tests.factories.payouts import PLATFORM
from tests.fakes.simulator import SimulatorPeer
from tests.jobs.test_payout_news import run_all
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")


def _told(event_id: str, minor: int) -> list[str]:
    at = (utc_now() - timedelta(seconds=5)).isoformat()
    event = RailEvent(event_id, None, {"KES": str(minor), "at": at}, BALANCE)
    with unit_of_work(PLATFORM) as session:
        webhooks.receive(session, "mpesa", [event], b"{}")
    run_all()
    with unit_of_work(PLATFORM) as session:
        return [row.detail["says"] for row in watch.items(session).items]


def test_what_is_told_is_compared_and_a_difference_ends_by_itself() -> None:
    (says,) = _told("balance-1", 500_00)
    assert "M-Pesa" in says and "500.00" in says and "the books say" in says
    assert len(_told("balance-1", 500_00)) == 1  # the same delivery again
    assert _told("balance-2", 0) == []
    with unit_of_work(PLATFORM) as session:
        checks = session.execute(text("SELECT rail, told_minor, agrees FROM balance_checks ORDER BY id")).all()
        states = session.execute(text("SELECT DISTINCT status FROM webhook_events")).scalars().all()
    assert [tuple(row) for row in checks] == [("mpesa", 500_00, False), ("mpesa", 0, True)]
    assert states == ["applied"]


def test_it_is_asked_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Mpesa, "ask_balance", lambda rail: asked.append(rail.name))
    peer = SimulatorPeer(tmp_path)
    peer.start()
    with environment(SIMULATOR_URL=peer.url):
        reconciliation.every_day()
    peer.kill()
    assert asked == ["mpesa"]

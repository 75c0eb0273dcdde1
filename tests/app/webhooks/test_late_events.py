"""Events whose job was lost or gave up: promised again one by one; what cannot be applied waits for people."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db.session import unit_of_work
from app.rails.base import Outcome, RailEvent, Result
from app.webhooks import service
from tests.factories.payouts import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


def received(*names: str) -> None:
    with unit_of_work(PLATFORM) as session:
        events = [RailEvent(name, Result(name, Outcome.PAID), {}) for name in names]
        service.receive(session, "simulated", events, b"{}")


def swept() -> int:
    with unit_of_work(PLATFORM) as session:
        return service.promise_again(session)


def states() -> dict[str, tuple[str, str | None]]:
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT event_id, status, result FROM webhook_events ORDER BY event_id"))
        return {row.event_id: (row.status, row.result) for row in rows}


def test_each_late_event_gets_a_job_of_its_own(superuser) -> None:
    received("a", "b")
    superuser.execute("UPDATE outbox SET failed_at = now(), last_error = 'boom'")
    assert swept() == 0  # they are not late yet
    superuser.execute("UPDATE webhook_events SET created_at = now() - interval '11 minutes'")
    assert swept() == 2
    assert swept() == 0  # their jobs are open
    with unit_of_work(PLATFORM) as session:
        jobs = session.execute(text("SELECT payload FROM outbox WHERE failed_at IS NULL")).scalars().all()
    assert [len(payload["webhook_ids"]) for payload in jobs] == [1, 1]
    assert {state for state, _ in states().values()} == {"received"}


def test_an_event_whose_own_job_gave_up_fails_with_the_reason(superuser) -> None:
    received("a", "b")
    superuser.execute("UPDATE outbox SET failed_at = now(), last_error = 'together'")
    superuser.execute("UPDATE webhook_events SET created_at = now() - interval '11 minutes'")
    swept()
    superuser.execute(
        "UPDATE outbox SET failed_at = now(), last_error = 'no such payout' WHERE failed_at IS NULL AND payload ->"
        " 'webhook_ids' = (SELECT jsonb_build_array(id::text) FROM webhook_events WHERE event_id = 'b')"
    )
    assert swept() == 0
    assert states() == {"a": ("received", None), "b": ("failed", "no such payout")}
    assert swept() == 0

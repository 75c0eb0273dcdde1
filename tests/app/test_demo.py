"""The demo's data: made once, healthy, and every flow of it comes to its end when the jobs run."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app import demo
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.rails.base import Outcome
from app.reporting import doctor
from jobs import runtime
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")
PLATFORM = Scope.platform("tests")


def test_the_demo_is_written_once_and_healthy() -> None:
    for expected in (True, False):
        with unit_of_work(PLATFORM) as session:
            assert demo.load(session) is expected
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
        bills = session.execute(
            text(
                """SELECT count(*) FROM payment_requests r JOIN organizations o ON o.id = r.organization_id
                WHERE o.slug = 'oxford'"""
            )
        ).scalar_one()
        assert bills == 0
        portals = session.execute(text("SELECT DISTINCT portal FROM accounts ORDER BY 1")).scalars().all()
        assert portals == ["admin", "client", "consultant", "contractor", "creator", "org", "vendor"]


def test_its_payouts_are_paid_when_the_workers_run() -> None:
    with unit_of_work(PLATFORM) as session:
        demo.load(session)
    with fake_rail(outcome=Outcome.PAID):
        while runtime.run_due():
            pass
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
        rows = session.execute(text("SELECT status, count(*) FROM payouts GROUP BY 1")).all()
        states = {row[0]: row[1] for row in rows}
    assert states == {"paid": 24, "pending": 1, "processing": 3, "returned": 1}

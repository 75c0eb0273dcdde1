"""What the demo's statements show: a closed month, a desk in the middle of one, something on the watch list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app import demo, demo_bank, demo_reconciliation
from app.consultations import house
from app.core import clock
from app.core.clock import today
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.reconciliation import months, queries
from app.reconciliation.queries import LineFilter
from app.reconciliation.rules import month_start
from app.reconciliation.states import LineState
from app.reporting import doctor
from tests.factories import payouts as make

pytestmark = pytest.mark.usefixtures("database_url")
PLATFORM = Scope.platform("tests")


@pytest.mark.parametrize("day", [None, 1, 2])
def test_the_desk_is_in_the_middle_of_a_month(day: int | None) -> None:
    """Also where the month has just begun."""
    moment = clock.utc_now() if day is None else clock.utc_now().replace(day=day)
    admin, checker = make.admin("maker@quittance.test"), make.admin("checker@quittance.test")
    with clock.at(moment), unit_of_work(PLATFORM) as session:
        house.set_up(session, demo.OPERATOR)
        demo_bank.load(session, admin)
        demo_reconciliation.load(session, admin, checker)
    with clock.at(moment), unit_of_work(PLATFORM) as session:
        shown = {
            state: [
                (row.description, row.amount_minor) for row in queries.lines(session, LineFilter(state, today())).items
            ]
            for state in LineState
        }
        assert [words for words, _ in shown[LineState.OPEN]] == [
            "Investigation of a transfer, fee", "2 credit transfers", "Incoming credit transfer",
        ]  # fmt: skip
        assert shown[LineState.PROPOSED] == [("Paper statement, fee", -4_90)]
        assert shown[LineState.SUSPENDED] == [("Invoice 2231", 480_00)]
        assert shown[LineState.WRITTEN_OFF] == [("Account fee", -12_50)]
        assert len(shown[LineState.MATCHED]) == 10 + 6
        last = month_start(month_start(today()) - timedelta(days=1))
        assert [row.month for row in months.closed(session).items] == [last]
        standing = months.standing(session, months.next_month(session))
        assert (standing.lines, standing.proposed, standing.deposits) == (4, 1, 1)
        checks = session.execute(text("SELECT rail, agrees FROM balance_checks ORDER BY rail")).all()
        assert [tuple(row) for row in checks] == [("paypal", False), ("stripe_connect", True)]
        kinds = session.scalars(text("SELECT kind FROM desk_items WHERE closed_at IS NULL")).all()
        assert set(kinds) == {"balance", "stuck"}
        found = doctor.examine(session)
        if day is not None:  # jobs that were promised then are late by the database's own clock
            found = [finding for finding in found if finding.code != "outbox.stale"]
        assert found == []

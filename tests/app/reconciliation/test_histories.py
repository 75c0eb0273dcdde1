"""Whatever lines come and whatever is said of them: the books stay balanced, every line is in exactly one place."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.clock import today
from app.core.errors import Refusal
from app.core.scope import SYSTEM, Actor
from app.db.session import ScopedSession, unit_of_work
from app.reconciliation import desk, matching, write_offs
from app.reconciliation.states import TargetKind
from app.reporting import doctor
from tests.factories import payouts as make
from tests.factories.sent import Sent, sent
from tests.factories.statements import PLATFORM, imported

ACTS = ("match", "split", "whole", "suspend", "propose", "approve", "reject", "undo", "run")
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 7), st.integers(0, 3)), min_size=1, max_size=14)
AMOUNTS = st.lists(
    st.sampled_from(("-10.00", "-10.01", "-20.01", "-30.03", "10.00", "-3.00", "250.00", "-0.01")),
    min_size=1,
    max_size=8,
)


class World:
    def __init__(self, amounts: list[str]) -> None:
        self.maker, self.checker = make.admin("maker@quittance.test"), make.admin("checker@quittance.test")
        self.made: Sent = sent(self.maker, self.checker)
        imported([(today(), f"Line {number}", "", amount) for number, amount in enumerate(amounts)])
        with unit_of_work(PLATFORM) as session:
            self.lines = list(session.scalars(text("SELECT id FROM statement_lines ORDER BY line")))

    def act(self, name: str, line: int, other: int) -> None:
        with suppress(Refusal), unit_of_work(PLATFORM) as session:
            self._act(session, name, self.lines[line % len(self.lines)], other)

    def _act(self, session: ScopedSession, name: str, line_id: Any, other: int) -> None:
        who: Actor = (self.maker, self.checker)[other % 2]
        attempts = [row.attempt_id for row in self.made.payouts]
        match name:
            case "match":
                kind = (TargetKind.PAYOUT, TargetKind.RETURN)[other // 2]
                desk.match(session, who, line_id, [(kind, attempts[other % 3])], rest_to_suspense=bool(other % 2))
            case "split":
                both = [(TargetKind.PAYOUT, attempts[other % 3]), (TargetKind.PAYOUT, attempts[(other + 1) % 3])]
                desk.match(session, who, line_id, both, rest_to_suspense=other > 1)
            case "whole":
                part = [(TargetKind.PAYOUT, attempts[0])] if other > 1 else []
                whole = [(TargetKind.EXPORT, self.made.export_id), *part]
                desk.match(session, who, line_id, whole, rest_to_suspense=bool(other % 2))
            case "suspend":
                desk.suspend(session, who, line_id, "?")
            case "propose":
                write_offs.propose(session, who, line_id, "?")
            case "undo":
                desk.undo(session, who, line_id, "?")
            case "run":
                matching.run(session, SYSTEM)
            case _:
                query = text("SELECT id FROM write_offs WHERE status = 'proposed' AND line_id = :id")
                found = session.scalar(query, {"id": line_id})
                if found and name == "approve":
                    write_offs.approve(session, who, found)
                elif found:
                    write_offs.reject(session, who, found, "no")


@pytest.fixture
def emptied(_worker: Any, database_url: str) -> Any:
    return _worker.cleaner.clean


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(amounts=AMOUNTS, steps=STEPS)
def test_any_history(emptied: Any, amounts: list[str], steps: list[tuple[str, int, int]]) -> None:
    emptied()
    world = World(amounts)
    for step in steps:
        world.act(*step)
        with unit_of_work(PLATFORM) as session:
            assert doctor.examine(session) == []

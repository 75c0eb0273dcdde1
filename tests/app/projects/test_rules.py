"""The states of a project under any sequence of moves, and its price."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid, InvalidTransition
from app.core.money import Money
from app.db.types import new_id
from app.projects import rules
from app.projects.models import Project
from app.projects.rules import ProjectForm
from app.projects.states import OF_MONEY, OPEN, STAGE_OF, TARGET_OF, TRANSITIONS, Mover, ProjectStatus, RateKind, Stage

S = ProjectStatus
MOVES = st.lists(st.tuples(st.sampled_from(Mover), st.sampled_from(ProjectStatus)), max_size=30)


def test_every_status_has_a_column_and_every_column_a_status() -> None:
    assert set(STAGE_OF) == set(ProjectStatus)
    assert set(STAGE_OF.values()) == set(TARGET_OF) == set(Stage)
    assert all(STAGE_OF[status] is stage for stage, status in TARGET_OF.items())
    assert len(ProjectStatus) == 9 and len(Stage) == 6


@given(MOVES)
def test_nobody_makes_a_move_of_somebody_else(moves: list[tuple[Mover, ProjectStatus]]) -> None:
    """Whatever is tried: refused moves change nothing, approval is the organization's, payouts are the money's."""
    project = Project(status=S.PENDING_CONTRACTOR)
    approved_by = None
    for mover, to in moves:
        before = project.status
        try:
            project.advance(mover, to)
        except InvalidTransition:
            assert project.status is before
            assert to not in rules.moves(mover, before)
            continue
        assert project.status is to and to is not before
        if to in (S.APPROVED, S.REVISION_REQUESTED) and before in OPEN:
            assert (mover, before) == (Mover.ORGANIZATION, S.SUBMITTED)
            approved_by = mover
        if to in OF_MONEY:
            assert mover is Mover.MONEY and approved_by is Mover.ORGANIZATION
        if before not in OPEN:
            assert to not in OPEN  # what is approved is never worked on again


@given(st.sampled_from(Mover), st.sampled_from(ProjectStatus), st.sampled_from(ProjectStatus))
def test_each_refusal_says_why(mover: Mover, status: ProjectStatus, to: ProjectStatus) -> None:
    if to not in rules.moves(mover, status):
        assert rules.why_not(mover, status, to, "Fernhill Studio").endswith(".")


@given(st.sampled_from(Mover), st.sampled_from(ProjectStatus))
def test_what_the_menu_offers_is_what_the_machine_takes(mover: Mover, status: ProjectStatus) -> None:
    offered = {TARGET_OF[stage] for stage in rules.stages_open_to(mover, status)}
    assert offered <= rules.moves(mover, status)
    within = {to for to in rules.moves(mover, status) if STAGE_OF[to] is STAGE_OF[status]}
    assert {STAGE_OF[to] for to in rules.moves(mover, status) - within} == {STAGE_OF[to] for to in offered}


def test_contractors_have_their_own_moves_only() -> None:
    reached = {to for targets in TRANSITIONS[Mover.CONTRACTOR].values() for to in targets}
    assert reached == {S.DRAFT, S.IN_PROGRESS, S.SUBMITTED}


@given(st.integers(1, 10**9), st.integers(0, 60_000))
def test_hours_are_priced_to_the_nearest_cent_half_up(rate_minor: int, minutes: int) -> None:
    priced = rules.worth(RateKind.HOURLY, rate_minor, minutes)
    exact = Fraction(rate_minor * minutes, 60)
    assert Fraction(-1, 2) <= exact - priced < Fraction(1, 2)
    assert rules.worth(RateKind.FIXED, rate_minor, minutes) == rate_minor


def test_what_was_taken_on_is_not_made_worse() -> None:
    def wanted(minor: int, kind: RateKind = RateKind.FIXED) -> ProjectForm:
        return ProjectForm(new_id(), "Title", Money(minor, "USD"), kind)

    rate = Money(100_00, "USD")
    rules.check_change(S.PENDING_CONTRACTOR, RateKind.FIXED, rate, wanted(1, RateKind.HOURLY))
    rules.check_change(S.IN_PROGRESS, RateKind.FIXED, rate, wanted(120_00))
    with pytest.raises(Invalid, match="not lowered"):
        rules.check_change(S.IN_PROGRESS, RateKind.FIXED, rate, wanted(99_99))
    with pytest.raises(Invalid, match="kind of rate"):
        rules.check_change(S.DRAFT, RateKind.FIXED, rate, wanted(100_00, RateKind.HOURLY))

"""The states of a deliverable under any sequence of moves, its links and its fee."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid, InvalidTransition
from app.core.money import Money
from app.deliverables import rules
from app.deliverables.models import Deliverable
from app.deliverables.states import LANE_OF, OPEN, STATUS_OF, TO_DO, DeliverableStatus, Lane, Mover
from tests.factories.deliverables import form

S = DeliverableStatus
MOVES = st.lists(st.tuples(st.sampled_from(Mover), st.sampled_from(DeliverableStatus)), max_size=30)


def test_every_lane_is_one_status() -> None:
    assert set(LANE_OF) == set(DeliverableStatus) - {S.CANCELLED}
    assert list(STATUS_OF) == list(Lane)


@given(MOVES)
def test_nobody_makes_a_move_of_the_other_side(moves: list[tuple[Mover, DeliverableStatus]]) -> None:
    """Refused moves change nothing; only the organization approves, only what was submitted; approved is for good."""
    found, submitted = Deliverable(status=S.ASSIGNED), False
    for mover, to in moves:
        before = found.status
        try:
            found.advance(mover, to)
        except InvalidTransition:
            assert found.status is before
            assert to not in rules.moves(mover, before)
            continue
        assert found.status is to and to is not before and before is not S.APPROVED
        if to is S.SUBMITTED:
            submitted = True
            assert mover is Mover.CREATOR and before in TO_DO
        if to in (S.APPROVED, S.REVISION_REQUESTED):
            assert (mover, before) == (Mover.ORGANIZATION, S.SUBMITTED) and submitted
        if to is S.CANCELLED:
            assert mover is Mover.ORGANIZATION and before in OPEN


@given(st.sampled_from(Mover), st.sampled_from(DeliverableStatus), st.sampled_from(DeliverableStatus))
def test_each_refusal_says_why(mover: Mover, status: DeliverableStatus, to: DeliverableStatus) -> None:
    if to not in rules.moves(mover, status):
        assert rules.why_not(mover, status, to, "Fernhill Studio").endswith(".")


@given(st.sampled_from(Mover), st.sampled_from(DeliverableStatus))
def test_what_the_menu_offers_is_what_the_machine_takes(mover: Mover, status: DeliverableStatus) -> None:
    for lane in rules.lanes_open_to(mover, status):
        Deliverable(status=status).advance(mover, STATUS_OF[lane])


@pytest.mark.parametrize("link", ["https://video.example/x?y=1#z", "http://a.example", " HTTPS://A.example/ä "])
def test_links_of_the_web_are_taken(link: str) -> None:
    assert rules.clean_links(["", link, link]) == [link.strip()]


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "ftp://a.example/x", "a.example", "https://", "data:text/html,x", "https://a b.example",
     "https://user:secret@a.example", "//a.example", "java\nscript:x", "https://[::1",
     "https://a.example/" + "x" * 2_000],
)  # fmt: skip
def test_other_links_are_refused(link: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.clean_links([link])
    assert set(refused.value.fields) == {"links"}


@given(st.text(max_size=60))
def test_no_text_becomes_another_kind_of_link(text: str) -> None:
    try:
        found = rules.clean_link(text)
    except Invalid:
        return
    assert found.lower().startswith(("http://", "https://"))


def test_too_many_links() -> None:
    with pytest.raises(Invalid):
        rules.clean_links([f"https://a.example/{n}" for n in range(rules.MOST_LINKS + 1)])


def test_every_bad_field_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_form(form(0, title="", brief="x" * 6_000))
    assert set(refused.value.fields) == {"title", "brief", "fee"}


@pytest.mark.parametrize(
    ("status", "wanted", "fine"),
    [
        (S.ASSIGNED, None, True),
        (S.ASSIGNED, 100_00, True),
        (S.IN_PROGRESS, 450_00, True),
        (S.IN_PROGRESS, 500_00, True),
        (S.IN_PROGRESS, 400_00, False),
        (S.REVISION_REQUESTED, None, False),
    ],
)
def test_a_fee_that_was_begun_at_is_not_lowered(status: S, wanted: int | None, fine: bool) -> None:
    def change() -> None:
        rules.check_change(status, Money(450_00, "GBP"), form(wanted))

    if fine:
        change()
    else:
        with pytest.raises(Invalid):
            change()


def test_what_is_late() -> None:
    day, late = date(2026, 3, 2), date(2026, 3, 1)
    assert {s for s in S if rules.is_overdue(s, late, day)} == TO_DO
    assert not any(rules.is_overdue(s, day, day) or rules.is_overdue(s, None, day) for s in S)

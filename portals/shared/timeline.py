"""Events of a timeline as steps to draw: what happened, by whom, when, and where it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from portals.web.filters import date_text
from portals.web.status import VOCABULARY, badge_of

_BAD = frozenset({"failed", "returned", "rejected", "void", "reversed", "disputed"})
_HOLD = frozenset({"on_hold", "paused", "held", "suspended"})
_MOVING = frozenset(
    {"pending", "approved", "processing", "planning", "draft", "submitted", "running", "ready", "announced"}
)
# The kind of a timeline's subject, and where its words stand in the vocabulary.
_KINDS = {"payment_request": "request"}


@dataclass(frozen=True, slots=True)
class Step:
    """`state` is one of done, now, bad, hold, todo."""

    state: str
    title: str
    note: str


def steps(events: Sequence[Any], kind: str = "") -> list[Step]:
    """Oldest first; the last one is where the thing stands. Events of several things name their own `subject_kind`."""
    last = len(events) - 1
    return [
        _step(kind or _KINDS.get(event.subject_kind, event.subject_kind), event, last=index == last)
        for index, event in enumerate(events)
    ]


def _step(kind: str, event: Any, *, last: bool) -> Step:
    state = "done"
    if event.to_state in _BAD:
        state = "bad"
    elif last and event.to_state in _HOLD:
        state = "hold"
    elif last and event.to_state in _MOVING:
        state = "now"
    known = event.to_state in VOCABULARY.get(kind, {})
    word = str(badge_of(kind, event.to_state).word) if known else event.to_state.replace("_", " ").capitalize()
    note = _("%(actor)s · %(when)s", actor=event.actor, when=date_text(event.at, "full"))
    return Step(state, event.note or word, note)

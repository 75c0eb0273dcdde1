"""Who gets money back when a consultation does not happen. Pure rules; every decision says why in words of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.consultations.states import CancelledBy

FREE_BEFORE = timedelta(hours=24)


class Why(StrEnum):
    """Why money goes back, or does not."""

    EARLY = "early"
    LATE = "late"
    BY_CONSULTANT = "by_consultant"
    BY_PLATFORM = "by_platform"
    CONSULTANT_ABSENT = "consultant_absent"
    CLIENT_ABSENT = "client_absent"
    UNPAID = "unpaid"
    TIME_LOST = "time_lost"

    @property
    def sentence(self) -> str:
        """For the client, and for what is kept with the money."""
        return _SENTENCES[self]

    @property
    def foretold(self) -> str:
        """For the client or the consultant who is about to cancel."""
        return _FORETOLD.get(self, _SENTENCES[self])

    @property
    def told(self) -> str:
        """The same for everybody else: the consultant's statement, the timeline."""
        return _TOLD[self]


_SENTENCES = {
    Why.EARLY: "You cancelled more than 24 hours before the start, so you get everything back.",
    Why.LATE: "You cancelled 24 hours or less before the start, so nothing is refunded.",
    Why.BY_CONSULTANT: "The consultant cancelled, so you get everything back.",
    Why.BY_PLATFORM: "We cancelled, so you get everything back.",
    Why.CONSULTANT_ABSENT: "The consultant did not appear, so you get everything back.",
    Why.CLIENT_ABSENT: "You did not appear, so nothing is refunded.",
    Why.UNPAID: "Nothing was paid, so there is nothing to refund.",
    Why.TIME_LOST: "The payment came after the time was given to somebody else, so you get everything back.",
}
_FORETOLD = {
    Why.EARLY: "You cancel more than 24 hours before the start, so you get everything back.",
    Why.LATE: "You cancel 24 hours or less before the start, so nothing is refunded.",
    Why.BY_CONSULTANT: "You cancel, so the client gets everything back.",
}
_TOLD = {
    Why.EARLY: "The client cancelled more than 24 hours before the start: fully refunded.",
    Why.LATE: "The client cancelled 24 hours or less before the start: no refund, the earning stands.",
    Why.BY_CONSULTANT: "The consultant cancelled: fully refunded.",
    Why.BY_PLATFORM: "Quittance cancelled: fully refunded.",
    Why.CONSULTANT_ABSENT: "The consultant did not appear: fully refunded.",
    Why.CLIENT_ABSENT: "The client did not appear: no refund, the earning stands.",
    Why.UNPAID: "Cancelled before it was paid.",
    Why.TIME_LOST: "Paid after the time was given to somebody else: fully refunded.",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """`refund`: all of what the client paid goes back, and the earning with it."""

    refund: bool
    why: Why


def is_early(now: datetime, clock_at: datetime) -> bool:
    """More than 24 hours left, strictly."""
    return clock_at - now > FREE_BEFORE


def on_cancel(by: CancelledBy, now: datetime, clock_at: datetime) -> Decision:
    """`clock_at`: the start that a free cancellation is counted to (see `clock_after_move`)."""
    if by is CancelledBy.CONSULTANT:
        return Decision(True, Why.BY_CONSULTANT)
    if by is CancelledBy.PLATFORM:
        return Decision(True, Why.BY_PLATFORM)
    early = is_early(now, clock_at)
    return Decision(early, Why.EARLY if early else Why.LATE)


def on_no_show(who: CancelledBy) -> Decision:
    """`who` did not appear. The platform never appears, so it cannot be absent."""
    if who is CancelledBy.PLATFORM:
        raise ValueError("only a client or a consultant can be absent")
    absent = who is CancelledBy.CONSULTANT
    return Decision(absent, Why.CONSULTANT_ABSENT if absent else Why.CLIENT_ABSENT)


def clock_after_move(by: CancelledBy, now: datetime, clock_at: datetime, starts_at: datetime) -> datetime:
    """What the 24 hours count to after a move to `starts_at`.

    A client who moves in the last 24 hours stays in them: moving is no way around. When it is the consultant or the
    platform that moves, the client did not ask for the new time and may decline it by its own clock.
    """
    if by is CancelledBy.CLIENT and not is_early(now, clock_at):
        return clock_at
    return starts_at

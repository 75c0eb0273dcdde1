"""Typed refusals. The web edge maps each to a status and a sentence; services only raise them."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """Something a person asked for and cannot have; the message is shown to them as it is."""

    status = 422

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class Invalid(Refusal):
    """The input is wrong; `fields` names which part and why."""

    status = 422


class Malformed(Refusal):
    """A program sent values that cannot stand together, where the contract says 400; `fields` as with Invalid."""

    status = 400


class Forbidden(Refusal):
    """The actor may not do this."""

    status = 403


class NotFound(Refusal):
    """It does not exist, or not for this actor."""

    status = 404


class Conflict(Refusal):
    """It was possible a moment ago, or clashes with something that is there already."""

    status = 409


class Locked(Refusal):
    """Refused for a while, e.g. after too many wrong passwords."""

    status = 423


class Gone(Refusal):
    """It was valid once: an expired or used link."""

    status = 410


class SwitchedOff(Refusal):
    """This deployment does not offer it."""

    status = 501


class InvalidTransition(Conflict):
    """A state machine refuses the move."""

    def __init__(self, noun: str, current: str, wanted: str) -> None:
        super().__init__(
            f"This {noun} is {str(current).replace('_', ' ')} now and cannot become {str(wanted).replace('_', ' ')}."
        )
        self.current = str(current)
        self.wanted = str(wanted)

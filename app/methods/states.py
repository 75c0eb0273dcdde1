from __future__ import annotations

from enum import StrEnum


class MethodStatus(StrEnum):
    """Active ones may still cool off: changed by the payee and not yet payable, until `usable_from_at`."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Proof(StrEnum):
    """What is known of a destination. The one source are the payouts sent there: nobody asks a bank beforehand.

    Unproven: nothing was sent there that arrived or came back. Proven: the last payout arrived. Doubtful: it failed
    or came back.
    """

    UNPROVEN = "unproven"
    PROVEN = "proven"
    DOUBTFUL = "doubtful"

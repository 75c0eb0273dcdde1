"""Where a pack of seat credits stands, and what became of a credit."""

from __future__ import annotations

from enum import StrEnum


class PackStatus(StrEnum):
    """PENDING: not paid yet, no credits. REFUNDED: what was left goes back, or went. CANCELLED: nobody paid."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


P = PackStatus
TRANSITIONS: dict[PackStatus, frozenset[PackStatus]] = {
    P.PENDING: frozenset({P.ACTIVE, P.CANCELLED}),
    P.ACTIVE: frozenset({P.EXPIRED, P.REFUNDED}),
    P.EXPIRED: frozenset({P.ACTIVE, P.REFUNDED}),  # a credit came back after the end
    P.REFUNDED: frozenset({P.ACTIVE}),  # the refund was refused, or a credit came back after it
    P.CANCELLED: frozenset({P.ACTIVE}),  # the card was charged after all: the provider's word is stronger than ours
}


class CreditKind(StrEnum):
    """What took a credit out of its pack."""

    USED = "used"
    EXPIRED = "expired"
    REFUNDED = "refunded"

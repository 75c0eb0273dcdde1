from __future__ import annotations

from enum import StrEnum


class DepositStatus(StrEnum):
    """Money an organization says it sent; it counts only once the platform saw it at the bank."""

    ANNOUNCED = "announced"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


TRANSITIONS: dict[DepositStatus, frozenset[DepositStatus]] = {
    DepositStatus.ANNOUNCED: frozenset({DepositStatus.CONFIRMED, DepositStatus.REJECTED}),
    DepositStatus.CONFIRMED: frozenset(),
    DepositStatus.REJECTED: frozenset(),
}


class ChargeProvider(StrEnum):
    """Who takes the client's money. SIMULATED: the test card form of sandbox mode. FUNDS: nobody, an organization that
    buys pays from its funds with us. CREDIT: nobody, it gives one of the seat credits it bought."""

    STRIPE = "stripe"
    SIMULATED = "simulated"
    FUNDS = "funds"
    CREDIT = "credit"


class ChargeStatus(StrEnum):
    """UNKNOWN: asked without an answer; looked up at the provider, never charged anew."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


C = ChargeStatus
CHARGE_TRANSITIONS: dict[ChargeStatus, frozenset[ChargeStatus]] = {
    C.PENDING: frozenset({C.UNKNOWN, C.SUCCEEDED, C.FAILED, C.CANCELLED}),
    C.UNKNOWN: frozenset({C.PENDING, C.SUCCEEDED, C.FAILED, C.CANCELLED}),
    C.FAILED: frozenset({C.PENDING, C.SUCCEEDED, C.CANCELLED}),  # another card, the same charge
    C.SUCCEEDED: frozenset(),
    C.CANCELLED: frozenset({C.SUCCEEDED}),  # the provider's word is stronger than ours
}


class ReturnKind(StrEnum):
    REFUND = "refund"
    DISPUTE = "dispute"


class ReturnStatus(StrEnum):
    """CAME_BACK: it had counted as returned, and the client's bank sent it back to us; a person settles that. Of
    a dispute: lost first, and won on appeal."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CAME_BACK = "came_back"


R = ReturnStatus
RETURN_TRANSITIONS: dict[ReturnStatus, frozenset[ReturnStatus]] = {
    R.PENDING: frozenset({R.UNKNOWN, R.SUCCEEDED, R.FAILED}),
    R.UNKNOWN: frozenset({R.PENDING, R.SUCCEEDED, R.FAILED}),
    R.SUCCEEDED: frozenset({R.CAME_BACK}),
    R.FAILED: frozenset({R.SUCCEEDED}),  # a dispute won in the first instance can still be lost
    R.CAME_BACK: frozenset(),  # asked for again it is another return
}

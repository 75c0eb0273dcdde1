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

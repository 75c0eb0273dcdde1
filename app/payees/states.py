from __future__ import annotations

from enum import StrEnum


class PayeeKind(StrEnum):
    CREATOR = "creator"
    CONTRACTOR = "contractor"
    VENDOR = "vendor"
    CONSULTANT = "consultant"
    ORGANIZATION = "organization"


SINGLE_ENGAGEMENT = frozenset({PayeeKind.CONTRACTOR, PayeeKind.VENDOR})  # decision 1


class EngagementStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"

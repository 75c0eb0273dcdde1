from __future__ import annotations

from enum import StrEnum


class PayeeKind(StrEnum):
    CREATOR = "creator"
    CONTRACTOR = "contractor"
    VENDOR = "vendor"
    CONSULTANT = "consultant"
    ORGANIZATION = "organization"


class ProjectBilling(StrEnum):
    """What makes a project of a contractor payable: its approval, or the invoice they send after it."""

    APPROVAL = "approval"
    INVOICE = "invoice"


class EngagementStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"

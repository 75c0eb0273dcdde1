from __future__ import annotations

from enum import StrEnum


class PayeeKind(StrEnum):
    CREATOR = "creator"
    CONTRACTOR = "contractor"
    VENDOR = "vendor"
    CONSULTANT = "consultant"
    ORGANIZATION = "organization"


class BusinessType(StrEnum):
    """What a vendor is in law."""

    LLC = "llc"
    S_CORP = "s_corp"
    C_CORP = "c_corp"
    PARTNERSHIP = "partnership"
    SOLE_PROPRIETOR = "sole_proprietor"

    @property
    def label(self) -> str:
        return _BUSINESS_LABELS[self]


_BUSINESS_LABELS = {
    BusinessType.LLC: "LLC",
    BusinessType.S_CORP: "S corporation",
    BusinessType.C_CORP: "C corporation",
    BusinessType.PARTNERSHIP: "Partnership",
    BusinessType.SOLE_PROPRIETOR: "Sole proprietor",
}


class ProjectBilling(StrEnum):
    """What makes a project of a contractor payable: its approval, or the invoice they send after it."""

    APPROVAL = "approval"
    INVOICE = "invoice"


class EngagementStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"

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
    """Only active ones get new work and send bills. Suspended: what was earned is not paid either, until it ends."""

    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    ENDED = "ended"


class PayeeImportStatus(StrEnum):
    UPLOADED = "uploaded"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class RowOutcome(StrEnum):
    """What became of one row of a file of payees. `known`: the directory had this payee before."""

    WAITING = "waiting"
    ADDED = "added"
    INVITED = "invited"
    KNOWN = "known"
    REFUSED = "refused"


class ApplicationStatus(StrEnum):
    """Unconfirmed: the link mailed to the applicant was not used yet, so nobody is asked to look at it."""

    UNCONFIRMED = "unconfirmed"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    DECLINED = "declined"

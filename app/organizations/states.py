from __future__ import annotations

from enum import StrEnum


class OrganizationKind(StrEnum):
    BUYER = "BUYER"
    PROVIDER = "PROVIDER"
    HYBRID = "HYBRID"


PROVIDES = frozenset({OrganizationKind.PROVIDER, OrganizationKind.HYBRID})  # have consultants of their own


class OrganizationStatus(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class BillingMode(StrEnum):
    """How an organization pays for what its members book. Any of them may be named on a booking that a card pays.

    SEAT_PACK: credits bought ahead. INVOICED_MONTHLY: its funds, within the credit limit.
    """

    TAG_ONLY = "TAG_ONLY"
    SEAT_PACK = "SEAT_PACK"
    INVOICED_MONTHLY = "INVOICED_MONTHLY"


class Role(StrEnum):
    OWNER = "ORG_OWNER"
    ADMIN = "ORG_ADMIN"
    MANAGER = "ORG_MANAGER"
    CONSULTANT = "ORG_CONSULTANT"
    SUPPORT = "ORG_SUPPORT"
    LEARNER = "ORG_LEARNER"

    @property
    def rank(self) -> int:
        return RANKS[self]

    @property
    def label(self) -> str:
        return self.value.removeprefix("ORG_").capitalize()


RANKS: dict[Role, int] = {
    Role.OWNER: 100,
    Role.ADMIN: 80,
    Role.MANAGER: 60,
    Role.CONSULTANT: 40,
    Role.SUPPORT: 30,
    Role.LEARNER: 20,
}


class MemberStatus(StrEnum):
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"


class InvitationStatus(StrEnum):
    """An open invitation past its time reads as expired; it can be sent again."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REVOKED = "REVOKED"


class MemberImportStatus(StrEnum):
    """The words of `app.db.uploads`."""

    UPLOADED = "uploaded"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class InviteeOutcome(StrEnum):
    """What becomes of one line of a file of people."""

    WAITING = "waiting"
    INVITED = "invited"
    KNOWN = "known"  # a member or invited already, or in the file twice
    REFUSED = "refused"

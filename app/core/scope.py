"""Who acts (Actor) and which rows a transaction may see (Scope)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from app.core.errors import Forbidden


class Permission(StrEnum):
    """What a person may do; roles map to sets of these in one table below."""

    REQUEST_READ = "request.read"
    REQUEST_CREATE = "request.create"  # a payee writes a bill of their own
    REQUEST_REVIEW = "request.review"
    BILLS_IMPORT = "bills.import"
    EARNING_RELEASE = "earning.release"  # before its terms have passed
    PAYEE_READ = "payee.read"
    PAYEE_MANAGE = "payee.manage"
    METHOD_MANAGE = "method.manage"
    METHOD_OWN = "method.own"
    BUSINESS_OWN = "business.own"  # a vendor says what it is in law
    FUNDS_READ = "funds.read"
    FUNDS_ANNOUNCE = "funds.announce"
    FUNDS_CONFIRM = "funds.confirm"
    WITHDRAW = "payout.withdraw"
    ORGANIZATION_EARNINGS = "organization.earnings"  # to read what the organization itself earns and was paid
    ORGANIZATION_PAYOUT = "organization.payout"  # to ask for that, and to say where it goes
    PAYOUT_READ = "payout.read"
    PAYOUT_APPROVE = "payout.approve"
    BATCH_MANAGE = "batch.manage"
    MEMBER_READ = "member.read"
    MEMBER_MANAGE = "member.manage"
    CONTRACT_READ = "contract.read"
    CONTRACT_MANAGE = "contract.manage"  # templates, drafts, sending, voiding, filing what was signed elsewhere
    CONTRACT_SIGN = "contract.sign"  # for the organization
    CONTRACT_OWN = "contract.own"  # a payee reads, signs and files contracts of their own
    ORGANIZATION_SETTINGS = "organization.settings"
    PROJECT_READ = "project.read"
    PROJECT_MANAGE = "project.manage"  # assign, edit, approve, ask for a revision
    PROJECT_WORK = "project.work"  # a contractor's own part
    DELIVERABLE_READ = "deliverable.read"
    DELIVERABLE_MANAGE = "deliverable.manage"  # assign, edit, approve, ask for a revision
    DELIVERABLE_WORK = "deliverable.work"  # a creator's own part
    SALES_READ = "sales.read"  # orders, discount codes and stores
    SALES_MANAGE = "sales.manage"  # codes, claims, self-referrals
    SALES_RECORD = "sales.record"  # write orders down: an import, or a program
    STORE_MANAGE = "store.manage"
    AUDIT_READ = "audit.read"
    CONSULTATION_READ = "consultation.read"
    CONSULTATION_OWN = "consultation.own"  # a consultant's own profile, offerings, hours and consultations
    CONSULTATION_MANAGE = "consultation.manage"  # profiles, rates, appointments, no-shows of an organization
    CONSULTATION_BOOK = "consultation.book"  # a client books, cancels and reviews
    ACCOUNT_USE = "account.use"  # book for the organization: named on it, by its credits, from its funds
    CREDIT_READ = "credit.read"  # seat packs, and who used which credit
    CREDIT_BUY = "credit.buy"
    BILLING_READ = "billing.read"  # invoices of an organization that buys, and what is owed
    BILLING_MANAGE = "billing.manage"  # have it billed now, pay an invoice
    APPOINTMENT_RECORD = "appointment.record"  # write appointments down, or take one out: a member, or a program
    MESSAGE = "message"  # read and write to the other side
    FILE_READ = "file.read"
    RECONCILE = "reconcile"  # statements of our accounts, what each line of them is, closing a month of the books
    PLATFORM = "platform"


P = Permission
_SUPPORT = frozenset(
    {P.REQUEST_READ, P.PAYEE_READ, P.PAYOUT_READ, P.FUNDS_READ, P.MEMBER_READ, P.MESSAGE, P.FILE_READ, P.PROJECT_READ}
    | {P.CONTRACT_READ, P.DELIVERABLE_READ, P.SALES_READ, P.CONSULTATION_READ}
)
_MANAGER = _SUPPORT | {
    P.CONTRACT_MANAGE,
    P.DELIVERABLE_MANAGE,
    P.PROJECT_MANAGE,
    P.REQUEST_REVIEW,
    P.BILLS_IMPORT,
    P.CONSULTATION_MANAGE,
    P.PAYEE_MANAGE,
    P.SALES_MANAGE,
    P.SALES_RECORD,
    P.APPOINTMENT_RECORD,
    P.CREDIT_READ,
    P.BILLING_READ,
    P.ACCOUNT_USE,
}
_ADMIN = _MANAGER | {
    P.CONTRACT_SIGN,
    P.EARNING_RELEASE,
    P.METHOD_MANAGE,
    P.FUNDS_ANNOUNCE,
    P.MEMBER_MANAGE,
    P.AUDIT_READ,
    P.ORGANIZATION_SETTINGS,
    P.STORE_MANAGE,
    P.CREDIT_BUY,
    P.BILLING_MANAGE,
    P.ORGANIZATION_EARNINGS,
}
# Member roles as in the HTTP contract; `payee`, `platform_admin`, `system` and `operator` complete the table.
ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    "ORG_OWNER": _ADMIN | {P.ORGANIZATION_PAYOUT},
    "ORG_ADMIN": _ADMIN,
    "ORG_MANAGER": _MANAGER,
    "ORG_SUPPORT": _SUPPORT,
    "ORG_CONSULTANT": frozenset(),
    "ORG_LEARNER": frozenset({P.ACCOUNT_USE}),
    "payee": frozenset(
        {P.REQUEST_READ, P.REQUEST_CREATE, P.METHOD_OWN, P.WITHDRAW, P.PAYOUT_READ, P.MESSAGE, P.FILE_READ}
        | {P.PROJECT_READ, P.PROJECT_WORK, P.CONTRACT_OWN, P.BUSINESS_OWN}
        | {P.DELIVERABLE_READ, P.DELIVERABLE_WORK, P.CONSULTATION_READ, P.CONSULTATION_OWN}
    ),
    "client": frozenset({P.CONSULTATION_READ, P.CONSULTATION_BOOK}),
    "platform_admin": frozenset(P),
    "operator": frozenset(P),
    "system": frozenset(P),
}

# What an API key can be allowed, and what that means; it has these permissions and no role's.
API_SCOPES: dict[str, frozenset[Permission]] = {
    "payees.read": frozenset({P.PAYEE_READ}),
    "payouts.read": frozenset({P.PAYOUT_READ}),
    "orders.read": frozenset({P.SALES_READ}),
    "orders.write": frozenset({P.SALES_READ, P.SALES_RECORD}),
    "appointments.write": frozenset({P.APPOINTMENT_RECORD}),
    "credits.read": frozenset({P.CREDIT_READ}),
    "billing.read": frozenset({P.BILLING_READ}),
    "billing.write": frozenset({P.BILLING_READ, P.BILLING_MANAGE}),
    "statements.write": frozenset({P.RECONCILE}),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a transaction sees. `role` is the database role it runs as."""

    role: str
    organization_id: UUID | None = None
    payee_id: UUID | None = None
    reason: str = ""
    client_account_id: UUID | None = None

    @classmethod
    def organization(cls, organization_id: UUID) -> Scope:
        """Staff of one organization."""
        return cls("quittance_app", organization_id=organization_id)

    @classmethod
    def payee(cls, payee_id: UUID) -> Scope:
        """One payee, across every organization that engages them."""
        return cls("quittance_app", payee_id=payee_id)

    @classmethod
    def client(cls, account_id: UUID) -> Scope:
        """Somebody who books and pays, with what is theirs."""
        return cls("quittance_app", client_account_id=account_id)

    @classmethod
    def public(cls) -> Scope:
        """Nobody in particular: global tables only."""
        return cls("quittance_app")

    @classmethod
    def platform(cls, reason: str) -> Scope:
        """Everything; say why. Queries still filter by organization where they mean one."""
        if not reason:
            raise ValueError("a platform scope needs a reason")
        return cls("quittance_platform", reason=reason)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is doing it, for permissions, the audit trail and the timeline.

    `account_id` is None for the system and for an operator at the command line; `rank` is the member's rank.
    """

    label: str
    role: str
    account_id: UUID | None = None
    organization_id: UUID | None = None
    payee_id: UUID | None = None
    rank: int = 0
    ip: str | None = None
    extra: frozenset[Permission] = field(default_factory=frozenset)

    @property
    def permissions(self) -> frozenset[Permission]:
        return ROLE_PERMISSIONS.get(self.role, frozenset()) | self.extra

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise Forbidden, naming what is missing."""
        if permission not in self.permissions:
            raise Forbidden(f"Your role does not include “{permission.value}”. Ask an owner or admin for access.")

    def require_organization(self, organization_id: UUID) -> None:
        """Raise Forbidden when this actor is tied to another organization."""
        if self.organization_id is not None and self.organization_id != organization_id:
            raise Forbidden("This belongs to another organization.")


def same_person(account_id: UUID | None, label: str, other_id: UUID | None, other_label: str) -> bool:
    """Whether two deeds are one person's: by account, by name where neither has one (operators)."""
    return account_id == other_id if account_id or other_id else label == other_label


SYSTEM = Actor(label="Quittance", role="system")


def operator(label: str = "operator") -> Actor:
    """A person at the command line of the machine itself."""
    return Actor(label=label, role="operator")

"""How a member's organization can pay for a booking: by its billing mode, for roles that may use its account. Pure."""

from __future__ import annotations

from app.consultations.states import PaidBy
from app.core.scope import ROLE_PERMISSIONS, Permission
from app.organizations.queries import Membership
from app.organizations.states import BillingMode

_BY_MODE = {
    BillingMode.TAG_ONLY: (PaidBy.TAG,),
    BillingMode.SEAT_PACK: (PaidBy.TAG, PaidBy.CREDIT),
    BillingMode.INVOICED_MONTHLY: (PaidBy.TAG, PaidBy.INVOICE),
}


def may_use(member: Membership) -> bool:
    """Whether the role includes booking on the organization's account: learners, managers and above."""
    return Permission.ACCOUNT_USE in ROLE_PERMISSIONS[member.role.value]


def ways(member: Membership) -> tuple[PaidBy, ...]:
    """Whoever may use the account can name the organization and pay by card, or use what its mode pays by."""
    return _BY_MODE[member.billing_mode] if may_use(member) else ()


def on_account(member: Membership) -> PaidBy:
    """What booking on its account means: the credit, the funds, or the card of the client with its name."""
    return _BY_MODE[member.billing_mode][-1]


def why_not(member: Membership, paid_by: PaidBy) -> str:
    """Why a way is none of `ways`, for the member."""
    if not may_use(member):
        return (
            f"Your role there is {member.role.label}, which does not book on the account of {member.name}. "
            "Book just for yourself, or ask its owner."
        )
    if paid_by is PaidBy.CREDIT:
        return f"{member.name} does not pay by seat credits. Pay by card."
    return f"{member.name} does not pay for bookings from its funds. Pay by card."

"""How a member's organization can pay for a booking: by its billing mode and their role. Pure."""

from __future__ import annotations

from app.consultations.states import PaidBy
from app.organizations.queries import Membership
from app.organizations.states import BillingMode, Role


def ways(member: Membership) -> tuple[PaidBy, ...]:
    """Any member may name it and pay by card; credits are for all of them, funds for managers and above."""
    if member.billing_mode is BillingMode.SEAT_PACK:
        return (PaidBy.TAG, PaidBy.CREDIT)
    if member.billing_mode is BillingMode.INVOICED_MONTHLY and member.rank >= Role.MANAGER.rank:
        return (PaidBy.TAG, PaidBy.INVOICE)
    return (PaidBy.TAG,)


def why_not(member: Membership, paid_by: PaidBy) -> str:
    """Why a way is none of `ways`, for the member."""
    if paid_by is PaidBy.CREDIT:
        return f"{member.name} does not pay by seat credits. Pay by card."
    if member.billing_mode is not BillingMode.INVOICED_MONTHLY:
        return f"{member.name} does not pay for bookings from its funds. Pay by card."
    return f"Your role there is {member.role.label}, which cannot spend its funds. Pay by card, or ask a manager."

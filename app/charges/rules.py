"""Decisions about money in: pure, no session."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from app.core.errors import Invalid
from app.core.money import Money

LONGEST_REFERENCE = 140
OLDEST = timedelta(days=366)


def check_deposit(amount: Money, reference: str, sent_on: date, today: date) -> None:
    """Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    if amount.minor <= 0:
        wrong["amount"] = "The amount is more than zero."
    if not reference.strip():
        wrong["reference"] = "Give the reference of the bank transfer: we look for it on the statement."
    elif len(reference) > LONGEST_REFERENCE:
        wrong["reference"] = f"A reference has at most {LONGEST_REFERENCE} letters."
    if sent_on > today + timedelta(days=1):  # it may be tomorrow already where they are
        wrong["sent_on"] = "This day has not come yet."
    elif sent_on < today - OLDEST:
        wrong["sent_on"] = "That is more than a year ago."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def may_decide(
    *, announced_by: str, announced_by_account_id: UUID | None, label: str, account_id: UUID | None
) -> str | None:
    """Why this person may not confirm or reject the deposit, or None: maker and checker differ, admins included."""
    same = account_id == announced_by_account_id if account_id or announced_by_account_id else label == announced_by
    return "You announced this deposit yourself; somebody else has to confirm it." if same else None

"""Decisions about payment requests: pure, no session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.core.errors import Invalid
from app.core.formats import format_money
from app.core.money import MAX_MINOR, Money
from app.payables.states import RequestStatus, WorkType

LONGEST_DESCRIPTION = 500
LONGEST_INVOICE_NUMBER = 100
LONGEST_PROJECT = 200
LONGEST_REASON = 1_000
MOST_FILES = 10
OLDEST_INVOICE = timedelta(days=5 * 366)

OPEN_TO_REVIEW = frozenset({RequestStatus.SUBMITTED, RequestStatus.DISPUTED})
OPEN_TO_EDIT = frozenset({RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.REJECTED})


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What a payee writes. `file_ids`: stored files of the payee that are not attached elsewhere."""

    amount: Money
    description: str
    invoice_on: date
    work_type: WorkType = WorkType.OTHER
    invoice_number: str | None = None
    project: str | None = None
    file_ids: Sequence[UUID] = ()

    def cleaned(self) -> RequestForm:
        """Outer spaces gone, empty texts None."""
        return RequestForm(
            self.amount,
            " ".join(self.description.split()),
            self.invoice_on,
            self.work_type,
            (self.invoice_number or "").strip() or None,
            (self.project or "").strip() or None,
            tuple(dict.fromkeys(self.file_ids)),
        )


def check_form(form: RequestForm, today: date) -> None:
    """Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    if form.amount.minor <= 0:
        wrong["amount"] = "The amount is more than zero."
    elif form.amount.minor > MAX_MINOR:
        wrong["amount"] = "The amount is too large."
    if not form.description:
        wrong["description"] = "Say what the money is for."
    elif len(form.description) > LONGEST_DESCRIPTION:
        wrong["description"] = f"At most {LONGEST_DESCRIPTION} letters."
    if form.invoice_number and len(form.invoice_number) > LONGEST_INVOICE_NUMBER:
        wrong["invoice_number"] = f"At most {LONGEST_INVOICE_NUMBER} letters."
    if form.project and len(form.project) > LONGEST_PROJECT:
        wrong["project"] = f"At most {LONGEST_PROJECT} letters."
    if fault := day_fault(form.invoice_on, today):
        wrong["invoice_on"] = fault
    if len(form.file_ids) > MOST_FILES:
        wrong["files"] = f"At most {MOST_FILES} files."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def day_fault(invoice_on: date, today: date) -> str:
    """What is wrong with the date of an invoice, "" when nothing is."""
    if invoice_on > today + timedelta(days=1):  # it may be tomorrow already where they are
        return "This day has not come yet."
    return "That is more than five years ago." if invoice_on < today - OLDEST_INVOICE else ""


def agreed_amount(asked: Money, amount: Money | None, reason: str) -> Money:
    """What an approval is for. Raises Invalid for more than was asked, another currency, or less without a reason."""
    if amount is None or amount == asked:
        return asked
    if amount.currency != asked.currency:
        raise Invalid(f"The request is in {asked.currency}.", fields={"amount": f"Give it in {asked.currency}."})
    if not amount:
        says = "Nothing is no amount to approve: reject the bill instead."
        raise Invalid(says, fields={"amount": says})
    if (amount.minor > 0) != (asked.minor > 0) or abs(amount.minor) > abs(asked.minor):
        most = format_money(asked)
        raise Invalid(f"Approve an amount up to {most}.", fields={"amount": f"At most {most}."})
    if not reason.strip():
        raise Invalid("Say why it is another amount: the payee reads it.", fields={"reason": "Give a reason."})
    return amount


def clean_reason(reason: str) -> str:
    """Raises Invalid when there is none."""
    cleaned = " ".join(reason.split())
    if not cleaned:
        raise Invalid("Say why: the payee reads it.", fields={"reason": "Give a reason."})
    if len(cleaned) > LONGEST_REASON:
        raise Invalid("The reason is too long.", fields={"reason": f"At most {LONGEST_REASON} letters."})
    return cleaned


def may_review(status: RequestStatus, submitted_by_account_id: UUID | None, account_id: UUID | None) -> str | None:
    """Why this person may not decide on the request, or None. Who asks does not approve."""
    if status not in OPEN_TO_REVIEW:
        return f"It is {status.value} already." if status is not RequestStatus.DRAFT else "It is not submitted."
    if account_id is not None and account_id == submitted_by_account_id:
        return "You submitted it yourself; somebody else has to decide."
    return None


def approval_note(asked: Money, approved: Money, reason: str) -> str | None:
    """What everyone reads on the timeline."""
    if approved == asked:
        return " ".join(reason.split()) or None
    return f"{format_money(approved)} of {format_money(asked)} approved: {' '.join(reason.split())}"

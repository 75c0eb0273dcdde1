"""Paying invoices. Money always arrives in the organization's funds; an invoice is paid by what is set against it.

The caller acts as the platform and has checked the permission.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import func, select, text

from app.audit import service as audit
from app.billing.documents import DocumentKind
from app.billing.invoice_models import Invoice, InvoicePayment
from app.billing.invoice_states import InvoiceStatus, PaidWith
from app.charges import promised
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor
from app.core.topics import Topic
from app.db import locks, outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger

BANK = "bank"  # the rail whose cash account transfers arrive on
LONGEST_REFERENCE = 140


def locked(session: ScopedSession, invoice_id: UUID) -> Invoice:
    """Still until commit. Raises NotFound."""
    query = select(Invoice).where(Invoice.id == invoice_id).with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def transferred(
    session: ScopedSession, actor: Actor, invoice_id: UUID, *, amount: Money, reference: str, received_on: date
) -> Invoice:
    """A bank transfer for an invoice arrived. What is more than it asks stays in the organization's funds.

    The same transfer once more changes nothing. Raises NotFound, Invalid, Conflict for what is not issued, and for
    another transfer under a reference that is known: it would be lost, or pay without money.
    """
    reference = " ".join(reference.split())
    invoice = locked(session, invoice_id)
    wrong: dict[str, str] = {}
    if amount.minor <= 0 or amount.currency != invoice.currency:
        wrong["amount"] = f"An amount above zero in {invoice.currency}."
    if not 0 < len(reference) <= LONGEST_REFERENCE:
        wrong["reference"] = f"What the bank statement says, at most {LONGEST_REFERENCE} letters."
    if received_on > utc_now().date():
        wrong["received_on"] = "This day has not come yet."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    if invoice.kind is DocumentKind.CREDIT_NOTE:
        raise Conflict("Only an invoice that was sent can be paid.")
    if _recorded(session, invoice, amount, reference, received_on):
        return invoice
    posted = ledger.post(
        session, recipes.INVOICE_PAID, ref=f"{BANK}:{reference}", organization_id=invoice.organization_id,
        amount=amount, rail=BANK, memo=invoice.number,
    )  # fmt: skip
    if not posted:
        raise Conflict("A transfer with this reference is being recorded. Look at it again.")
    if invoice.open:
        _set_against(session, actor, invoice, min(amount, invoice.open), PaidWith.BANK, reference, received_on)
    cover(session, actor, invoice.organization_id, invoice.currency)
    outbox.emit(session, Topic.FUNDS_ARRIVED, organization_id=invoice.organization_id)
    return invoice


_TRANSFER = text(
    """SELECT e.memo AS number, l.currency, abs(l.amount_minor) AS minor
    FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id AND l.account = 'cash'
    WHERE e.organization_id = :organization_id AND e.kind = :kind AND e.ref = :ref"""
)


def _recorded(session: ScopedSession, invoice: Invoice, amount: Money, reference: str, received_on: date) -> bool:
    """Whether this very transfer was. Raises Conflict for another one that had the same reference."""
    session.flush()
    before = session.execute(
        _TRANSFER,
        {"organization_id": invoice.organization_id, "kind": recipes.INVOICE_PAID.kind, "ref": f"{BANK}:{reference}"},
    ).one_or_none()
    set_against = session.scalar(
        select(InvoicePayment).where(InvoicePayment.paid_with == PaidWith.BANK, InvoicePayment.reference == reference)
    )
    if before is None and set_against is None:
        return False
    same = before is not None and (before.number, before.minor, before.currency) == (
        invoice.number, amount.minor, amount.currency
    )  # fmt: skip
    if same and (set_against is None or set_against.received_on == received_on):
        return True
    sentence = "Another transfer was recorded with this reference. Add what tells this one from it, like its day."
    raise Conflict(sentence, fields={"reference": sentence})


def paid_by_card(session: ScopedSession, actor: Actor, invoice_id: UUID, *, amount: Money, charge_id: UUID) -> Invoice:
    """The card that was charged for an invoice paid: the charge posted the money, this sets it against the invoice.

    Twice changes nothing; what another payment left nothing of stays in the funds. Raises NotFound.
    """
    invoice = locked(session, invoice_id)
    if not _known(session, PaidWith.CARD, str(charge_id)) and invoice.open:
        part = min(amount, invoice.open)
        _set_against(session, actor, invoice, part, PaidWith.CARD, str(charge_id), utc_now().date())
    return invoice


_OPEN = text(
    """SELECT id FROM invoices WHERE organization_id = :organization_id AND currency = :currency AND status = 'sent'
    AND kind <> 'credit_note' ORDER BY due_on, id FOR UPDATE"""
)
_OWED = text(
    """SELECT CAST(coalesce(sum(total_minor - paid_minor - credited_minor), 0) AS bigint) FROM invoices
    WHERE organization_id = :organization_id AND currency = :currency AND status = 'sent' AND kind <> 'credit_note'"""
)
_UNBILLED = text(
    """SELECT CAST(coalesce(sum(amount_minor), 0) AS bigint) FROM unbilled_charges
    WHERE organization_id = :organization_id AND currency = :currency"""
)


def cover(session: ScopedSession, actor: Actor, organization_id: UUID, currency: str) -> Money:
    """Set what the organization has with us against its open invoices, the one due first before the others.

    Everything billed was taken from the funds when it was charged, so what the funds are short of is what nobody has
    paid yet; the rest of the open invoices is covered. What is promised to others is no part of it. Returns how much
    was set against them.
    """
    locks.hold(session, "funds", organization_id, currency)
    session.flush()
    of = {"organization_id": organization_id, "currency": currency}
    ids = list(session.scalars(_OPEN, of))
    if not ids:
        return Money(0, currency)
    owed, waiting = int(session.scalar(_OWED, of) or 0), int(session.scalar(_UNBILLED, of) or 0)
    funds = ledger.funds(session, organization_id, currency) - promised.to_others(session, organization_id, currency)
    left = max(0, min(owed, owed + waiting + funds.minor))
    covered = left
    for invoice_id in ids:
        if not left:
            break
        invoice = locked(session, invoice_id)
        part = min(Money(left, currency), invoice.open)
        left -= part.minor
        reference = f"{invoice.number} · {_times(session, invoice.id) + 1}"
        _set_against(session, actor, invoice, part, PaidWith.FUNDS, reference, utc_now().date())
    return Money(covered, currency)


def offset(session: ScopedSession, actor: Actor, invoice: Invoice, note: Invoice) -> Money:
    """Set a credit note against the invoice it corrects, as far as that is open. Both are locked."""
    part = min(invoice.open, note.open)
    if part:
        note.credited_minor += part.minor
        _set_against(session, actor, invoice, part, PaidWith.CREDIT, note.number, utc_now().date())
    return part


def take_back(session: ScopedSession, actor: Actor, invoice: Invoice, part: Money, reference: str, why: str) -> None:
    """A card payment went back: so much of the invoice is open again, and reminders of it begin anew. The invoice is
    locked; `reference` is the return's id."""
    session.add(
        InvoicePayment(
            id=new_id(), organization_id=invoice.organization_id, invoice_id=invoice.id, amount_minor=-part.minor,
            currency=part.currency, paid_with=PaidWith.CARD, reference=reference, received_on=utc_now().date(),
            recorded_by=actor.label, recorded_by_account_id=actor.account_id,
        )
    )  # fmt: skip
    invoice.paid_minor -= part.minor
    if invoice.status is InvoiceStatus.PAID:
        invoice.advance(InvoiceStatus.SENT)
        invoice.paid_at = None
    invoice.reminded_days = 0
    session.flush()
    audit.record(
        session, actor, "invoice.taken_back", "invoice", invoice.id, organization_id=invoice.organization_id,
        amount_minor=part.minor, why=why,
    )  # fmt: skip


def _times(session: ScopedSession, invoice_id: UUID) -> int:
    """How often something was set against it, or taken back. It is locked."""
    query = select(func.count()).select_from(InvoicePayment).where(InvoicePayment.invoice_id == invoice_id)
    return int(session.scalar(query) or 0)


def _known(session: ScopedSession, paid_with: PaidWith, reference: str) -> bool:
    query = select(InvoicePayment.id).where(
        InvoicePayment.paid_with == paid_with, InvoicePayment.reference == reference
    )  # fmt: skip
    return session.scalar(query) is not None


def _set_against(
    session: ScopedSession, actor: Actor, invoice: Invoice, part: Money, paid_with: PaidWith, reference: str, on: date
) -> None:  # fmt: skip
    session.add(
        InvoicePayment(
            id=new_id(), organization_id=invoice.organization_id, invoice_id=invoice.id, amount_minor=part.minor,
            currency=part.currency, paid_with=paid_with, reference=reference, received_on=on, recorded_by=actor.label,
            recorded_by_account_id=actor.account_id,
        )
    )  # fmt: skip
    if paid_with is PaidWith.CREDIT:
        invoice.credited_minor += part.minor
    else:
        invoice.paid_minor += part.minor
    if not invoice.open and invoice.status is InvoiceStatus.SENT:
        invoice.advance(InvoiceStatus.PAID)
        invoice.paid_at = utc_now()
        outbox.emit(session, Topic.INVOICE_PAID, invoice_id=invoice.id)
    session.flush()
    audit.record(
        session, actor, "invoice.paid", "invoice", invoice.id, organization_id=invoice.organization_id,
        amount_minor=part.minor, paid_with=paid_with.value,
    )  # fmt: skip

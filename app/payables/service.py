"""Payment requests as payees write them: draft, submit, edit, withdraw, accept or dispute. Reviewing is in `review`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.formats import format_day
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db import locks, numbering
from app.db.session import ScopedSession
from app.db.types import new_id
from app.earnings import service as earnings
from app.payables import letters, rules
from app.payables.models import PaymentRequest
from app.payables.rules import RequestForm
from app.payables.states import RequestStatus
from app.payees.models import Engagement
from app.payees.states import EngagementStatus

SUBJECT = "payment_request"


class LooksRepeated(Conflict):
    """Another request of the same amount and day is there; `references` names them. Submit again with `even_so`."""

    def __init__(self, references: Sequence[str]) -> None:
        named = ", ".join(references)
        super().__init__(f"You asked for the same amount with the same date before ({named}). Is it another one?")
        self.references = list(references)


def draft(session: ScopedSession, actor: Actor, organization_id: UUID, form: RequestForm) -> PaymentRequest:
    """Keep a request that is not sent yet. Raises Forbidden, NotFound, Invalid, Conflict for a known invoice number."""
    made, _ = _new(session, actor, organization_id, form)
    _add(session, made, form)
    _note(session, actor, made, None, None)
    return made


def submit_new(
    session: ScopedSession, actor: Actor, organization_id: UUID, form: RequestForm, *, even_so: bool = False
) -> PaymentRequest:
    """Write and send a request in one go. Raises as `draft`, and LooksRepeated unless `even_so`."""
    made, engagement = _new(session, actor, organization_id, form)
    _send(session, actor, made, engagement.status, even_so=even_so)
    _add(session, made, form)
    _note(session, actor, made, None, None, action="submitted")
    letters.received(session, made)
    return made


def submit(
    session: ScopedSession, actor: Actor, request_id: UUID, *, version: int | None = None, even_so: bool = False
) -> PaymentRequest:
    """Send a draft, or a rejected request once more.

    Raises Forbidden, NotFound, InvalidTransition, LooksRepeated unless `even_so`, Conflict when it changed meanwhile.
    """
    request = _own(session, actor, request_id, version)
    before = request.status
    engagement_status = session.scalar(
        select(Engagement.status).where(
            Engagement.organization_id == request.organization_id, Engagement.payee_id == request.payee_id
        )
    )
    _send(session, actor, request, engagement_status, even_so=even_so)
    _note(session, actor, request, before, None, action="submitted")
    letters.received(session, request)
    return request


def edit(
    session: ScopedSession,
    actor: Actor,
    request_id: UUID,
    form: RequestForm,
    *,
    version: int | None = None,
    even_so: bool = False,
) -> PaymentRequest:
    """Change a request until it was reviewed. Who reviews it with the old content on screen is refused then.

    Raises Forbidden, NotFound, Invalid, Conflict, LooksRepeated unless `even_so` when what is sent already becomes
    like another one.
    """
    request = _own(session, actor, request_id, version)
    if request.status not in rules.OPEN_TO_EDIT:
        raise Conflict(f"This request is {request.status.value} and cannot be changed any more.")
    form = form.cleaned()
    rules.check_form(form, today())
    _refuse_known_invoice(session, request.organization_id, request.payee_id, form.invoice_number, request.id)
    changed = (request.amount, request.invoice_on) != (form.amount, form.invoice_on)
    if request.status is RequestStatus.SUBMITTED and changed and not even_so:
        _refuse_repeated(session, request, form.amount, form.invoice_on)
    _fill(request, form)
    session.flush()
    _attach(session, request, form.file_ids)
    _note(session, actor, request, request.status, "Changed by its writer.", action="edited")
    return request


def withdraw(session: ScopedSession, actor: Actor, request_id: UUID, *, version: int | None = None) -> PaymentRequest:
    """Take a submitted request back to the drafts. Raises Forbidden, NotFound, InvalidTransition, Conflict."""
    request = _own(session, actor, request_id, version)
    before = request.status
    request.advance(RequestStatus.DRAFT)
    request.submitted_at = None
    _note(session, actor, request, before, "Taken back.", action="withdrawn")
    return request


def cancel(session: ScopedSession, actor: Actor, request_id: UUID, *, version: int | None = None) -> PaymentRequest:
    """Give a request up for good. Raises Forbidden, NotFound, InvalidTransition, Conflict."""
    request = _own(session, actor, request_id, version)
    before = request.status
    request.advance(RequestStatus.CANCELLED)
    _note(session, actor, request, before, None, action="cancelled")
    return request


def accept(session: ScopedSession, actor: Actor, request_id: UUID) -> PaymentRequest:
    """Agree to a reduced amount without waiting. Raises Forbidden, NotFound, Conflict when nothing waits for a yes."""
    request = _own(session, actor, request_id, None)
    earning_id = _waiting_earning(session, request)
    earnings.accept_reduced(session, actor, earning_id)
    _note(session, actor, request, request.status, "The payee accepted the amount.", action="accepted")
    letters.answered(session, request, request.approved or request.amount)
    return request


def dispute(session: ScopedSession, actor: Actor, request_id: UUID, reason: str) -> PaymentRequest:
    """Refuse a reduced amount within its window: the approval is taken back and the organization decides again.

    Raises Forbidden, NotFound, Invalid without a reason, Conflict once the window has passed.
    """
    reason = rules.clean_reason(reason)
    request = _own(session, actor, request_id, None)
    earning_id = _waiting_earning(session, request)
    before = request.status
    request.advance(RequestStatus.DISPUTED)
    request.round += 1
    session.flush()
    earnings.cancel_held(session, actor, earning_id, "The payee disputes the amount.")
    _note(session, actor, request, before, reason, action="disputed")
    letters.answered(session, request, request.approved or request.amount, reason)
    return request


_WAITING = text(
    """SELECT e.id FROM earnings e JOIN held_earnings h ON h.earning_id = e.id AND h.reason = 'acceptance'
    WHERE e.organization_id = :organization_id AND e.source_kind = 'payment_request' AND e.source_id = :id
        AND e.source_round = :round"""
)


def _waiting_earning(session: Session, request: PaymentRequest) -> UUID:
    found: UUID | None = session.execute(
        _WAITING, {"organization_id": request.organization_id, "id": request.id, "round": request.round}
    ).scalar()
    if found is None:
        raise Conflict("The amount cannot be accepted or disputed (any more).")
    return found


def _new(
    session: ScopedSession, actor: Actor, organization_id: UUID, form: RequestForm
) -> tuple[PaymentRequest, Engagement]:
    """A checked draft that is not in the session yet: a refusal leaves nothing behind."""
    actor.require(Permission.REQUEST_CREATE)
    if actor.payee_id is None:
        raise Forbidden("Only a payee writes payment requests.")
    form = form.cleaned()
    rules.check_form(form, today())
    engagement = session.scalar(
        select(Engagement).where(Engagement.organization_id == organization_id, Engagement.payee_id == actor.payee_id)
    )
    if engagement is None:
        raise NotFound("You do not work for this organization.")
    _refuse_known_invoice(session, organization_id, actor.payee_id, form.invoice_number, None)
    request = PaymentRequest(
        id=new_id(),
        organization_id=organization_id,
        payee_id=actor.payee_id,
        status=RequestStatus.DRAFT,
        round=1,
        created_at=utc_now(),
    )
    _fill(request, form)
    return request, engagement


def _add(session: ScopedSession, request: PaymentRequest, form: RequestForm) -> None:
    request.reference = _reference(session, request.organization_id)
    session.add(request)
    session.flush()
    _attach(session, request, form.cleaned().file_ids)


def _fill(request: PaymentRequest, form: RequestForm) -> None:
    if request.import_id is None or request.invoice_on != form.invoice_on:
        request.due_on = None  # by the terms, from the date that is written now
    request.amount_minor, request.currency = form.amount.minor, form.amount.currency
    request.approved_minor = None
    request.description, request.project = form.description, form.project
    request.work_type, request.invoice_on = form.work_type, form.invoice_on
    request.invoice_number = form.invoice_number


def _reference(session: ScopedSession, organization_id: UUID) -> str:
    """REQ-00001 and on; numbers that an imported file brought along are passed over."""
    with session.elevated("the number series belongs to the organization"):
        while True:
            wanted = f"REQ-{numbering.take(session, organization_id, 'payment requests', 0):05d}"
            taken = select(PaymentRequest.id).where(
                PaymentRequest.organization_id == organization_id, PaymentRequest.reference == wanted
            )
            if session.scalar(taken) is None:
                return wanted


def _refuse_known_invoice(
    session: Session, organization_id: UUID, payee_id: UUID, number: str | None, besides: UUID | None
) -> None:
    locks.hold(session, "requests of", organization_id, payee_id)  # two forms sent at once see each other
    taken = number_taken(session, organization_id, payee_id, number, besides)
    if taken:
        raise Conflict(f"Invoice {number} was sent before.", fields={"invoice_number": taken})


def number_taken(
    session: Session, organization_id: UUID, payee_id: UUID, number: str | None, besides: UUID | None = None
) -> str:
    """Which bill of the payee has this invoice number already, in a sentence; "" when it is free."""
    if not number:
        return ""
    found = session.execute(
        select(PaymentRequest.reference, PaymentRequest.invoice_on, PaymentRequest.status).where(
            PaymentRequest.organization_id == organization_id,
            PaymentRequest.payee_id == payee_id,
            func.lower(PaymentRequest.invoice_number) == number.lower(),
            PaymentRequest.status != RequestStatus.CANCELLED,
            PaymentRequest.id != besides if besides else PaymentRequest.id.is_not(None),
        )
    ).first()
    if found is None:
        return ""
    of = "a draft" if found.status is RequestStatus.DRAFT else "a bill"
    return f"This number is used already, for {of} of {format_day(found.invoice_on)} ({found.reference})."


_ATTACH = text(
    """UPDATE stored_files SET subject_id = :id WHERE id = ANY(:file_ids) AND payee_id = :payee_id
    AND organization_id = :organization_id AND purpose = 'attachment' AND (subject_id IS NULL OR subject_id = :id)"""
)


def _attach(session: Session, request: PaymentRequest, file_ids: Sequence[UUID]) -> None:
    if not file_ids:
        return
    done = session.execute(
        _ATTACH,
        {
            "id": request.id,
            "file_ids": list(file_ids),
            "payee_id": request.payee_id,
            "organization_id": request.organization_id,
        },
    )
    if getattr(done, "rowcount", 0) != len(set(file_ids)):
        raise Invalid("A file is not there any more. Choose it again.", fields={"files": "Choose the files again."})


def _send(
    session: Session,
    actor: Actor,
    request: PaymentRequest,
    engagement_status: EngagementStatus | None,
    *,
    even_so: bool,
) -> None:
    if engagement_status is not EngagementStatus.ACTIVE:
        said = f" ({engagement_status.value})" if engagement_status else ""
        raise Conflict(f"Your engagement is not active{said}: ask the organization before you send a bill.")
    if not even_so:
        _refuse_repeated(session, request, request.amount, request.invoice_on)
    request.advance(RequestStatus.SUBMITTED)
    request.submitted_at = utc_now()
    request.submitted_by_account_id = actor.account_id
    request.approved_minor = None
    request.reviewed_at = request.reviewed_by = request.reviewed_by_account_id = request.review_reason = None


def _refuse_repeated(session: Session, request: PaymentRequest, amount: Money, invoice_on: date) -> None:
    """Raises LooksRepeated when another bill of the payee is of this amount and day."""
    like = session.scalars(
        select(PaymentRequest.reference)
        .where(
            PaymentRequest.organization_id == request.organization_id,
            PaymentRequest.payee_id == request.payee_id,
            PaymentRequest.amount_minor == amount.minor,
            PaymentRequest.currency == amount.currency,
            PaymentRequest.invoice_on == invoice_on,
            PaymentRequest.id != request.id,
            PaymentRequest.status.not_in([RequestStatus.CANCELLED, RequestStatus.DRAFT]),
        )
        .limit(5)
    ).all()
    if like:
        raise LooksRepeated(like)


def _own(session: Session, actor: Actor, request_id: UUID, version: int | None) -> PaymentRequest:
    """The signed-in payee's request, locked. Raises Forbidden, NotFound, Conflict for another version."""
    actor.require(Permission.REQUEST_CREATE)
    request = session.scalar(
        select(PaymentRequest)
        .where(PaymentRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if request is None or actor.payee_id is None or request.payee_id != actor.payee_id:
        raise NotFound("There is no such payment request.")
    refuse_other_version(request, version)
    return request


def refuse_other_version(request: PaymentRequest, version: int | None) -> None:
    """Raises Conflict when the request is not as the person saw it."""
    if version is not None and request.version != version:
        raise Conflict("This request was changed in the meantime. Look at it again before you decide.")


def _note(
    session: Session,
    actor: Actor,
    request: PaymentRequest,
    before: RequestStatus | None,
    note: str | None,
    *,
    action: str = "drafted",
) -> None:
    session.flush()
    audit.timeline(
        session, actor, SUBJECT, request.id, request.status.value, from_state=before.value if before else None,
        note=note, organization_id=request.organization_id, payee_id=request.payee_id,
    )  # fmt: skip
    audit.record(
        session, actor, f"request.{action}", SUBJECT, request.id, organization_id=request.organization_id,
        reference=request.reference, amount_minor=request.amount_minor, currency=request.currency,
    )  # fmt: skip

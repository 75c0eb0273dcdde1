"""Corrections that people make to what a payee earned: a reason for the payee, notes for the platform, and a second
person above a limit. What is applied is an earning like any other, ready at once; the next payout nets what it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.money import MAX_MINOR, Money, exponent
from app.core.scope import Actor, Permission
from app.db import paging
from app.db.session import ScopedSession
from app.db.types import new_id
from app.earnings import recording
from app.earnings.models import EarningKind
from app.earnings.rate_models import Adjustment, AdjustmentKind, AdjustmentNote, AdjustmentStatus
from app.organizations.models import FundsPolicy, Organization
from app.payees.models import Engagement, Payee

SOURCE = "adjustment"
LIMIT_MAJOR = 500  # in whole units of any currency, where the organization names no limit of its own
LONGEST = 500
LABELS = {
    AdjustmentKind.REFUND: "Refund",
    AdjustmentKind.CHARGEBACK: "Chargeback",
    AdjustmentKind.MANUAL: "Correction",
    AdjustmentKind.BONUS: "Bonus",
}
_TAKES = (AdjustmentKind.REFUND, AdjustmentKind.CHARGEBACK)


def limit(session: ScopedSession, organization_id: UUID, currency: str) -> Money:
    """Up to this, either way, one person is enough: the organization's limit for payouts, or 500 of any currency."""
    own = session.scalar(
        select(FundsPolicy.second_approval_minor).where(
            FundsPolicy.organization_id == organization_id, FundsPolicy.currency == currency
        )
    )
    return Money(LIMIT_MAJOR * 10 ** exponent(currency) if own is None else own, currency)


def make(
    session: ScopedSession,
    actor: Actor,
    *,
    organization_id: UUID,
    payee_id: UUID,
    kind: AdjustmentKind,
    amount: Money,
    reason: str,
    note: str = "",
    subject_kind: str | None = None,
    subject_id: UUID | None = None,
) -> Adjustment:
    """Give (above zero) or take (below): applied at once up to the limit, else submitted to a second person.

    `reason` is what the payee reads, `note` what the platform keeps to itself. Refunds and chargebacks take, a bonus
    gives. Raises Forbidden, NotFound without an engagement, Invalid naming every bad field. Needs a platform scope.
    """
    actor.require(Permission.PLATFORM)
    _check(kind, amount, reason, note)
    engaged = session.scalar(
        select(Engagement.id).where(Engagement.organization_id == organization_id, Engagement.payee_id == payee_id)
    )
    if engaged is None:
        raise NotFound("This payee does not work for this organization.")
    made = Adjustment(
        id=new_id(),
        organization_id=organization_id,
        payee_id=payee_id,
        kind=kind,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason=reason.strip(),
        subject_kind=subject_kind,
        subject_id=subject_id,
        status=AdjustmentStatus.SUBMITTED,
        made_by=actor.label,
        made_by_account_id=actor.account_id,
    )
    session.add(made)
    session.flush()
    if note.strip():
        _write(session, actor, made.id, note)
    _note(session, actor, made, "adjustment.made")
    if abs(amount.minor) <= limit(session, organization_id, amount.currency).minor:
        _apply(session, actor, made)
    return made


def _check(kind: AdjustmentKind, amount: Money, reason: str, note: str) -> None:
    fields = {}
    if not 0 < abs(amount.minor) <= MAX_MINOR:
        fields["amount"] = "Give an amount, above or below zero."
    elif kind in _TAKES and amount.minor > 0:
        fields["amount"] = "This kind takes: the amount is below zero."
    elif kind is AdjustmentKind.BONUS and amount.minor < 0:
        fields["amount"] = "A bonus gives: the amount is above zero."
    if not reason.strip():
        fields["reason"] = "Say why: the payee reads it."
    for name, text in (("reason", reason), ("note", note)):
        if len(text) > LONGEST:
            fields[name] = f"At most {LONGEST} letters."
    if fields:
        raise Invalid(" ".join(fields.values()), fields=fields)


def apply(session: ScopedSession, actor: Actor, adjustment_id: UUID, note: str = "") -> Adjustment:
    """The second person agrees. Raises Forbidden (also for who made it), NotFound, InvalidTransition."""
    found = _to_decide(session, actor, adjustment_id)
    if note.strip():
        _write(session, actor, found.id, note)
    found.decided_by, found.decided_by_account_id, found.decided_at = actor.label, actor.account_id, utc_now()
    _apply(session, actor, found)
    return found


def decline(session: ScopedSession, actor: Actor, adjustment_id: UUID, note: str) -> Adjustment:
    """The second person does not agree; the payee never hears of it. Raises as `apply`, and Invalid without a note."""
    if not note.strip():
        raise Invalid("Say why, for who made it.", fields={"note": "Say why, for who made it."})
    found = _to_decide(session, actor, adjustment_id)
    found.advance(AdjustmentStatus.DECLINED)
    found.decided_by, found.decided_by_account_id, found.decided_at = actor.label, actor.account_id, utc_now()
    _write(session, actor, found.id, note)
    _note(session, actor, found, "adjustment.declined")
    return found


def _to_decide(session: ScopedSession, actor: Actor, adjustment_id: UUID) -> Adjustment:
    actor.require(Permission.PLATFORM)
    found = _locked(session, adjustment_id)
    known = actor.account_id or found.made_by_account_id
    same = actor.account_id == found.made_by_account_id if known else actor.label == found.made_by
    if same:
        raise Forbidden("You made this adjustment yourself; somebody else has to decide on it.")
    return found


def _locked(session: ScopedSession, adjustment_id: UUID) -> Adjustment:
    found = session.scalar(select(Adjustment).where(Adjustment.id == adjustment_id).with_for_update())
    if found is None:
        raise NotFound("There is no such adjustment.")
    return found


def _apply(session: ScopedSession, actor: Actor, found: Adjustment) -> None:
    found.advance(AdjustmentStatus.APPLIED)
    zone = session.scalar(select(Organization.time_zone).where(Organization.id == found.organization_id)) or "UTC"
    now = utc_now()
    found.earning_id = recording.record(
        session, actor, found.organization_id, found.payee_id, found.amount,
        kind=EarningKind.ADJUSTMENT, rule=f"adjustment_{found.kind.value}", source_kind=SOURCE, source_id=found.id,
        earned_on=now.astimezone(ZoneInfo(zone)).date(), description=f"{LABELS[found.kind]}: {found.reason}",
        available_at=now,
    )  # fmt: skip
    session.flush()
    _note(session, actor, found, "adjustment.applied")


def add_note(session: ScopedSession, actor: Actor, adjustment_id: UUID, text: str) -> None:
    """Raises Forbidden, NotFound, Invalid. Needs a platform scope."""
    actor.require(Permission.PLATFORM)
    if not 0 < len(text.strip()) <= LONGEST:
        raise Invalid("Write a note.", fields={"note": f"Between 1 and {LONGEST} letters."})
    _write(session, actor, _locked(session, adjustment_id).id, text)


def _write(session: ScopedSession, actor: Actor, adjustment_id: UUID, text: str) -> None:
    session.add(AdjustmentNote(id=new_id(), adjustment_id=adjustment_id, author=actor.label, text=text.strip()))
    session.flush()


def _note(session: ScopedSession, actor: Actor, found: Adjustment, action: str) -> None:
    audit.record(
        session, actor, action, "adjustment", found.id, organization_id=found.organization_id, kind=found.kind.value,
        payee_id=found.payee_id, amount_minor=found.amount_minor, currency=found.currency,
    )  # fmt: skip


_COLUMNS = (
    Adjustment.id, Adjustment.organization_id, Adjustment.payee_id, Adjustment.kind, Adjustment.amount_minor,
    Adjustment.currency, Adjustment.reason, Adjustment.subject_kind, Adjustment.subject_id, Adjustment.status,
    Adjustment.made_by, Adjustment.made_by_account_id, Adjustment.decided_by, Adjustment.decided_at,
    Adjustment.earning_id, Adjustment.created_at, Payee.name.label("payee"), Organization.name.label("organization"),
)  # fmt: skip
_KEY = paging.Key((Adjustment.created_at, Adjustment.id), ("created_at", "id"))


def adjustments(
    session: ScopedSession,
    *,
    status: AdjustmentStatus | None = None,
    payee_id: UUID | None = None,
    organization_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """For admins: the columns of an adjustment with `payee` and `organization` (names), newest first."""
    query: paging.AnySelect = (
        select(*_COLUMNS)
        .join(Payee, Payee.id == Adjustment.payee_id)
        .join(Organization, Organization.id == Adjustment.organization_id)
    )
    if status is not None:
        query = query.where(Adjustment.status == status)
    if payee_id is not None:
        query = query.where(Adjustment.payee_id == payee_id)
    if organization_id is not None:
        query = query.where(Adjustment.organization_id == organization_id)
    return paging.fetch(session, query, _KEY, cursor, limit)


def adjustment(session: ScopedSession, adjustment_id: UUID) -> paging.AnyRow:
    """One of `adjustments`. Raises NotFound."""
    found = session.execute(
        select(*_COLUMNS)
        .join(Payee, Payee.id == Adjustment.payee_id)
        .join(Organization, Organization.id == Adjustment.organization_id)
        .where(Adjustment.id == adjustment_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such adjustment.")
    return found


def notes(session: ScopedSession, adjustment_id: UUID) -> Sequence[paging.AnyRow]:
    """author, text, created_at, oldest first. Needs a platform scope."""
    return session.execute(
        select(AdjustmentNote.author, AdjustmentNote.text, AdjustmentNote.created_at)
        .where(AdjustmentNote.adjustment_id == adjustment_id)
        .order_by(AdjustmentNote.created_at, AdjustmentNote.id)
        .limit(200)
    ).all()

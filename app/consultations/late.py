"""Money that had gone back to a client and came back to us: the client's bank refused a refund after the provider had
counted it, or a dispute that was lost is won on appeal. Everything it moved is moved the other way, beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.charges import client_service as client
from app.charges.client_models import ChargeReturn
from app.charges.states import ReturnKind, ReturnStatus
from app.consultations import money, organization_part, standing
from app.consultations.models import Consultation, ConsultationReturn
from app.consultations.states import ConsultationStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.earnings import recording
from app.earnings import service as earnings
from app.earnings.models import EarningKind, HoldReason
from app.earnings.recording import NewEarning
from app.organizations.models import Organization

AHEAD = (ConsultationStatus.PENDING, ConsultationStatus.BOOKED)
LONGEST_NOTE = 500


def came_back(session: ScopedSession, actor: Actor, return_id: UUID, message: str) -> None:
    """What counted as returned is with us again. Idempotent; what was not returned yet is `money.not_returned`.

    The charge can be refunded again. Consultants get what they gave back as an earning of the same amount; it waits
    until a person refunds anew or says that the money stays. An appeal that was won needs nobody.
    """
    with session.elevated("the books of money that came back"):
        of, back = client.locked_return(session, return_id)
        if back.status is not ReturnStatus.SUCCEEDED:
            return
        held = money.consultation_of(session, of)
        rows = session.scalars(
            select(ConsultationReturn).where(ConsultationReturn.return_id == back.id).order_by(ConsultationReturn.id)
        ).all()
        client.post_came_back(session, actor, of, back, message)
        recording.record_many(session, actor, _undone(session, held, back, rows))
        money.go_on(session, actor, of)


def stays(session: ScopedSession, actor: Actor, return_id: UUID, note: str) -> None:
    """A person settled a refund that came back or was refused: the client is not owed it (any more), what was earned
    goes on. Credits of a pack stay where they are.

    Refunding anew is `money.give_back`, which settles it, too. Raises Forbidden, NotFound, Invalid without a note,
    Conflict for what is settled, was tried again or went back.
    """
    actor.require(Permission.PLATFORM)
    if not note.strip():
        raise Invalid("Say how it was settled.", fields={"note": "Say how it was settled."})
    if len(note.strip()) > LONGEST_NOTE:
        raise Invalid("This is too long.", fields={"note": f"At most {LONGEST_NOTE} letters."})
    with session.elevated("a refund that came back is settled"):
        of, back = client.locked_return(session, return_id)
        refused = back.kind is ReturnKind.REFUND and back.status is ReturnStatus.FAILED
        retried = client.by_key(session, client.next_key(back.key)) is not None
        if not (refused or back.status is ReturnStatus.CAME_BACK) or back.settled_at is not None or retried:
            raise Conflict("There is nothing to settle (any more).")
        client.settled(session, actor, back, note.strip())
        if of.subject_kind != money.SUBJECT:
            return
        held = money.consultation_of(session, of)
        if held.status in AHEAD or standing.undecided(session, [held.id]) or client.promised_back(session, of):
            money.go_on(session, actor, of)
        else:
            earnings.release_these(session, actor, standing.earning_ids(session, [held.id]))


def _undone(
    session: ScopedSession, held: Consultation, back: ChargeReturn, rows: Sequence[ConsultationReturn]
) -> list[NewEarning]:
    zone = session.scalar(select(Organization.time_zone).where(Organization.id == held.organization_id)) or "UTC"
    what = "Refund that came back" if back.kind is ReturnKind.REFUND else "Chargeback won on appeal"
    day = utc_now().astimezone(ZoneInfo(zone)).date()
    return organization_part.undone(session, held, back, day, what) + [
        NewEarning(
            organization_id=row.organization_id,
            payee_id=row.payee_id,
            amount=Money(row.amount_minor, held.currency),
            kind=EarningKind.REVERSAL,
            rule="booking_reversal_undone",
            rule_detail={"consultation_id": str(held.id), "reason": back.reason, "returned_minor": back.amount_minor},
            source_kind=money.UNDONE_SOURCE,
            source_id=row.id,
            earned_on=day,
            description=f"{what}: {held.title} with {held.client_first_name}",
            available_at=None,
            hold_reason=HoldReason.REFUND if back.settled_at is None else HoldReason.SESSION,
        )
        for row in rows
    ]

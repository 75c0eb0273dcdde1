"""What the platform's people do about a consultation by hand: say who was there, give money back, tell what a bank
decided. The rules are those of `ending` and `money`; here are permission, words and trail.

What is written here is read by the consultant too, so it may not name the client (`privacy.payee_facing`).
"""

from __future__ import annotations

from uuid import UUID

from app.billing import invoice_cards, pack_returns, packs
from app.charges import client_queries, client_service
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ReturnKind, ReturnStatus
from app.consultations import ending, late, money
from app.consultations.ending import Ended
from app.consultations.models import Consultation
from app.consultations.privacy import payee_facing
from app.consultations.records import client_of, locked, note
from app.consultations.states import CancelledBy
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.formats import format_money
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession

_LONGEST_REFERENCE = 100


def cancel(session: ScopedSession, actor: Actor, consultation_id: UUID, reason: str) -> Ended:
    """The platform calls it off: everything goes back. Raises as `ending.cancel`, Invalid without a reason."""
    found = _found(session, actor, consultation_id)
    return ending.cancel(session, actor, found.id, CancelledBy.PLATFORM, _words(session, found, reason))


def no_show(session: ScopedSession, actor: Actor, consultation_id: UUID, who: CancelledBy, reason: str) -> Ended:
    """`who` did not appear. Raises as `ending.no_show`, Invalid without a reason."""
    found = _found(session, actor, consultation_id)
    return ending.no_show(session, actor, found.id, who, _words(session, found, reason))


def complete(session: ScopedSession, actor: Actor, consultation_id: UUID, reason: str) -> None:
    """It was held, whatever was said or not said before. Raises Invalid without a reason, Conflict before the start and
    for what was cancelled or never paid."""
    found = _found(session, actor, consultation_id)
    words = _words(session, found, reason)
    if found.starts_at > utc_now():
        raise Conflict("It has not begun yet.")
    if not ending.complete(session, actor, [found.id]):
        raise Conflict(f"This consultation is {found.status.value.replace('_', ' ')}: it cannot count as held.")
    note(session, actor, found, found.status.value, f"Counted as held by hand: {words}", action="completed_by_hand")


def refund(
    session: ScopedSession, actor: Actor, consultation_id: UUID, amount: Money | None, reason: str, note: str = ""
) -> ChargeReturn:
    """Money goes back to the client (None: all that is left); it counts once the provider says so.

    `reason` is for the consultant, `note` for the platform alone. It goes the way it was paid. Raises Forbidden,
    NotFound, Conflict for what was not paid, Invalid for more than is left and without a reason.
    """
    found = _found(session, actor, consultation_id)
    words = _words(session, found, reason)
    back = money.give_back(session, actor, found.id, amount=amount, kind=ReturnKind.REFUND, reason=words, note=note)
    _tell(session, actor, found, f"A refund of {_amount(back)} was asked for: {words}", "refund_asked")
    return back


def try_again(session: ScopedSession, actor: Actor, return_id: UUID) -> ChargeReturn:
    """A refund that was refused or came back is asked for once more, as a refund of its own; the first stays as it is.

    Twice is once: the second call gives the same refund. Raises Forbidden, NotFound, Conflict for what was not refused
    or when all of it went back meanwhile.
    """
    match _subject(session, actor, return_id):
        case packs.SUBJECT:
            return pack_returns.refund_again(session, actor, return_id)
        case invoice_cards.SUBJECT:
            return invoice_cards.refund_again(session, actor, return_id)
    found, of, refused = _return(session, actor, return_id)
    if refused.kind is not ReturnKind.REFUND or refused.status not in (ReturnStatus.FAILED, ReturnStatus.CAME_BACK):
        raise Conflict("Only a refund that was refused or came back can be tried again.")
    key = client_service.next_key(refused.key)
    known = client_service.by_key(session, key)
    if known is not None:
        return known
    if refused.settled_at is not None:
        raise Conflict("This is settled. Ask for another refund if money has to go back.")
    left = of.refundable - client_service.promised_back(session, of)
    amount = min(refused.amount, left)
    back = money.give_back(
        session, actor, found.id, amount=amount if amount else None, kind=ReturnKind.REFUND, reason=refused.reason,
        key=key,
    )  # fmt: skip
    _tell(session, actor, found, f"The refund of {_amount(back)} was asked for again.", "refund_tried_again")
    return back


def disputed(
    session: ScopedSession,
    actor: Actor,
    consultation_id: UUID,
    amount: Money | None,
    reference: str,
    reason: str,
    note: str = "",
) -> ChargeReturn:
    """The client's bank questions the charge, and its news did not reach us. `reference` is the provider's number of
    the dispute: late news of it are then known. Raises as `refund`, Conflict for a number of another charge."""
    found = _found(session, actor, consultation_id)
    words, number = _words(session, found, reason), reference.strip()
    if not 0 < len(number) <= _LONGEST_REFERENCE or " " in number or not number.isprintable():
        raise Invalid("Write the dispute’s number.", fields={"reference": "The provider’s number of the dispute."})
    of = money.charge_of(session, found.id)
    if of is not None and of.provider not in client_service.BY_CARD:
        raise Conflict("No card was charged, so no bank can question it.")
    known = client_service.by_reference(session, number)
    if known is not None and (of is None or known.charge_id != of.id or known.kind is not ReturnKind.DISPUTE):
        raise Conflict("This number belongs to something else already.")
    if known is not None:
        return known
    back = money.give_back(
        session, actor, found.id, amount=amount, kind=ReturnKind.DISPUTE, reason=words, note=note, reference=number
    )
    _tell(session, actor, found, f"The client’s bank questioned {_amount(back)}: {words}", "disputed")
    return back


def dispute_decided(session: ScopedSession, actor: Actor, return_id: UUID, *, lost: bool) -> None:
    """What the bank decided, also after it had decided otherwise; the same again changes nothing.

    Raises Forbidden, NotFound, Conflict when it was won on appeal, which is the end of it.
    """
    match _subject(session, actor, return_id):
        case packs.SUBJECT:
            pack_returns.dispute_decided(session, actor, return_id, lost=lost)
        case invoice_cards.SUBJECT:
            invoice_cards.dispute_decided(session, actor, return_id, lost=lost)
        case _:
            _decided(session, actor, return_id, lost=lost)


def _decided(session: ScopedSession, actor: Actor, return_id: UUID, *, lost: bool) -> None:
    found, _of, back = _return(session, actor, return_id)
    if back.kind is not ReturnKind.DISPUTE:
        raise NotFound("There is no such dispute.")
    if back.status is ReturnStatus.CAME_BACK and lost:
        raise Conflict("This was won on appeal.")
    if back.status in ((ReturnStatus.SUCCEEDED,) if lost else (ReturnStatus.FAILED, ReturnStatus.CAME_BACK)):
        return
    if lost:
        money.returned(session, actor, back.id)
        _tell(session, actor, found, f"The dispute over {_amount(back)} was lost.", "dispute_lost")
    elif back.status is ReturnStatus.SUCCEEDED:
        late.came_back(session, actor, back.id, "The dispute was won on appeal.")
        _tell(session, actor, found, f"The dispute over {_amount(back)} was won on appeal.", "dispute_won")
    else:
        money.not_returned(session, actor, back.id, "The dispute was won.")
        _tell(session, actor, found, f"The dispute over {_amount(back)} was won.", "dispute_won")


def _found(session: ScopedSession, actor: Actor, consultation_id: UUID) -> Consultation:
    actor.require(Permission.PLATFORM)
    return locked(session, consultation_id)


def _subject(session: ScopedSession, actor: Actor, return_id: UUID) -> str:
    actor.require(Permission.PLATFORM)
    return str(client_queries.one_return(session, return_id).subject_kind)


def _return(session: ScopedSession, actor: Actor, return_id: UUID) -> tuple[Consultation, Charge, ChargeReturn]:
    """All three still until commit, the consultation first, as everywhere. Raises Forbidden, NotFound."""
    actor.require(Permission.PLATFORM)
    row = client_queries.one_return(session, return_id)
    if row.subject_kind != money.SUBJECT:
        raise NotFound("This is not money of a consultation.")
    found = locked(session, row.subject_id)
    return found, *client_service.locked_return(session, return_id)


def _words(session: ScopedSession, found: Consultation, reason: str) -> str:
    account = client_of(session, found)
    return payee_facing(reason, account.name, account.email)


def _tell(session: ScopedSession, actor: Actor, found: Consultation, text: str, action: str) -> None:
    note(session, actor, found, found.status.value, text, action=action)


def _amount(back: ChargeReturn) -> str:
    return format_money(back.amount)

"""What a person decides about money that goes back, whatever the charge is for."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import func, select

from app.charges import client_service as client
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ReturnKind, ReturnStatus
from app.core.errors import Conflict, NotFound
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession


def to_try_again(session: ScopedSession, actor: Actor, return_id: UUID) -> tuple[Charge, ChargeReturn, str]:
    """A refund that was refused or came back, its charge, and the key of the next one; both locked.

    Raises Forbidden, NotFound, Conflict for what was not refused or is settled.
    """
    actor.require(Permission.PLATFORM)
    of, refused = client.locked_return(session, return_id)
    refusal = refused.status in (ReturnStatus.FAILED, ReturnStatus.CAME_BACK) and refused.kind is ReturnKind.REFUND
    if not refusal or refused.settled_at is not None:
        raise Conflict("Only a refund that was refused or came back, and is not settled, can be tried again.")
    return of, refused, client.next_key(refused.key)


def tried_again(session: ScopedSession, actor: Actor, return_id: UUID) -> ChargeReturn | None:
    """The refund that was asked for after this one; twice is once. Raises Forbidden, NotFound."""
    actor.require(Permission.PLATFORM)
    _, refused = client.locked_return(session, return_id)
    return client.by_key(session, client.next_key(refused.key))


def came_back_before(session: ScopedSession, back: ChargeReturn) -> bool:
    """Whether a refund, or the one it was tried again after, counted as returned and came back."""
    first = back.key.partition(".")[0]
    found = select(ChargeReturn.id).where(
        ChargeReturn.charge_id == back.charge_id,
        ChargeReturn._status == ReturnStatus.CAME_BACK,
        func.split_part(ChargeReturn.key, ".", 1) == first,
    )
    return session.scalar(found.limit(1)) is not None


def dispute_decided(
    session: ScopedSession,
    actor: Actor,
    return_id: UUID,
    *,
    lost: bool,
    returned: Callable[[ScopedSession, Actor, UUID], None],
    came_back: Callable[[ScopedSession, Actor, UUID, str], None],
    not_returned: Callable[[ScopedSession, Actor, UUID, str], None],
) -> None:
    """What the bank decided, told by a person; the same again changes nothing.

    Raises Forbidden, NotFound, Conflict when it was won on appeal, which is the end of it.
    """
    actor.require(Permission.PLATFORM)
    _, back = client.locked_return(session, return_id)
    if back.kind is not ReturnKind.DISPUTE:
        raise NotFound("There is no such dispute.")
    if lost and back.status is ReturnStatus.CAME_BACK:
        raise Conflict("This was won on appeal.")
    if lost:
        returned(session, actor, back.id)
    elif back.status is ReturnStatus.SUCCEEDED:
        came_back(session, actor, back.id, "The dispute was won on appeal.")
    elif back.status not in (ReturnStatus.FAILED, ReturnStatus.CAME_BACK):
        not_returned(session, actor, back.id, "The dispute was won.")

"""Money between accounts of our own, such as a top-up of a provider's balance from the bank.

Posted in the platform's books when it is sent (cash of one account → on its way) and when it ended (→ cash of the
other, or back).
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.billing.profiles import house_of
from app.core.clock import today, utc_now
from app.core.errors import Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db import paging
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from app.rails.accounts import ACCOUNTS
from app.reconciliation.models import OwnTransfer
from app.reconciliation.states import TransferStatus

SUBJECT = "own_transfer"
LONGEST_REFERENCE = 140


def send(
    session: ScopedSession, actor: Actor, *, from_account: str, to_account: str, amount: Money, reference: str,
    sent_on: date,
) -> OwnTransfer:  # fmt: skip
    """Write down what somebody sent at the bank. Raises Forbidden, Invalid naming every bad field."""
    actor.require(Permission.RECONCILE)
    wrong: dict[str, str] = {}
    if from_account not in ACCOUNTS:
        wrong["from_account"] = "Choose one of our accounts."
    if to_account not in ACCOUNTS or to_account == from_account:
        wrong["to_account"] = "Choose another one of our accounts."
    if amount.minor <= 0:
        wrong["amount"] = "The amount is more than zero."
    if not 4 <= len(reference.strip()) <= LONGEST_REFERENCE:
        wrong["reference"] = f"What both statements will say, 4 to {LONGEST_REFERENCE} letters."
    if sent_on > today():
        wrong["sent_on"] = "This day has not come yet."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    made = OwnTransfer(
        id=new_id(), from_account=from_account, to_account=to_account, amount_minor=amount.minor,
        currency=amount.currency, reference=reference.strip(), sent_on=sent_on, _status=TransferStatus.SENT,
        recorded_by=actor.label, recorded_by_account_id=actor.account_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _post(session, recipes.TRANSFER_SENT, made, from_account)
    _note(session, actor, "transfer.sent", made)
    return made


def arrived(session: ScopedSession, actor: Actor, transfer_id: UUID) -> OwnTransfer:
    """It is in the other account. Raises Forbidden, NotFound, InvalidTransition."""
    return _ended(session, actor, transfer_id, TransferStatus.ARRIVED)


def came_back(session: ScopedSession, actor: Actor, transfer_id: UUID) -> OwnTransfer:
    """It never arrived and is in the first account again. Raises Forbidden, NotFound, InvalidTransition."""
    return _ended(session, actor, transfer_id, TransferStatus.CAME_BACK)


def _ended(session: ScopedSession, actor: Actor, transfer_id: UUID, to: TransferStatus) -> OwnTransfer:
    actor.require(Permission.RECONCILE)
    found = find(session, transfer_id, lock=True)
    found.advance(to)
    found.ended_by, found.ended_at = actor.label, utc_now()
    session.flush()
    account = found.to_account if to is TransferStatus.ARRIVED else found.from_account
    _post(session, recipes.TRANSFER_ARRIVED, found, account)
    _note(session, actor, f"transfer.{to.value}", found)
    return found


def _post(session: ScopedSession, recipe: recipes.Recipe, transfer: OwnTransfer, account: str) -> None:
    ledger.post(
        session, recipe, ref=str(transfer.id), organization_id=house_of(session), amount=transfer.amount,
        rail=account, memo=transfer.reference,
    )  # fmt: skip


def _note(session: Session, actor: Actor, action: str, transfer: OwnTransfer) -> None:
    audit.record(
        session, actor, action, SUBJECT, transfer.id, amount_minor=transfer.amount_minor, currency=transfer.currency,
        from_account=transfer.from_account, to_account=transfer.to_account, reference=transfer.reference,
    )  # fmt: skip


def find(session: Session, transfer_id: UUID, *, lock: bool = False) -> OwnTransfer:
    """Raises NotFound."""
    query = select(OwnTransfer).where(OwnTransfer.id == transfer_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such transfer.")
    return found


def transfers(session: Session, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT) -> paging.Page:
    """id, from_account, to_account, amount_minor, currency, reference, sent_on, status, recorded_by, ended_by,
    created_at; newest first."""
    query: paging.AnySelect = select(
        OwnTransfer.id, OwnTransfer.from_account, OwnTransfer.to_account, OwnTransfer.amount_minor,
        OwnTransfer.currency, OwnTransfer.reference, OwnTransfer.sent_on, OwnTransfer._status.label("status"),
        OwnTransfer.recorded_by, OwnTransfer.ended_by, OwnTransfer.created_at,
    )  # fmt: skip
    key = paging.Key((OwnTransfer.created_at, OwnTransfer.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)

"""Accounts at Stripe that payees are paid into: asked for, connected, followed, let go. Nothing here calls a network.

A page or job asks Stripe between two transactions (`app.rails.stripe_accounts`) and gives what it said to `record`.
A payout method follows from an account once it can be paid, and is unusable while it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core import stripe_wire
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import SYSTEM, Actor
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.methods import rules
from app.methods.connect_models import BankPayoutStatus, ConnectedAccount
from app.methods.models import Method
from app.methods.service import may_change, sealed_columns, tell
from app.methods.states import MethodStatus
from app.payees.models import Payee
from app.payees.states import BusinessType
from app.rails import stripe_codes
from app.rails.registry import available
from app.rails.stripe_accounts import Account, NewAccount
from app.rails.stripe_accounts import rail as stripe
from app.rails.stripe_connect import pays_in

NAME = "stripe_connect"


def why_not(country: str | None) -> str:
    """Why a payee in this country cannot be paid into a Stripe account, and by which ways instead; "" where they can.

    The country of the payee counts: Stripe opens the account there, and cannot move it later.
    """
    if not country:
        return "Say in which country you are."
    if pays_in(country):
        return ""
    others = [rail.label for rail in available(None, country) if not rail.connects and not rail.sandbox_only]
    instead = f" You can be paid by: {', '.join(others)}." if others else ""
    return f"Stripe cannot move our money to an account in your country.{instead}"


_COUNTRY = text(
    """SELECT coalesce(o.country, p.country) FROM payees p LEFT JOIN organizations o ON o.id = p.own_organization_id
    WHERE p.id = :payee_id"""
)


def check_country(country: str) -> None:
    """Of an account that exists already. Raises Conflict where it cannot be paid."""
    wrong = why_not(country)
    if wrong:
        raise Conflict(wrong)


def country_of(session: Session, payee_id: UUID) -> str:
    """The payee's, or of the organization the payee is; "" where we know of none."""
    return session.execute(_COUNTRY, {"payee_id": payee_id}).scalar_one_or_none() or ""


def standing(row: ConnectedAccount) -> str:
    """One word: ready, waiting (for Stripe), due (for the payee), unfinished, stopped."""
    if row.disabled_reason.startswith(("rejected", "platform_paused", "listed", "under_review")):
        return "stopped"
    if not row.details_submitted:
        return "unfinished"
    if row.past_due or row.currently_due:
        return "due"
    return "ready" if row.transfers == "active" else "waiting"


def live(session: Session, payee_id: UUID) -> ConnectedAccount | None:
    """The account connected now."""
    return session.scalar(
        select(ConnectedAccount).where(ConnectedAccount.payee_id == payee_id, ConnectedAccount.gone_at.is_(None))
    )


def offered() -> bool:
    """Whether accounts can be connected in this deployment."""
    return any(rail.name == NAME for rail in available())


def begin(session: ScopedSession, actor: Actor, payee_id: UUID, country: str = "") -> NewAccount:
    """What to ask Stripe for. `country` counts only where we know of none.

    Raises Forbidden, NotFound, Conflict where it is not offered, Invalid for the country.
    """
    payee = may_change(session, actor, payee_id)
    if not offered():
        raise Conflict("Stripe accounts are not offered here now.")
    country = country_of(session, payee_id) or country.strip().upper()
    wrong = why_not(country)
    if wrong:
        raise Invalid(wrong, fields={"country": wrong})
    alone = payee.business_type in (None, BusinessType.SOLE_PROPRIETOR) and payee.own_organization_id is None
    return NewAccount(payee.id.hex, country, payee.email or "", not alone)


def may_connect(session: ScopedSession, actor: Actor, payee_id: UUID) -> None:
    """Raises Forbidden, NotFound, Conflict where accounts are not offered."""
    may_change(session, actor, payee_id)
    if not offered():
        raise Conflict("Stripe accounts are not offered here now.")


def record(session: ScopedSession, actor: Actor, payee_id: UUID, found: Account) -> ConnectedAccount:
    """How the account stands now, for the payee who connects it. The same again changes nothing.

    Raises Forbidden, NotFound, Conflict when another account is connected already.
    """
    may_change(session, actor, payee_id)
    locks.hold(session, "methods of", payee_id)
    now = live(session, payee_id)
    if now is not None and now.account != found.id:
        raise Conflict("Another Stripe account is connected. Disconnect it first.")
    row = session.scalar(
        select(ConnectedAccount).where(
            ConnectedAccount.payee_id == payee_id, ConnectedAccount.account == found.id
        )
    )  # fmt: skip
    if row is None:
        row = ConnectedAccount(
            id=new_id(), payee_id=payee_id, account=found.id, country=found.country, read_at=utc_now(),
            currently_due=[], past_due=[], pending=[],
        )  # fmt: skip
        session.add(row)
        audit.record(session, actor, "stripe_account.connected", "payee", payee_id, payee_id=payee_id)
    row.gone_at = None
    _take_over(session, actor, row, found)
    return row


def follow(session: ScopedSession, account: str, found: Account | None) -> int:
    """What Stripe says of an account now; None: it is not connected to us any more. Needs a platform scope.

    Returns how many payees it is of.
    """
    rows = session.scalars(
        select(ConnectedAccount)
        .where(ConnectedAccount.account == account, ConnectedAccount.gone_at.is_(None))
        .order_by(ConnectedAccount.id)
    ).all()
    for row in rows:
        locks.hold(session, "methods of", row.payee_id)
        if found is None:
            _gone(session, SYSTEM, row, "disconnected at Stripe")
        else:
            _take_over(session, SYSTEM, row, found)
    return len(rows)


def known(session: Session, accounts: Sequence[str]) -> set[str]:
    """Those of these accounts that are connected. Needs a platform scope."""
    query = select(ConnectedAccount.account).where(
        ConnectedAccount.account.in_(accounts), ConnectedAccount.gone_at.is_(None)
    )
    return set(session.scalars(query)) if accounts else set()


def due_for_a_look(session: Session, unheard: timedelta, most: int = 50) -> list[str]:
    """Accounts last read longer ago than that, the longest first. Needs a platform scope."""
    query = (
        select(ConnectedAccount.account)
        .where(ConnectedAccount.gone_at.is_(None), ConnectedAccount.read_at < utc_now() - unheard)
        .order_by(ConnectedAccount.read_at)
        .limit(most)
    )
    return list(dict.fromkeys(session.scalars(query)))


def payouts_read(session: Session, account: str) -> None:
    """Its payouts to the bank were asked for now. Needs a platform scope."""
    session.execute(
        update(ConnectedAccount).where(ConnectedAccount.account == account).values(payouts_read_at=utc_now())
    )


def disconnect(session: ScopedSession, actor: Actor, payee_id: UUID) -> None:
    """Not paid there any more. Raises Forbidden, NotFound."""
    may_change(session, actor, payee_id)
    locks.hold(session, "methods of", payee_id)
    row = live(session, payee_id)
    if row is None:
        raise NotFound("No Stripe account is connected.")
    _gone(session, actor, row, "disconnected")


def _take_over(session: ScopedSession, actor: Actor, row: ConnectedAccount, found: Account) -> None:
    row.own_dashboard, row.country, row.currency = found.own_dashboard, found.country or row.country, found.currency
    row.details_submitted, row.payouts_enabled = found.details_submitted, found.payouts_enabled
    row.transfers, row.disabled_reason, row.deadline_at = found.transfers, found.disabled_reason, found.deadline
    row.currently_due, row.past_due, row.pending = [
        list(n) for n in (found.currently_due, found.past_due, found.pending)
    ]
    row.read_at = utc_now()
    session.flush()
    method = session.get(Method, row.method_id) if row.method_id else None
    if method is None or method.status is not MethodStatus.ACTIVE:
        if found.payable and (method is None or actor is not SYSTEM):  # removed by its payee, it stays so
            row.method_id = _add(session, actor, row).id
            session.flush()
        return
    because = None if found.payable else unusable(found.disabled_reason)
    if because == method.unusable_because:
        return
    method.unusable_because = because
    session.flush()
    payee = session.get_one(Payee, row.payee_id)
    _note(session, actor, method, "unusable" if because else "usable", because or "It can be paid again.")
    tell(session, payee, method, f"stopped by its provider. {because}" if because else "allowed again by its provider")


def unusable(disabled_reason: str) -> str:
    """Plain words for an account that cannot be paid."""
    return stripe_codes.disabled(disabled_reason) or "Stripe does not let this account be paid now."


def _add(session: ScopedSession, actor: Actor, row: ConnectedAccount) -> Method:
    """Their first method is used at once, another after 72 hours, and is the default where there is none."""
    payee = session.get_one(Payee, row.payee_id)
    ever = session.scalars(select(Method).where(Method.payee_id == row.payee_id)).all()
    default = not any(m.is_default and m.currency is None and m.status is MethodStatus.ACTIVE for m in ever)
    method_id, now = new_id(), utc_now()
    made = Method(
        id=method_id,
        payee_id=row.payee_id,
        rail=NAME,
        is_default=default,
        status=MethodStatus.ACTIVE,
        usable_from_at=rules.usable_from(now, by_payee=True, had_method=bool(ever)),
        added_by_account_id=actor.account_id,
        added_by=actor.label,
        **sealed_columns(stripe(), {"account": row.account}, method_id),
    )
    session.add(made)
    session.flush()
    _note(session, actor, made, "added", f"{made.label} {made.last4}")
    tell(session, payee, made, "added")
    return made


def _gone(session: ScopedSession, actor: Actor, row: ConnectedAccount, what: str) -> None:
    row.gone_at = utc_now()
    session.flush()
    audit.record(session, actor, "stripe_account.disconnected", "payee", row.payee_id, payee_id=row.payee_id)
    method = session.get(Method, row.method_id) if row.method_id else None
    if method is None or method.status is not MethodStatus.ACTIVE:
        return
    method.status, method.is_default = MethodStatus.DISABLED, False
    session.flush()
    _note(session, actor, method, "disabled", what)
    tell(session, session.get_one(Payee, row.payee_id), method, what)


def _note(session: ScopedSession, actor: Actor, method: Method, to_state: str, note: str) -> None:
    audit.record(
        session, actor, f"method.{to_state}", "method", method.id, organization_id=actor.organization_id,
        payee_id=method.payee_id, rail=method.rail, last4=method.last4, currency=method.currency,
    )  # fmt: skip
    with session.elevated("a method belongs to the payee, not to an organization"):
        audit.timeline(session, actor, "method", method.id, to_state, note=note, payee_id=method.payee_id)


# Later words win; what was paid may still fail within days.
_RANK = "array_position(ARRAY['pending', 'in_transit', 'paid', 'canceled', 'failed'], {column})"
_TOLD = text(
    f"""INSERT INTO connected_payouts AS c (id, payee_id, account, reference, amount_minor, currency, status, made_at,
        arrival_on, failure_code, trace)
    SELECT uuidv7(), a.payee_id, a.account, :reference, :amount_minor, :currency, :status, :made_at, :arrival_on,
        :failure_code, :trace
    FROM connected_accounts a WHERE a.account = :account
    ON CONFLICT (payee_id, reference) DO UPDATE SET status = excluded.status, arrival_on = excluded.arrival_on,
        failure_code = excluded.failure_code, trace = excluded.trace
    WHERE {_RANK.format(column="excluded.status")} >= {_RANK.format(column="c.status")}
    RETURNING payee_id, status"""
)
_ACCOUNT_KNOWN = text("SELECT count(*) FROM connected_accounts WHERE account = :account")


def bank_payout(session: ScopedSession, evidence: Mapping[str, str]) -> bool:
    """News of what Stripe pays to a payee's bank, told or asked for; older news change nothing. Needs a platform scope.

    False when the account is nobody's here, or the news cannot be understood.
    """
    account = evidence["account"]
    if not session.execute(_ACCOUNT_KNOWN, {"account": account}).scalar_one():
        return False
    try:
        amount = stripe_wire.inward(int(evidence["amount"]), evidence["currency"])
        status = BankPayoutStatus(evidence["status"])
    except (KeyError, ValueError):
        return False
    arrival, made = int(evidence["arrival"]), int(evidence["made"])
    session.execute(
        _TOLD,
        {
            "account": account, "reference": evidence["payout"], "amount_minor": amount.minor,
            "currency": amount.currency, "status": status.value, "made_at": datetime.fromtimestamp(made, UTC),
            "arrival_on": datetime.fromtimestamp(arrival, UTC).date() if arrival else None,
            "failure_code": evidence.get("failure", ""), "trace": evidence.get("trace", ""),
        },
    )  # fmt: skip
    return True

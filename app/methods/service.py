"""Payout methods: added, made default, disabled, and opened only for a reason that is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core import crypto
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import CURRENCIES
from app.core.scope import Actor, Permission
from app.core.settings import settings
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import SealedText, new_id
from app.methods import rules
from app.methods.models import Method
from app.methods.states import MethodStatus
from app.notify import service as notify
from app.payees import queries as payees
from app.payees.kinds import spec_of
from app.payees.models import Payee
from app.rails.base import Rail
from app.rails.registry import RAILS

INDEX_PURPOSE = "methods.details"


def seal_context(method_id: UUID) -> str:
    """What a sealed destination is bound to: it opens in its own row only."""
    return f"methods.details:{method_id}"


def sealed_columns(rail: Rail, destination: Mapping[str, str], method_id: UUID) -> dict[str, Any]:
    """The columns that stand for a destination: sealed, its blind index, and what may be shown."""
    return {
        "label": rail.label,
        "last4": rail.last4(destination),
        "details_sealed": SealedText(crypto.seal(dict(destination), seal_context(method_id))),
        "details_index": details_index(rail, destination),
    }


def details_index(rail: Rail, destination: Mapping[str, str]) -> str:
    """Equal for equal destinations, whoever they belong to, and telling nothing else."""
    return crypto.blind_index(rules.index_text(rail.name, rail.fields, destination), INDEX_PURPOSE)


def add(
    session: ScopedSession,
    actor: Actor,
    payee_id: UUID,
    *,
    rail: str,
    fields: Mapping[str, str],
    currency: str | None = None,
    default: bool = True,
) -> Method:
    """Add a way to be paid; the default of its currency (None: of any) moves to it. Nothing sealed is returned open.

    A payee who has or had a method waits 72 hours before the new one is used. Every address known of them, lately
    too, is told by mail, and so are addresses that are themselves the old or the new destination.

    Raises Forbidden, NotFound, Invalid naming each bad field, Conflict for the same destination twice.
    """
    payee = may_change(session, actor, payee_id)
    chosen, destination = _checked(rail, fields, currency)
    locks.hold(session, "methods of", payee_id)
    ever = session.scalars(select(Method).where(Method.payee_id == payee_id)).all()
    mine = [m for m in ever if m.status is MethodStatus.ACTIVE]
    method_id, now = new_id(), utc_now()
    columns = sealed_columns(chosen, destination, method_id)
    if any(m.details_index == columns["details_index"] and m.currency == currency for m in mine):
        raise Conflict("You are paid there already.", fields={"rail": "This destination is on your list."})
    left = [m for m in mine if m.is_default and m.currency == currency]
    becomes_default = default or not left
    if becomes_default:
        _clear_default(session, payee_id, currency)
    made = Method(
        id=method_id,
        payee_id=payee_id,
        rail=chosen.name,
        currency=currency,
        is_default=becomes_default,
        status=MethodStatus.ACTIVE,
        usable_from_at=rules.usable_from(now, by_payee=_is_payee(actor, payee), had_method=bool(ever)),
        added_by_account_id=actor.account_id,
        added_by=actor.label,
        **columns,
    )
    session.add(made)
    session.flush()
    _note(session, actor, made, "method.added", "added")
    if ever or _is_payee(actor, payee):
        tell(session, payee, made, "added", also=left if becomes_default else ())
    return made


def find_same(
    session: ScopedSession,
    actor: Actor,
    payee_id: UUID,
    *,
    rail: str,
    fields: Mapping[str, str],
    currency: str | None = None,
) -> Method | None:
    """The method in use that `add` would refuse this one for; nobody adds another one until the end of the
    transaction. Raises Forbidden, NotFound, Invalid as `add` does."""
    may_change(session, actor, payee_id)
    chosen, destination = _checked(rail, fields, currency)
    locks.hold(session, "methods of", payee_id)
    query = select(Method).where(
        Method.payee_id == payee_id,
        Method.status == MethodStatus.ACTIVE,
        Method.details_index == details_index(chosen, destination),
        Method.currency.is_not_distinct_from(currency),
    )
    return session.scalar(query)


def _checked(rail: str, fields: Mapping[str, str], currency: str | None) -> tuple[Rail, dict[str, str]]:
    if currency is not None and currency not in CURRENCIES:
        raise Invalid(f"“{currency}” is not a currency we know.", fields={"currency": "Choose a currency."})
    chosen = rules.offered(rail, currency)
    rules.refuse_typed(chosen)
    return chosen, chosen.validate(fields)


def make_default(session: ScopedSession, actor: Actor, method_id: UUID) -> Method:
    """Use this method from now on for its currency. Raises Forbidden, NotFound, Conflict when it is disabled."""
    method, payee = _mine(session, actor, method_id)
    if method.status is not MethodStatus.ACTIVE:
        raise Conflict("This method is disabled. Add it again.")
    if method.is_default:
        return method
    left = _clear_default(session, method.payee_id, method.currency)
    method.is_default = True
    session.flush()
    _note(session, actor, method, "method.made_default", "default")
    tell(session, payee, method, "made the default", also=left)
    return method


def disable(session: ScopedSession, actor: Actor, method_id: UUID) -> Method:
    """Never pay there again; payouts on their way are not touched. Raises Forbidden, NotFound, Conflict."""
    method, payee = _mine(session, actor, method_id)
    if method.status is MethodStatus.DISABLED:
        raise Conflict("This method is disabled already.")
    method.status, method.is_default = MethodStatus.DISABLED, False
    session.flush()
    _note(session, actor, method, "method.disabled", "disabled")
    tell(session, payee, method, "removed")
    return method


def open_details(session: Session, actor: Actor, method: Method, reason: str) -> dict[str, str]:
    """The full destination, for a person of the platform. Every open is on the audit trail with its reason.

    Raises Forbidden, Invalid without a reason, crypto.CannotOpen when the key is gone.
    """
    actor.require(Permission.PLATFORM)
    if not reason.strip():
        raise Invalid("Say why you need the full details.", fields={"reason": "Give a reason."})
    audit.record(session, actor, "method.opened", "method", method.id, payee_id=method.payee_id, reason=reason.strip())
    return dict(crypto.open_sealed(method.details_sealed, seal_context(method.id)))


def open_for_sending(
    session: Session, actor: Actor, sealed: Sequence[tuple[UUID, str]], reason: str, organization_id: UUID | None = None
) -> dict[UUID, dict[str, str]]:
    """Destinations by method id, for handing payouts to a rail; one line on the audit trail for all of them.

    `sealed`: (method id, its `details_sealed`). Raises crypto.CannotOpen when a key is gone.
    """
    opened = {method_id: dict(crypto.open_sealed(text, seal_context(method_id))) for method_id, text in sealed}
    audit.record(
        session, actor, "methods.opened", "method", None, organization_id=organization_id,
        reason=reason, count=len(opened), methods=[str(method_id) for method_id in opened],
    )  # fmt: skip
    return opened


def _is_payee(actor: Actor, payee: Payee) -> bool:
    """The payee themself, or somebody of the organization the payee is."""
    if payee.own_organization_id is not None:
        return actor.organization_id == payee.own_organization_id
    return actor.payee_id is not None and actor.payee_id == payee.id


def may_change(session: Session, actor: Actor, payee_id: UUID) -> Payee:
    """The payee, when the actor may change how it is paid and the scope shows it. Raises Forbidden, NotFound."""
    if actor.payee_id is not None and actor.payee_id != payee_id:
        raise Forbidden("This belongs to another payee.")
    payee = session.get(Payee, payee_id)
    if payee is None:
        actor.require(Permission.METHOD_MANAGE)
        raise NotFound("There is no such payee.")
    themself = _is_payee(actor, payee)
    if themself and payee.own_organization_id is not None:
        actor.require(Permission.ORGANIZATION_PAYOUT)
    else:
        actor.require(Permission.METHOD_OWN if themself else Permission.METHOD_MANAGE)
    own = spec_of(payee.kind).single_engagement
    if not themself and not actor.can(Permission.PLATFORM) and not own:
        raise Forbidden(f"{payee.name} may work for others too and keeps their own payout methods.")
    return payee


def _mine(session: Session, actor: Actor, method_id: UUID) -> tuple[Method, Payee]:
    method = session.scalar(select(Method).where(Method.id == method_id).with_for_update())
    if method is None:
        raise NotFound("There is no such payout method.")
    payee = may_change(session, actor, method.payee_id)
    locks.hold(session, "methods of", method.payee_id)
    return method, payee


def _clear_default(session: Session, payee_id: UUID, currency: str | None) -> Sequence[Method]:
    """Which were the default of this currency and are not any more."""
    found = session.scalars(
        select(Method).where(
            Method.payee_id == payee_id,
            func.coalesce(Method.currency, "") == (currency or ""),
            Method.is_default,
            Method.status == MethodStatus.ACTIVE,
        )
    ).all()
    for method in found:
        method.is_default = False
    session.flush()
    return found


def _note(session: ScopedSession, actor: Actor, method: Method, action: str, to_state: str) -> None:
    shown = f"{method.label} {method.last4}".strip()
    audit.record(
        session, actor, action, "method", method.id, organization_id=actor.organization_id,
        payee_id=method.payee_id, rail=method.rail, last4=method.last4, currency=method.currency,
    )  # fmt: skip
    with session.elevated("a method belongs to the payee, not to an organization"):
        audit.timeline(session, actor, "method", method.id, to_state, note=shown, payee_id=method.payee_id)


def tell(session: ScopedSession, payee: Payee, method: Method, what: str, also: Sequence[Method] = ()) -> None:
    """Write to every address known of the payee, now and lately: a change nobody made is found out early.

    An address that is itself the destination, of this method or of `also`, is told too.
    """
    now = utc_now()
    told = payees.contacts_to_warn(session, payee.id, now - rules.WARN_FORMER)
    known = {contact.email for contact in told}
    destinations = {email.lower() for one in (method, *also) for email in _destination_addresses(one)} - known
    for contact in (*told, *(payees.Contact(email, payee.name) for email in sorted(destinations))):
        notify.queue(
            session,
            contact.email,
            "method_changed",
            subject="Your payout method was changed",
            context={
                "name": contact.name,
                "what": what,
                "label": method.label,
                "last4": method.last4,
                "usable_from": method.usable_from_at.isoformat(),
                "cooling_off": method.usable_from_at > now,
                "url": page_of(contact),
                "locale": contact.locale,
            },
        )


def page_of(contact: payees.Contact) -> str:
    """The page on which this reader sees the methods; none for who cannot sign in."""
    if contact.slug:
        return f"{settings().base_url}/org/{contact.slug}/payout-account"
    return f"{settings().base_url}/{contact.portal}/settings/payout-methods" if contact.portal else ""


def _destination_addresses(method: Method) -> list[str]:
    """Opened only for rails that pay to an e-mail address, and only to write to it."""
    fields = RAILS[method.rail].fields if method.rail in RAILS else ()
    if all(field.autocomplete != "email" for field in fields):
        return []
    return rules.own_addresses(fields, dict(crypto.open_sealed(method.details_sealed, seal_context(method.id))))

"""Mails about consultations. The client's go to the client's account; the consultant's know a first name only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.consultations.calendar_files import Event
from app.consultations.cancellation import FREE_BEFORE, Decision
from app.consultations.models import Consultation
from app.consultations.privacy import first_name
from app.consultations.profile_models import ConsultantProfile
from app.consultations.records import client_of
from app.consultations.states import ConsultationStatus, PaidBy
from app.core.formats import format_start
from app.core.settings import settings
from app.db.session import ScopedSession
from app.identity.models import Account
from app.notify import service as notify
from app.notify.rendering import amount_value
from app.notify.service import Letter
from app.payees import queries as payees

POLICY = (
    f"Free of charge until {FREE_BEFORE // timedelta(hours=1)} hours before the start; later, nothing is refunded. "
    "Moving it within these hours does not change that. If the consultant cancels or does not appear, you get "
    "everything back."
)


def booked(session: ScopedSession, found: Consultation) -> None:
    """To both sides, each on their own clock, with a calendar file."""
    subject = f"Booked: {found.title} on {_start(found, found.client_time_zone, found.locale)}"
    _to_client(session, found, "consultation_booked", subject, price=amount_value(found.price), policy=POLICY)
    _to_consultant(session, found, "consultation_new", f"{found.client_first_name} booked {found.title}")


def moved(session: ScopedSession, found: Consultation) -> None:
    """To both sides."""
    _to_client(session, found, "consultation_moved", f"Moved: {found.title}", policy=POLICY)
    _to_consultant(session, found, "consultation_news", f"Moved: {found.title}", what="It has a new time.", reason="")


def cancelled(session: ScopedSession, found: Consultation, decision: Decision) -> None:
    """To both sides: what goes back, and why."""
    _to_client(
        session, found, "consultation_cancelled", f"Cancelled: {found.title}", **_refund(found, decision),
    )  # fmt: skip
    _to_consultant(
        session, found, "consultation_news", f"Cancelled: {found.title}", what=decision.why.told,
        reason=found.cancel_reason or "",
    )  # fmt: skip


def not_met(session: ScopedSession, found: Consultation, decision: Decision) -> None:
    """Somebody did not appear. To both sides, without a calendar file."""
    _to_client(
        session, found, "consultation_cancelled", f"About {found.title}", **_refund(found, decision), attach=False,
    )  # fmt: skip
    _to_consultant(
        session, found, "consultation_news", f"About {found.title}", what=decision.why.told, reason="", attach=False
    )


def _refund(found: Consultation, decision: Decision) -> dict[str, Any]:
    """What the client is told of the money. What their organization paid does not come to them."""
    again = {PaidBy.CREDIT: "its credit", PaidBy.INVOICE: "its money"}.get(found.paid_by)
    if again and decision.refund:
        return {"what": f"{decision.why.sentence} Your organization has {again} again.", "refund": None}
    return {"what": decision.why.sentence, "refund": amount_value(found.price) if decision.refund else None}


def ask_for_reviews(session: ScopedSession, held: Sequence[Consultation]) -> int:
    """To the clients of what was held, once each; how many were written."""
    names = _consultants(session, {one.payee_id for one in held})
    with session.elevated("clients' own addresses"):
        wanted = {one.client_account_id for one in held}
        accounts = {one.id: one for one in session.scalars(select(Account).where(Account.id.in_(wanted)))}
    return notify.queue_many(
        session,
        [
            Letter(
                accounts[one.client_account_id].email,
                "consultation_review",
                f"How was {one.title} with {names[one.payee_id]}?",
                {"name": _greeting(accounts[one.client_account_id]), "title": one.title,
                 "consultant": names[one.payee_id], "url": f"{_client_url(one.id)}/review", "locale": one.locale},
                dedupe_key=f"review:{one.id}",
            )
            for one in held
        ],
    )  # fmt: skip


def event(session: ScopedSession, found: Consultation, *, for_client: bool) -> Event:
    """The calendar entry of one side. The consultant's names the client by the first name."""
    consultant = _consultants(session, {found.payee_id}).get(found.payee_id, "")
    with_whom = consultant if for_client else found.client_first_name
    url = _client_url(found.id) if for_client else _consultant_url(found.id)
    told = [f"{found.title} with {with_whom}"]
    told += [f"Video: {found.video_url}"] if found.video_url else []
    told += [f"Cancelling: {POLICY}"] if for_client else []
    return Event(
        uid=f"{found.id}@quittance",
        sequence=found.version,
        summary=f"{found.title} with {with_whom}",
        description="\n".join([*told, url]),
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        stamped_at=found.created_at,
        url=url,
        location=found.video_url or "",
        cancelled=found.status is ConsultationStatus.CANCELLED,
    )


def _to_client(
    session: ScopedSession, found: Consultation, template: str, subject: str, *, attach: bool = True, **more: Any
) -> None:
    account = client_of(session, found)
    consultant = _consultants(session, {found.payee_id}).get(found.payee_id, "")
    context = {
        "name": _greeting(account), "title": found.title, "consultant": consultant, "locale": found.locale,
        "starts": _start(found, found.client_time_zone, found.locale), "video_url": found.video_url,
        "url": _client_url(found.id),
    }  # fmt: skip
    notify.queue(
        session, account.email, template, subject=subject, context={**context, **more},
        attachment=_calendar(found, "client") if attach else None,
    )  # fmt: skip


def _to_consultant(
    session: ScopedSession, found: Consultation, template: str, subject: str, *, attach: bool = True, **more: Any
) -> None:
    for contact in payees.contacts(session, [found.payee_id]).get(found.payee_id, []):
        url = _consultant_url(found.id) if contact.portal else settings().base_url
        context = {
            "name": contact.name, "title": found.title, "client": found.client_first_name, "locale": contact.locale,
            "starts": _start(found, contact.time_zone, contact.locale), "video_url": found.video_url, "url": url,
        }  # fmt: skip
        notify.queue(
            session, contact.email, template, subject=subject, context={**context, **more},
            attachment=_calendar(found, "consultant") if attach else None, organization_id=found.organization_id,
        )  # fmt: skip


def _calendar(found: Consultation, side: str) -> dict[str, Any]:
    return {"document": "calendar", "consultation_id": found.id, "side": side}


def _consultants(session: ScopedSession, payee_ids: set[UUID]) -> dict[UUID, str]:
    query = select(ConsultantProfile.payee_id, ConsultantProfile.name).where(ConsultantProfile.payee_id.in_(payee_ids))
    return {row.payee_id: row.name for row in session.execute(query)}


def _greeting(account: Account) -> str:
    return first_name(account.name) if "@" not in account.name else ""


def _start(found: Consultation, zone: str, locale: str) -> str:
    return format_start(found.starts_at, zone, locale)


def _client_url(consultation_id: UUID) -> str:
    return f"{settings().base_url}/client/consultations/{consultation_id}"


def _consultant_url(consultation_id: UUID) -> str:
    return f"{settings().base_url}/consultant/consultations/{consultation_id}"

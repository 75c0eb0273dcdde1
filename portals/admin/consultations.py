"""Consultations of every organization: found by who, what and when; one of them with its money and its history."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.audit import queries as trail
from app.audit.models import Audience
from app.billing import invoice_queries as invoices
from app.charges import client_queries
from app.charges.client_service import BY_CARD
from app.consultations import platform_queries as queries
from app.consultations import pricing
from app.consultations.platform_queries import Wanted
from app.consultations.states import TRANSITIONS, ConsultationStatus, PaidBy, Practice
from app.core.clock import utc_now
from app.core.money import Money
from portals.admin import asking, bp
from portals.admin.asking import Applied
from portals.shared import consultations as shared
from portals.shared.consultant_signup import PRACTICES
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.filters import date_text
from portals.web.htmx import page
from portals.web.status import badge_of

S = ConsultationStatus
PAID_BY = {
    PaidBy.CARD: _l("Card"),
    PaidBy.TAG: _l("Card, for an organization"),
    PaidBy.CREDIT: _l("Seat credits"),
    PaidBy.INVOICE: _l("Organization’s funds"),
}


def _midnight(day: date) -> datetime:
    """Where the reader is."""
    return datetime.combine(day, time(), ZoneInfo(g.tz)).astimezone(UTC)


def _asked() -> tuple[Wanted, list[Applied], dict[str, Any]]:
    """The filter of the address, what of it is on, and what the form shows."""
    args = request.args
    organization = asking.organization_named(args.get("organization", ""))
    start, end = asking.day(args, "from"), asking.day(args, "to")
    status, practice = asking.one_of(S, args, "status"), asking.one_of(Practice, args, "practice")
    paid_by, payee_id = asking.one_of(PaidBy, args, "paid_by"), asking.one_id(args, "payee")
    chosen = Wanted(
        search=args.get("q", "").replace("\0", "").strip()[: queries.LONGEST_SEARCH],
        status=status,
        practice=practice,
        paid_by=paid_by,
        organization_id=organization.id if organization else None,
        payee_id=payee_id,
        since=_midnight(start) if start else None,
        until=_midnight(end + timedelta(days=1)) if end else None,
    )
    facts = [
        ("status", _("Status"), str(badge_of("consultation", status).word) if status else ""),
        ("practice", _("Works as"), str(PRACTICES[practice][0]) if practice else ""),
        ("paid_by", _("Paid by"), str(PAID_BY[paid_by]) if paid_by else ""),
        ("organization", _("Organization"), organization.name if organization else ""),
        ("payee", _("Consultant"), _("one") if payee_id else ""),
        ("from", _("From"), date_text(start) if start else ""),
        ("to", _("To"), date_text(end) if end else ""),
    ]
    applied = [Applied(label, value, asking.without(name)) for name, label, value in facts if value]
    return chosen, applied, {"from": start, "to": end, "payee": payee_id}


@bp.get("/consultations")
def consultations() -> ResponseReturnValue:
    want = paging.wanted()
    chosen, applied, values = _asked()
    found = queries.consultations(db(), chosen, want.cursor, want.limit)
    return page(
        "admin/consultations/index.html", fragment="admin/consultations/_list.html", found=found,
        neighbours=paging.neighbours(found), chosen=chosen, applied=applied, values=values, states=list(S),
        practices=PRACTICES, paid_by=PAID_BY, organizations=asking.organization_choices(),
    )  # fmt: skip


@bp.get("/consultations/<uuid:consultation_id>")
def consultation(consultation_id: UUID) -> ResponseReturnValue:
    row = queries.consultation(db(), consultation_id)
    returns = client_queries.returns(db(), row.charge_id) if row.charge_id else []
    charge = client_queries.charge(db(), queries.SUBJECT, row.id) if row.charge_id else None
    amounts = (
        Money(minor, row.currency) for minor in (row.platform_minor, row.organization_minor, row.consultant_minor)
    )
    return page(
        "admin/consultations/show.html", row=row, charge=charge, returns=returns,
        billed=invoices.of_charge(db(), charge.id) if row.paid_by is PaidBy.INVOICE and charge else (),
        left=client_queries.left_of(charge, returns) if charge else None, shares=queries.shares(db(), row.id),
        numbers=queries.calendar_numbers(db(), row.id), possible=possible(row),
        parts=shared.parts(*amounts), lines=pricing.explain(row.pricing) if row.pricing else [],
        rule=pricing.rule_of(row.pricing) if row.pricing else "",
        history=steps(trail.timeline(db(), row.id, Audience.PLATFORM), "consultation"), practices=PRACTICES,
        paid_by=PAID_BY, by_card=charge is not None and charge.provider in BY_CARD,
    )  # fmt: skip


def possible(row: Any) -> set[str]:
    """What can be done about it now, by the nouns of the addresses."""
    begun, to = row.starts_at <= utc_now(), TRANSITIONS[row.status]
    found = {
        "completion": begun and S.COMPLETED in to,
        "client-absence": begun and S.NO_SHOW_CLIENT in to,
        "consultant-absence": begun and S.NO_SHOW_CONSULTANT in to,
        "cancellation": row.status in (S.PENDING, S.BOOKED),
    }
    return {noun for noun, yes in found.items() if yes}

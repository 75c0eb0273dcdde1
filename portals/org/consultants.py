"""The organization's consultants: who they are, how they do, and what they offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.consultations import directory
from app.consultations.states import OfferingKind
from app.core.scope import Permission
from app.core.settings import settings
from app.db.paging import AnyRow
from app.earnings import rates
from app.organizations.gating import provider_tier
from app.organizations.states import PROVIDES
from app.reporting import provider
from portals.org import bp
from portals.org.provider import tier
from portals.web import paging
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import page

KINDS = {
    OfferingKind.SESSION: _l("Session"),
    OfferingKind.CONSULTATION: _l("Consultation"),
    OfferingKind.WEBINAR: _l("Webinar"),
    OfferingKind.CLASS: _l("Class"),
}


MOST_OFFERINGS = 50


@dataclass(frozen=True, slots=True)
class Consulting:
    """One consultant of an organization that provides: the last ninety days, the share agreed on, what they offer."""

    work: Sequence[provider.Work]
    share_bps: int | None
    offerings: Sequence[AnyRow]


def consulting(payee_id: UUID) -> Consulting | None:
    """None where the reader has no part in consulting, or the organization has no consultants of its own."""
    here = g.organization
    if here.kind not in PROVIDES or not provider_tier() or not g.actor.can(Permission.CONSULTATION_READ):
        return None
    shares = {one.payee_id: one.consultant_bps for one in rates.consultants(db(), here.id)}
    offered = provider.catalogue(db(), here.id, limit=MOST_OFFERINGS, payee_id=payee_id)
    did = provider.work(db(), here.id, [payee_id]).get(payee_id, [])
    return Consulting(did, shares.get(payee_id), offered.items)


@bp.get("/consultants")
@require(Permission.CONSULTATION_READ)
@tier
def consultants() -> ResponseReturnValue:
    """People with their last ninety days, or what they offer (`?view=offerings`)."""
    want, here = paging.wanted(25), g.organization
    if request.args.get("view") == "offerings":
        found = provider.catalogue(db(), here.id, want.cursor, want.limit)
        return page(
            "org/provider/consultants.html",
            fragment="org/provider/_offerings.html",
            found=found,
            offerings=True,
            kinds=KINDS,
            neighbours=paging.neighbours(found),
        )
    found = directory.of_organization(db(), here.id, want.cursor, want.limit)
    return page(
        "org/provider/consultants.html",
        fragment="org/provider/_consultants.html",
        found=found,
        offerings=False,
        work=provider.work(db(), here.id, [row.payee_id for row in found.items if row.payee_id]),
        agreed={one.payee_id: one.consultant_bps for one in rates.consultants(db(), here.id)},
        average=directory.average,
        neighbours=paging.neighbours(found),
        sign_up_url=f"{settings().base_url}/consultant/signup?organization={here.slug}",
    )

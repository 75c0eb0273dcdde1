"""Payees as JSON: all of them for the platform, an organization's own for its programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify

from app.core.errors import NotFound
from app.core.scope import Permission
from app.payees import queries
from app.payees.kinds import SPECS
from app.payees.states import EngagementStatus, PayeeKind
from portals.api import organizations, platform
from portals.web.asked import Asked
from portals.web.db import db
from portals.web.jsonio import cursor, limit, listed


@platform.get("/<any(creators, contractors, vendors):plural>")
def payees(plural: str) -> Response:
    """Newest first; `q` is part of a name."""
    g.actor.require(Permission.PAYEE_READ)
    found = queries.all_payees(db(), search=Asked().text("q"), kind=_kind(plural), cursor=cursor(), limit=limit())
    return listed(found, [_payee(row) for row in found.items])


@platform.get("/<any(creators, contractors, vendors):plural>/<uuid:payee_id>")
def payee(plural: str, payee_id: UUID) -> Response:
    g.actor.require(Permission.PAYEE_READ)
    card = queries.card(db(), payee_id)
    if card.kind is not _kind(plural):
        raise NotFound("There is no such payee.")
    engaged = [
        {
            "organizationId": str(row.organization_id),
            "reference": row.reference,
            "currency": row.currency,
            "termsDays": row.terms_days,
            "status": str(row.status).upper(),
        }
        for row in queries.engagements(db(), payee_id)
    ]
    return jsonify(_payee(card) | {"legalName": card.legal_name, "engagements": engaged})


@organizations.get("/payees")
def organization_payees(organization_id: UUID) -> Response:
    """Newest first; `q` is part of a name or a reference, `kind` and `status` narrow."""
    g.actor.require(Permission.PAYEE_READ)
    asked = Asked()
    kind, status = asked.word(PayeeKind, "kind"), asked.word(EngagementStatus, "status")
    asked.check()
    found = queries.payees(
        db(), organization_id, search=asked.text("q"), kind=kind, status=status, cursor=cursor(), limit=limit()
    )
    return listed(found, [_engaged(row) for row in found.items])


def _engaged(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.payee_id),
        "kind": str(row.kind).upper(),
        "name": row.name,
        "email": row.email,
        "reference": row.reference,
        "currency": row.currency,
        "termsDays": row.terms_days,
        "status": str(row.status).upper(),
        "createdAt": row.created_at.isoformat(),
    }


def _kind(plural: str) -> PayeeKind:
    return next(spec.kind for spec in SPECS.values() if spec.plural.lower() == plural)


def _payee(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": str(row.kind).upper(),
        "name": row.name,
        "email": row.email,
        "country": row.country,
        "createdAt": row.created_at.isoformat(),
    }

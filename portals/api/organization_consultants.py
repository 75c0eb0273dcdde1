"""`GET /api/organizations/<id>/consultants`: who consults for an organization, with what is published of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g

from app.consultations import directory
from app.core.errors import SwitchedOff
from app.core.scope import Permission
from app.core.settings import settings
from portals.api import organizations
from portals.web.db import db
from portals.web.jsonio import cursor, limit, listed


@organizations.get("/consultants")
def organization_consultants(organization_id: UUID) -> Response:
    """By name: members who are consultants and who has a profile with the organization, known to be one by address."""
    if not settings().provider_orgs:
        raise SwitchedOff("Consultants of organizations are switched off here.")
    g.actor.require(Permission.MEMBER_READ)
    found = directory.of_organization(db(), organization_id, cursor(), limit())
    return listed(found, [_row(row) for row in found.items])


def _row(row: Any) -> dict[str, Any]:
    stars = directory.average(row) if row.payee_id else None
    return {
        "memberId": str(row.member_id) if row.member_id else None,
        "payeeId": str(row.payee_id) if row.payee_id else None,
        "name": row.name,
        "email": row.email,
        "role": "ORG_CONSULTANT" if row.member_id else None,
        "status": str(row.status).upper(),
        "profile": None
        if row.payee_id is None
        else {
            "slug": row.slug,
            "practice": row.practice,
            "headline": row.headline,
            "specialties": row.specialties,
            "languages": row.languages,
            "acceptingBookings": row.accepting,
            "listed": row.listed,
            "rating": str(stars) if stars is not None else None,
            "ratingCount": row.rating_count,
        },
    }

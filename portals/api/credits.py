"""Seat credits of an organization as JSON."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g, jsonify

from app.billing import queries
from app.core.scope import Permission
from portals.api import organizations
from portals.web.db import db


@organizations.get("/credits")
def organization_credits(organization_id: UUID) -> Response:
    """What is left of packs that can be used, by what they are for."""
    g.actor.require(Permission.CREDIT_READ)
    rows = [
        {
            "offeringId": str(one.offering_id),
            "title": one.title,
            "bought": one.bought,
            "left": one.left,
            "valueMinor": one.worth.minor,
            "currency": one.worth.currency,
            "firstExpiresOn": one.first_ends_on.isoformat(),
        }
        for one in queries.balances(db(), [organization_id])
    ]
    return jsonify({"data": rows, "nextCursor": None})

"""Payees made through their service."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.payees import service
from app.payees.states import PayeeKind


def vendor(organization_id: UUID, name: str = "SMS Connections Ltd", **more: Any) -> UUID:
    """`more`: as `payees.service.create`; GBP, no terms unless said."""
    more = {"kind": PayeeKind.VENDOR, "currency": "GBP", "terms_days": 0, **more}
    with unit_of_work(Scope.organization(organization_id)) as session:
        return service.create(session, operator(), organization_id, name=name, **more).id

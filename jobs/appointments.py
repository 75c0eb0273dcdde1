"""Appointments of a file are written down."""

from __future__ import annotations

from uuid import UUID

from app.consultations import appointment_imports
from app.core.errors import Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work


def import_appointments(import_id: str, organization_id: str) -> None:
    """A confirmed file, some appointments a transaction: killed between two, it goes on where it was."""
    upload, organization = UUID(import_id), UUID(organization_id)
    scope, more = Scope.organization(organization), True
    try:
        while more:
            with unit_of_work(scope) as session:
                more = appointment_imports.take(session, organization, upload)
    except Refusal as refusal:
        with unit_of_work(scope) as session:
            appointment_imports.fail(session, organization, upload, refusal.message)

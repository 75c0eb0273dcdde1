"""Payees from files: confirmed on the page, added here chunk by chunk."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.payees import import_rows


def import_payees(import_id: str, organization_id: str) -> None:
    """Each chunk is a transaction of its own, with its mails: a run that dies is gone on with by the next."""
    upload, organization = UUID(import_id), UUID(organization_id)
    scope = Scope.organization(organization)
    try:
        left = True
        while left:
            with unit_of_work(scope) as session:
                left = import_rows.take_chunk(session, organization, upload)
    except Refusal as refusal:
        with unit_of_work(scope) as session:
            import_rows.fail(session, organization, upload, refusal.message)

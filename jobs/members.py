"""People to invite from files: confirmed on the page, asked here chunk by chunk."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.organizations import member_imports


def invite_people(import_id: str, organization_id: str) -> None:
    """Each chunk is a transaction of its own, with its mails: a run that dies is gone on with by the next."""
    upload, organization = UUID(import_id), UUID(organization_id)
    scope = Scope.organization(organization)
    try:
        left = True
        while left:
            with unit_of_work(scope) as session:
                left = member_imports.take_chunk(session, organization, upload)
    except Refusal as refusal:
        with unit_of_work(scope) as session:
            member_imports.fail(session, organization, upload, refusal.message)

"""Imports of bills too large for a request: confirmed on the page, written here."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Conflict, Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files import service as files
from app.files.storage import storage
from app.payables import import_service, uploads
from app.payables.import_service import BillFile
from app.payables.importing import read_bills
from app.payables.states import ImportStatus


def import_bills(import_id: str, organization_id: str) -> None:
    """Whole or not at all. A file that cannot be imported says so on its page; a lost store or database tries again."""
    upload, organization = UUID(import_id), UUID(organization_id)
    scope = Scope.organization(organization)
    with unit_of_work(scope) as session:
        record = uploads.find(session, organization, upload)
        if record.status is not ImportStatus.RUNNING or record.file_id is None:
            return
        key = files.find(session, record.file_id).storage_key
    try:
        body = storage().get(key)
        bills = read_bills(body, import_service.choices_of(record), currency=record.currency)
        with unit_of_work(scope) as session:
            made = import_service.import_bills(
                session,
                import_service.actor_of(record),
                organization,
                bills,
                BillFile(record.file_name, record.file_sha256, record.file_id),
                skip_bad=bool(record.options.get("skip_bad")),
                import_id=upload,
            )
        reason = "" if made.import_id else "Since the preview some lines have become faulty; nothing was written."
    except Conflict:  # imported by an earlier try whose end was not noted
        return
    except Refusal as refusal:
        reason = refusal.message
    if reason:
        with unit_of_work(scope) as session:
            import_service.fail(session, organization, upload, reason)

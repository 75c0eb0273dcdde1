"""Files of banks for tests: a few lines of CSV, and a statement that was imported from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.db.types import new_id
from app.files.models import FilePurpose, StoredFile
from app.files.storage import storage
from app.organizations.models import Organization
from app.organizations.states import OrganizationStatus
from app.reconciliation import statements
from app.reconciliation.reading.tables import Choices
from jobs import reconciliation

PLATFORM = Scope.platform("tests")
HEADINGS = "Date,Description,Reference,Amount,Currency"
Row = tuple[date, str, str, str]


def house() -> UUID:
    """The platform's own organization; made once."""
    with unit_of_work(PLATFORM) as session:
        found = session.scalar(select(Organization.id).where(Organization.is_house))
        if found is None:
            made = Organization(
                slug="house", name="House", currency="GBP", status=OrganizationStatus.ACTIVE, is_house=True
            )
            session.add(made)
            session.flush()
            found = made.id
        return found


def csv(rows: Sequence[Row], currency: str = "GBP") -> bytes:
    """`rows`: day, description, reference, amount in major units (below zero: it left)."""
    lines = [f'{day.isoformat()},"{text}","{reference}",{amount},{currency}' for day, text, reference, amount in rows]
    return "\n".join([HEADINGS, *lines, ""]).encode()


def imported(
    rows: Sequence[Row], *, currency: str = "GBP", account: str = "bank", name: str = "bank.csv", actor: Actor = SYSTEM
) -> UUID:
    """A statement whose lines went through the job."""
    statement_id = uploaded(csv(rows, currency), currency=currency, account=account, name=name, actor=actor)
    with unit_of_work(PLATFORM) as session:
        record = statements.find(session, statement_id)
        bookings = statements.read(record, csv(rows, currency))
        statements.confirm(session, actor, statement_id, bookings, skip_faulty=False)
    reconciliation.import_statement(str(statement_id))
    return statement_id


def uploaded(
    body: bytes, *, currency: str = "GBP", account: str = "bank", name: str = "bank.csv", actor: Actor = SYSTEM
) -> UUID:
    organization_id, key, sha256 = house(), storage().put(body), hashlib.sha256(body).hexdigest()
    with unit_of_work(PLATFORM) as session:
        stored = StoredFile(
            id=new_id(), organization_id=organization_id, purpose=FilePurpose.RETURNS, name=name,
            content_type="text/csv", size_bytes=len(body), content_sha256=sha256, storage_key=key, uploaded_by="tests",
        )  # fmt: skip
        session.add(stored)
        session.flush()
        return statements.keep(
            session, actor, account=account, currency=currency, kind=statements.kind_of(body), file_id=stored.id,
            name=name, sha256=sha256, choices=Choices(),
        ).id  # fmt: skip

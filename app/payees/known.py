"""Rows of a file held against the directory: who is there already, and who cannot be added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.payees.importing import Fault, PayeeRow, Settings
from app.payees.kinds import spec_of

# Under a policy the planner thinks that a hundred thousand rows are one and joins them row by row.
IN_BULK = "a whole file at once; every statement names the organization"


@dataclass(frozen=True, slots=True)
class Held:
    """`known`: line → the payee it is; `faults` of lines that can be neither."""

    known: dict[int, UUID] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


_HELD = text(
    """WITH n AS (
        SELECT * FROM unnest(CAST(:lines AS bigint[]), CAST(:emails AS text[]), CAST(:references AS text[]),
            CAST(:names AS text[])) AS u (line, email, reference, name)
    ), mine AS MATERIALIZED (
        SELECT p.id, p.kind, p.name, lower(p.email) AS email, p.name_search, lower(e.reference) AS reference
        FROM engagements e JOIN payees p ON p.id = e.payee_id WHERE e.organization_id = :organization_id
    ), account AS MATERIALIZED (
        SELECT n.line, a.payee_id, mine.id IS NOT NULL AS here FROM n
        JOIN accounts a ON a.portal = :portal AND a.email = n.email LEFT JOIN mine ON mine.id = a.payee_id
    ), by_email AS (
        SELECT DISTINCT ON (n.line) n.line, mine.id FROM n JOIN mine ON mine.email = n.email AND mine.kind = :kind
        ORDER BY n.line, mine.id
    ), by_reference AS (
        SELECT n.line, mine.id, mine.kind, mine.name FROM n JOIN mine ON mine.reference = lower(n.reference)
    ), by_name AS (
        SELECT DISTINCT ON (n.line) n.line, mine.id FROM n
        JOIN mine ON n.email IS NULL AND n.reference IS NULL AND mine.name_search = lower(n.name) AND mine.kind = :kind
        ORDER BY n.line, mine.id
    )
    SELECT n.line, n.email, n.reference, account.payee_id AS account_id, account.here, by_email.id AS email_id,
        by_reference.id AS reference_id, by_reference.kind AS reference_kind, by_reference.name AS reference_name,
        by_name.id AS name_id
    FROM n LEFT JOIN account USING (line) LEFT JOIN by_email USING (line) LEFT JOIN by_reference USING (line)
    LEFT JOIN by_name USING (line)
    WHERE coalesce(account.payee_id, by_email.id, by_reference.id, by_name.id) IS NOT NULL ORDER BY n.line"""
)


def held_against_directory(
    session: Session, organization_id: UUID, rows: Sequence[PayeeRow], settings: Settings
) -> Held:
    """One statement for any number of rows. Needs a platform scope: logins are read too."""
    held = Held()
    if not rows:
        return held
    found = session.execute(
        _HELD,
        {
            "organization_id": organization_id,
            "kind": settings.kind.value,
            "portal": spec_of(settings.kind).portal,
            "lines": [row.line for row in rows],
            "emails": [row.email for row in rows],
            "references": [row.reference for row in rows],
            "names": [row.name for row in rows],
        },
    )
    for row in found:
        person = (row.account_id if row.here else None) or row.email_id
        if row.reference_id is not None and (row.reference_kind != settings.kind or person != row.reference_id):
            if person is None and row.email is None and row.reference_kind == settings.kind:
                held.known[row.line] = row.reference_id
                continue
            said = f"“{row.reference}” belongs to {row.reference_name}"
            held.faults.append(Fault(row.line, "Reference", said))
        elif person is not None or row.name_id is not None:
            held.known[row.line] = person or row.name_id
        elif row.account_id is not None and settings.invites:
            said = f"{row.email} signs in for somebody else in the {settings.kind.value} portal"
            if not spec_of(settings.kind).single_engagement:
                said += "; New payee asks them to join you"
            held.faults.append(Fault(row.line, "E-mail", said))
    return held

"""`flask payees`: lists of payees from files, for an operator at the machine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from app.core.errors import Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.payees import import_queries, import_rows, import_service
from app.payees.import_service import KINDS, Preview, UploadedFile
from app.payees.importing import Choices, Fault, PayeeFile, Settings, parse_overrides, read_payees, refused_csv
from app.payees.service import DEFAULT_TERMS_DAYS
from app.payees.states import PayeeKind, RowOutcome
from portals.cli.files import BAD_ROWS, FILE, Reporter, acting, hand_back, organization_of, read_file
from portals.cli.services import around


@click.group("payees")
def group() -> None:
    """Creators, contractors and vendors of an organization."""


@group.command("import")
@click.argument("file", type=FILE)
@click.option("--organization", required=True, metavar="SLUG", help="Whose payees they are.")
@click.option("--kind", required=True, type=click.Choice([kind.value for kind in KINDS]))
@click.option("--invite", is_flag=True, help="Mail each of them a link of their own.")
@click.option("--map", "mapping", multiple=True, metavar="FIELD=HEADING", help="What a column is; wins over the guess.")
@click.option("--currency", help="Of rows that name none. Default: the organization's.")
@click.option("--encoding", help="Default: detected.")
@click.option("--delimiter", help="comma, semicolon, tab or pipe. Default: detected.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--skip-bad", is_flag=True, help="Take the good rows; the bad ones come back as a CSV to mend.")
@click.option("--skipped-to", type=click.Path(dir_okay=False, path_type=Path), help="Default: FILE.skipped.csv")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@around
def import_(
    file: Path, organization: str, kind: str, invite: bool, mapping: tuple[str, ...], currency: str | None,
    encoding: str | None, delimiter: str | None, dry_run: bool, skip_bad: bool, skipped_to: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Add the payees of FILE to an organization. The same file again adds and invites nobody.

    Exit 2 and nothing written when a row is bad, unless --skip-bad.
    """
    report = Reporter(as_json)
    try:
        owner = organization_of(organization)
        choices = Choices(parse_overrides(mapping), encoding, delimiter)
        settings = Settings(PayeeKind(kind), invite, (currency or owner.currency).upper(), DEFAULT_TERMS_DAYS)
        body = read_file(file)
        read = read_payees(body, choices, settings)
        with unit_of_work(Scope.organization(owner.id)) as session:
            found = import_service.preview(session, acting(), owner.id, read, settings)
        stopped = bool(found.faults) and not skip_bad
        faults = found.faults
        done = {"added": 0, "invited": 0, "known": len(found.known), "bad": found.bad}
        if dry_run:
            done["invited" if invite else "added"] = found.new
        elif not stopped:
            given = UploadedFile(file.name, hashlib.sha256(body).hexdigest())
            done, faults = _write(owner, given, found, settings, choices)
    except Refusal as refusal:
        report.refuse(refusal, {"read": 0, "added": 0, "invited": 0, "known": 0, "bad": 0})
        return
    _told(report, read, done, faults, dry_run=dry_run, stopped=stopped and not dry_run)
    errors = [{"line": fault.line, "column": fault.column, "reason": fault.reason} for fault in faults]
    report.end({"read": read.read, **done, "errors": errors}, BAD_ROWS if faults and not skip_bad else 0)
    if faults and not dry_run and not stopped:
        hand_back(refused_csv(read, list(faults)), skipped_to, file)


def _write(
    owner: Organization, given: UploadedFile, found: Preview, settings: Settings, choices: Choices
) -> tuple[dict[str, int], list[Fault]]:
    """Confirm and work through the rows here; a worker that gets the job meanwhile finds nothing left."""
    with unit_of_work(Scope.organization(owner.id)) as session:
        record = import_service.keep_upload(
            session, acting(), owner.id, given,
            kind=settings.kind, invites=settings.invites, choices=choices, currency=settings.currency,
        )  # fmt: skip
        import_service.confirm(session, acting(), owner.id, record.id, found, skip_bad=True)
    while _chunk(owner.id, record.id):
        pass
    with unit_of_work(Scope.organization(owner.id)) as session:
        counts = import_rows.counts(session, record.id)
        refused = import_queries.refused(session, record.id)
    done: dict[str, int] = {
        "added": counts[RowOutcome.ADDED],
        "invited": counts[RowOutcome.INVITED],
        "known": counts[RowOutcome.KNOWN],
        "bad": counts[RowOutcome.REFUSED],
    }
    return done, refused


def _chunk(organization_id: UUID, import_id: UUID) -> bool:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return import_rows.take_chunk(session, organization_id, import_id)


def _told(
    report: Reporter, read: PayeeFile, done: dict[str, Any], faults: list[Fault], *, dry_run: bool, stopped: bool
) -> None:
    for label, value in read.table.dialect.facts():
        report.say(f"{label}: {value}")
    if faults:
        report.say(f"{done['bad']} bad rows:")
        report.errors(faults)
    verb = "would be " if dry_run else ""
    report.say(
        f"{read.read} read, {done['added']} {verb}added, {done['invited']} {verb}invited, "
        f"{done['known']} known already, {done['bad']} bad."
    )
    if stopped:
        report.say("Nothing was written: mend the rows above, or take the good ones with --skip-bad.")

"""`flask payables`: bills and the suppliers' accounts from files, for an operator at the machine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from app.core.errors import Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.methods.assignments import apply_method_rows, assign_bulk
from app.payables.import_service import BillFile, import_bills, preview
from app.payables.importing import (
    Bills,
    Choices,
    ImportSummary,
    RowError,
    parse_overrides,
    read_bills,
    read_destinations,
    skipped_csv,
)
from app.payees.service import DEFAULT_TERMS_DAYS
from app.rails.registry import available
from portals.cli.files import BAD_ROWS, FILE, SHOWN, Reporter, acting, hand_back, organization_of, read_file
from portals.cli.services import around


@click.group("payables")
def group() -> None:
    """Bills, and where suppliers are paid."""


@group.command("import")
@click.argument("file", type=FILE)
@click.option("--organization", required=True, metavar="SLUG", help="Whose bills they are.")
@click.option("--map", "mapping", multiple=True, metavar="FIELD=HEADING", help="What a column is; wins over the guess.")
@click.option("--currency", help="Of files without a currency column. Default: the organization's.")
@click.option("--encoding", help="Default: detected.")
@click.option("--delimiter", help="comma, semicolon, tab or pipe. Default: detected.")
@click.option("--dates", help="DD/MM/YYYY or MM/DD/YYYY. Default: detected.")
@click.option("--amounts", help="1,234.56 or 1.234,56. Default: detected.")
@click.option("--terms-days", type=click.IntRange(0, 365), default=DEFAULT_TERMS_DAYS, show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--skip-bad", is_flag=True, help="Import the good rows; the bad ones come back as a CSV to mend.")
@click.option("--skipped-to", type=click.Path(dir_okay=False, path_type=Path), help="Default: FILE.skipped.csv")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@around
def import_(
    file: Path, organization: str, mapping: tuple[str, ...], currency: str | None, encoding: str | None,
    delimiter: str | None, dates: str | None, amounts: str | None, terms_days: int, dry_run: bool, skip_bad: bool,
    skipped_to: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Import supplier bills from FILE as payment requests. A second import of the same bills adds nothing.

    Exit 2 and nothing written when a row is bad, unless --skip-bad.
    """
    report = Reporter(as_json)
    empty = ImportSummary(0, 0, 0, 0, 0, 0, 0, currency, ()).as_dict()
    try:
        owner = organization_of(organization)
        choices = Choices(parse_overrides(mapping), encoding, delimiter, None, amounts, dates)
        body = read_file(file)
        bills = read_bills(body, choices, currency=(currency or owner.currency).upper())
        for label, value in () if as_json else bills.facts():
            report.say(f"{label}: {value}")
        with unit_of_work(Scope.organization(owner.id)) as session:
            if dry_run:
                done = preview(session, acting(), owner.id, bills)
                written = False
            else:
                given = BillFile(file.name, hashlib.sha256(body).hexdigest())
                imported = import_bills(
                    session, acting(), owner.id, bills, given,
                    choices=choices, skip_bad=skip_bad, terms_days=terms_days,
                )  # fmt: skip
                done, bills, written = imported.summary, imported.bills, imported.import_id is not None
    except Refusal as refusal:
        report.refuse(refusal, empty)
        return
    _told(report, done, bills, written=written, dry_run=dry_run)
    report.end(done.as_dict(), BAD_ROWS if done.errors and not skip_bad else 0)
    if written and bills.errors:
        hand_back(skipped_csv(bills), skipped_to, file)


def _told(report: Reporter, done: ImportSummary, bills: Bills, *, written: bool, dry_run: bool) -> None:
    for note in bills.notes:
        report.say(f"Note: {note}")
    if done.errors:
        report.say(f"{done.skipped} bad rows:")
        report.errors(done.errors)
    verb = "would be imported" if dry_run else "imported"
    total = "" if done.total_minor is None else f", net {done.total_minor} minor units of {done.currency}"
    report.say(
        f"{done.read} read, {done.imported} {verb}, {done.already} known already, {done.skipped} bad; "
        f"{done.payees} suppliers, {done.credits} credits{total}."
    )
    if not written and not dry_run:
        report.say("Nothing was written: mend the rows above, or import the good ones with --skip-bad.")


@group.command("methods")
@click.argument("file", type=FILE)
@click.option("--organization", required=True, metavar="SLUG")
@click.option("--rail", help="For files without a column that says it.")
@click.option("--dry-run", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@around
def methods(file: Path, organization: str, rail: str | None, dry_run: bool, as_json: bool) -> None:
    """Where suppliers are paid, from FILE (supplier reference and account fields). All lines or none."""
    report = Reporter(as_json)
    try:
        owner = organization_of(organization)
        found = read_destinations(read_file(file), available(), default_rail=rail)
        errors: list[Any] = list(found.errors)
        added = replaced = unchanged = 0
        if not errors:
            with unit_of_work(Scope.organization(owner.id)) as session:
                applied = apply_method_rows(session, acting(), owner.id, found.rows, dry_run=dry_run)
            errors = [RowError(fault.line, fault.column, fault.reason) for fault in applied.errors]
            added, replaced, unchanged = applied.added, applied.replaced, applied.unchanged
    except Refusal as refusal:
        report.refuse(refusal, {"read": 0, "added": 0, "replaced": 0, "unchanged": 0})
        return
    if errors:
        report.say("Nothing was written:")
        report.errors(errors)
    else:
        report.say(f"{found.read} read, {added} added, {replaced} replaced, {unchanged} known already.")
    counts = {"read": found.read, "added": added, "replaced": replaced, "unchanged": unchanged}
    report.end({**counts, "errors": [error._asdict() for error in errors]}, BAD_ROWS if errors else 0)


@group.command("assign-method")
@click.option("--organization", required=True, metavar="SLUG")
@click.option("--rail", default="simulated", show_default=True, help="simulated (sandbox) or check.")
@click.option("--json", "as_json", is_flag=True)
@around
def assign_method(organization: str, rail: str, as_json: bool) -> None:
    """Give a method to every supplier without one."""
    report = Reporter(as_json)
    try:
        owner = organization_of(organization)
        with unit_of_work(Scope.organization(owner.id)) as session:
            done = assign_bulk(session, acting(), owner.id, rail)
    except Refusal as refusal:
        report.refuse(refusal, {"assigned": 0, "refused": []})
        return
    report.say(f"{done.count} suppliers are paid by {rail} now.")
    for one in done.refused[:SHOWN]:
        report.say(f"  {one.name}: {one.reason}")
    report.end({"assigned": done.count, "refused": [[one.name, one.reason] for one in done.refused]}, 0)

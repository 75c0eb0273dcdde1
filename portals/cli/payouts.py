"""`flask payouts`: what is calculated by the month, for an operator at the machine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from app.core.errors import Refusal
from app.core.money import Money
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.payouts import calculating, runs
from app.payouts.calculating import Preview
from app.payouts.run_models import PayoutRun
from app.payouts.states import RunStatus
from portals.cli.files import BAD_ROWS, Reporter, acting, organization_of
from portals.cli.services import around

DAY = click.DateTime(["%Y-%m-%d"])
_PLATFORM = Scope.platform("calculate what is paid by the month")


@click.group("payouts")
def group() -> None:
    """Payouts that are calculated by the month."""


@group.command("calculate")
@click.option("--start", type=DAY, help="First day. Default: the first of the previous month.")
@click.option("--end", type=DAY, help="Last day. Default: the last of the previous month.")
@click.option("--rate", type=click.IntRange(1), metavar="MINOR", help="For each appointment. Default: what is agreed.")
@click.option("--organization", metavar="SLUG", help="Default: every organization with something to calculate.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@around
def calculate(
    start: datetime | None, end: datetime | None, rate: int | None, organization: str | None, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Make the payouts of a period: one pending payout for each consultant, with an item for each appointment.

    Days are the organization's own. The same period again makes nothing new.
    """
    report, results = Reporter(as_json), list[dict[str, Any]]()
    try:
        for owner in _payers(organization):
            span = runs.span_of(owner, start.date() if start else None, end.date() if end else None)
            if dry_run:
                with unit_of_work(_PLATFORM) as session:
                    results.append(
                        _previewed(span, owner, calculating.preview(session, owner.id, span, rate_minor=rate))
                    )
            else:
                with unit_of_work(_PLATFORM) as session:
                    run_id = runs.start(session, acting(), owner.id, span, rate_minor=rate).id
                results.append(_made(span, owner, _worked(owner.id, run_id)))
            _told(report, results[-1], dry_run)
    except Refusal as refusal:
        report.refuse(refusal, {"runs": results})
        return
    if not results:
        report.say("Nothing is to be calculated.")
    failed = any(one["failed"] for one in results)
    report.end({"dryRun": dry_run, "runs": results}, BAD_ROWS if failed else 0)


def _payers(slug: str | None) -> list[Any]:
    if slug:
        return [organization_of(slug)]
    with unit_of_work(_PLATFORM) as session:
        return list(runs.payers(session))


def _worked(organization_id: Any, run_id: Any) -> PayoutRun:
    """Piece by piece here; a worker that gets the job meanwhile shares the work."""
    more = True
    while more:
        with unit_of_work(_PLATFORM) as session:
            more = runs.step(session, organization_id, run_id)
    with unit_of_work(_PLATFORM) as session:
        run = runs.find(session, run_id)
        session.expunge(run)
    return run


def _previewed(span: Any, owner: Any, found: Preview) -> dict[str, Any]:
    totals = {row.currency: [row.payees, row.amount_minor] for row in found.totals}
    return _result(span, owner, found.to_rate, found.payouts, totals, [runs.left(row) for row in found.left_out])


def _made(span: Any, owner: Any, run: PayoutRun) -> dict[str, Any]:
    done = run.summary
    result = _result(span, owner, done["earnings"], done["payouts"], done["totals"], done["left_out"])
    return {**result, "failed": done.get("reason") if run.status is RunStatus.FAILED else None}


def _result(
    span: Any, owner: Any, appointments: int, payouts: int, totals: dict[str, Any], left_out: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "organization": owner.slug,
        "periodStart": span.start.isoformat(),
        "periodEnd": span.end.isoformat(),
        "appointments": appointments,
        "payouts": payouts,
        "totals": [
            {"currency": code, "payouts": count, "amountMinor": minor}
            for code, (count, minor) in sorted(totals.items())
        ],
        "leftOut": [{**one, "text": calculating.reason_text(one["reason"])} for one in left_out],
        "failed": None,
    }


def _told(report: Reporter, one: dict[str, Any], dry_run: bool) -> None:
    verb = "would be " if dry_run else ""
    report.say(f"{one['organization']}, {one['periodStart']} to {one['periodEnd']}:")
    if one["failed"]:
        report.say(f"  stopped: {one['failed']}")
    report.say(f"  {one['appointments']} appointments {verb}rated, {one['payouts']} payouts {verb}made.")
    for total in one["totals"]:
        amount = Money(total["amountMinor"], total["currency"])
        report.say(f"  {amount.plain()} {total['currency']} for {total['payouts']} consultants")
    for left in one["leftOut"]:
        amount = Money(left["amount_minor"], left["currency"])
        report.say(f"  left out: {left['name']}, {amount.plain()} {left['currency']}. {left['text']}")

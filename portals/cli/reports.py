"""`flask doctor` and `flask demo load`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from app import demo
from app.core.scope import Scope
from app.core.settings import settings
from app.db.session import unit_of_work
from app.reporting import doctor as examination
from portals.cli.services import around


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object: healthy, and findings with code, message, subject.")
@around
def doctor(as_json: bool) -> None:
    """Check every invariant; exit 1 and name each fault that is found."""
    with unit_of_work(Scope.platform("doctor")) as session:
        findings = examination.examine(session)
    if as_json:
        click.echo(json.dumps({"healthy": not findings, "findings": [asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            click.echo(f"{finding.code}: {finding.message} {finding.subject} ({finding.detail})")
        click.echo(f"{len(findings)} findings." if findings else f"Healthy: {len(examination.CHECKS)} checks.")
    if findings:
        sys.exit(1)


@click.group("demo")
def demo_group() -> None:
    """Data to try things with."""


@demo_group.command("load")
@around
def load() -> None:
    """Write the demo's organizations, people and bills, once. Sandbox only."""
    if not settings().sandbox:
        raise click.ClickException("The demo is for sandbox mode only.")
    with unit_of_work(Scope.platform("demo")) as session:
        written = demo.load(session)
    click.echo("Demo data written." if written else "The demo data is there already.")

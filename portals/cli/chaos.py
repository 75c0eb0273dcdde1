"""`flask chaos`: payouts over every simulated provider while everything fails, and a verdict at the end."""

from __future__ import annotations

import sys

import click

from jobs.chaos import run as chaos


@click.command("chaos")
@click.option("--payouts", default=1000, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--seed", default=1, show_default=True, help="The same seed: the same payouts, faults and kills.")
@click.option("--chance", default=0.15, show_default=True, type=click.FloatRange(0, 0.5), help="Of a fault, each call.")
def command(payouts: int, seed: int, chance: float) -> None:
    """On stores of its own; exit status 1 when anything does not hold."""
    found = chaos.run(chaos.Wanted(payouts, seed, chance), lambda line: click.echo(line, err=True))
    ends = ", ".join(f"{count} {status}" for status, count in sorted(found.payouts.items()))
    click.echo(f"{sum(found.payouts.values())} payouts: {ends}")
    for line in found.wrong:
        click.echo(f"WRONG: {line}")
    click.echo("Everything holds." if not found.wrong else f"{len(found.wrong)} things do not hold.")
    sys.exit(1 if found.wrong else 0)

"""`flask house`: what a new installation needs once before anybody can be booked or can apply."""

from __future__ import annotations

import click

from app.consultations import house
from app.core.errors import Refusal
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from portals.cli.links import login_name
from portals.cli.services import around


@click.command("house")
@click.option("--name", default="Quittance", show_default=True, help="What payees and clients read.")
@click.option("--currency", default="USD", show_default=True)
@click.option("--time-zone", default="UTC", show_default=True, help="Where its months begin.")
@around
def command(name: str, currency: str, time_zone: str) -> None:
    """Make the organization that stands for the platform, with its sessions of 15, 30 and 60 minutes.

    Run it after every `flask db upgrade` if you like: what is there stays as it is.
    """
    try:
        with unit_of_work(Scope.platform("operator sets up the house")) as session:
            made = house.set_up(
                session, operator(f"operator {login_name()}"), name=name, currency=currency, time_zone=time_zone
            )
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from refusal
    click.echo(f"The house is {'made' if made.made else 'there'}; {made.lengths} of its prices were missing.")

"""`flask login-link`: a way in for an operator, noted in the audit trail."""

from __future__ import annotations

import getpass

import click

from app.core.errors import Invalid
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify import sign_in
from portals.cli.services import around


@click.command("login-link")
@click.option("--portal", type=click.Choice([portal.value for portal in Portal]), required=True)
@click.argument("email")
@around
def login_link(portal: str, email: str) -> None:
    """Print an address that signs EMAIL in once, within 15 minutes."""
    try:
        with unit_of_work(Scope.platform("operator's sign-in link")) as session:
            url = sign_in.operator_link(session, operator(f"operator {login_name()}"), Portal(portal), email)
    except Invalid as refusal:
        raise click.ClickException(refusal.message) from refusal
    if url is None:
        raise click.ClickException(f"No active account {email} in the {portal} portal.")
    click.echo(url)


def login_name() -> str:
    """Who is at the machine; containers may have no name for their user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unnamed"

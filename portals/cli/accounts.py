"""`flask accounts …`: what an operator does for people who cannot help themselves."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.core.errors import Invalid, Refusal
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify import second_steps, sign_in
from portals.cli.links import login_name
from portals.cli.services import around

group = AppGroup("accounts", help="Accounts of people.")


@group.command("add-admin")
@click.argument("email")
@click.option("--name", default="", help="What others read; the address without it.")
@around
def add_admin(email: str, name: str) -> None:
    """Let EMAIL sign in to the platform's admin portal and mail them the link: the first admin, or one more.

    Who is an admin already gets a new link.
    """
    try:
        with unit_of_work(Scope.platform("operator adds an admin")) as session:
            sign_in.invite(
                session, operator(f"operator {login_name()}"), Portal.ADMIN, email, name or email, inviter="Quittance"
            )
    except Refusal as refusal:
        raise click.ClickException(refusal.message) from refusal
    click.echo(f"{email} is an admin; the link to sign in is on its way by mail.")


@group.command("reset-factor")
@click.argument("email")
@click.option("--portal", type=click.Choice([portal.value for portal in Portal]), required=True)
@around
def reset_factor(email: str, portal: str) -> None:
    """Take every second step away from EMAIL, who lost it: authenticator app, passkeys, recovery codes.

    They are signed out everywhere and told by mail. Make sure that it is them who ask.
    """
    try:
        with unit_of_work(Scope.platform("operator resets a second step")) as session:
            found = second_steps.reset(session, operator(f"operator {login_name()}"), Portal(portal), email)
    except Invalid as refusal:
        raise click.ClickException(refusal.message) from refusal
    if not found:
        raise click.ClickException(f"No account {email} in the {portal} portal.")
    click.echo(f"{email} signs in to the {portal} portal without a second step until a new one is set up.")

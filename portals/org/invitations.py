"""Invitations of payees by address: the mail's link makes their account and ties it to the payee they are here."""

from __future__ import annotations

import re
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import NotFound, Refusal
from app.core.scope import Permission
from app.identity import queries as accounts
from app.identity.states import Portal
from app.notify import sign_in
from app.payees import queries
from app.payees.kinds import spec_of
from portals.org import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

MOST = 20
_BETWEEN = re.compile(r"[\s,;]+")


class InvitationForm(BaseForm):
    addresses = TextAreaField(
        _l("Addresses"),
        [InputRequired(_l("Give at least one address.")), Length(max=5_000)],
        description=_l("One or several, separated by commas or line breaks. Each gets a link of their own."),
    )


@bp.route("/payees/<uuid:payee_id>/invitations", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def invitations(payee_id: UUID) -> ResponseReturnValue:
    """All of them are mailed or, with one bad address, none."""
    row = queries.detail(db(), g.organization.id, payee_id)
    name = spec_of(row.kind).portal
    if name is None:
        raise NotFound(_("There is no portal for this kind of payee."))
    portal = Portal(name)
    form = InvitationForm(addresses=row.email or "")
    if form.accepts():
        wanted = list(dict.fromkeys(text.lower() for text in _BETWEEN.split(form.addresses.data) if text))
        wrong = _("At most %(n)s addresses at once.", n=MOST) if len(wanted) > MOST else ""
        for address in () if wrong else wanted:
            wrong = wrong or invite(payee_id, row.name, portal, address)
        if not wrong:
            title = ngettext("%(num)s invitation sent", "%(num)s invitations sent", len(wanted))
            return done(back=url_for(".payee", payee_id=payee_id), toast=(title, ", ".join(wanted[:3])))
        form.addresses.errors = [*form.addresses.errors, wrong]
    return page("org/payees/invitations.html", fragment="org/payees/_invitations.html", form=form, row=row)


def invite(payee_id: UUID, name: str, portal: Portal, address: str) -> str:
    """Why it was not possible, "" when it was."""
    try:
        sign_in.invite(
            db(),
            g.actor,
            portal,
            address,
            name,
            inviter=g.organization.name,
            payee_id=payee_id,
            organization_id=g.organization.id,
            time_zone=g.organization.time_zone,
        )
    except Refusal as refusal:
        return f"{address}: {refusal.message}"
    return ""


@bp.post("/payees/<uuid:payee_id>/invitations/<uuid:account_id>")
@require(Permission.PAYEE_MANAGE)
def invitation_again(payee_id: UUID, account_id: UUID) -> ResponseReturnValue:
    """Send a new link; the ones before stay valid until they expire."""
    row = queries.detail(db(), g.organization.id, payee_id)
    found = next((one for one in accounts.accounts_of_payee(db(), payee_id) if one.id == account_id), None)
    if found is None:
        raise NotFound(_("There is no such account."))
    sign_in.invite(
        db(),
        g.actor,
        found.portal,
        found.email,
        found.name,
        inviter=g.organization.name,
        payee_id=payee_id,
        organization_id=g.organization.id,
        time_zone=g.organization.time_zone,
    )
    return done(back=url_for(".payee", payee_id=row.payee_id), toast=(_("Invitation sent again"), found.email))

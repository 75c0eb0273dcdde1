"""How bookings with the organization's consultants are shared: its rates by version, and what was agreed in person."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length, Optional

from app.core.errors import Invalid, NotFound
from app.core.scope import Permission
from app.earnings import rates as service
from app.organizations import own_payee
from app.payees.rules import read_commission
from portals.org import bp, navigation
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import require
from portals.web.htmx import done, page


class RatesForm(OnceForm):
    organization_bps = StringField(
        _l("Organization’s part"), [InputRequired(_l("Give a percentage.")), Length(max=10)],
        description=_l("In percent of the price, as 5 or 7.5. Consultants get what is left."),
    )  # fmt: skip


class OverrideForm(OnceForm):
    consultant_bps = StringField(
        _l("Consultant’s part"), [Optional(), Length(max=10)],
        description=_l("In percent of the price. Empty: the organization’s rates."),
    )  # fmt: skip


def _shares() -> None:
    """Raises NotFound for an organization that only buys and has no consultants."""
    if not navigation.shares():
        raise NotFound(_("Your organization has no consultants, so there is nothing to share by rates."))


@bp.get("/rates")
@require(Permission.CONSULTATION_READ)
def rates() -> ResponseReturnValue:
    _shares()
    here = g.organization
    return page(
        "org/rates/index.html",
        now=None if here.is_house else service.of_organization(db(), here.id),
        earns=own_payee.find(db(), here.id) is not None,
        versions=service.history(db(), here.id),
        consultants=service.consultants(db(), here.id),
    )


@bp.route("/rates/new", methods=["GET", "POST"])
@require(Permission.CONSULTATION_MANAGE)
def new_rates() -> ResponseReturnValue:
    """The organization moves its own part; the platform's stays, consultants get the rest."""
    _shares()
    if g.organization.is_house:
        raise NotFound(_("The platform’s own consultants have the platform’s rates."))
    now = service.of_organization(db(), g.organization.id)
    form = RatesForm(organization_bps=f"{now.organization_bps / 100:g}")
    if form.accepts():
        with form.refusals():
            own = _read("organization_bps", form.organization_bps.data or "")
            rest = 10_000 - now.platform_bps - own
            if rest < 0:
                sentence = _("The platform keeps %(part)s: that is too much.", part=f"{now.platform_bps / 100:g} %")
                raise Invalid(sentence, fields={"organization_bps": sentence})
            service.set_version(
                db(), g.actor, g.organization.id, platform_bps=now.platform_bps, organization_bps=own,
                consultant_bps=rest,
            )  # fmt: skip
            return done(back=url_for(".rates"), toast=(_("Rates set"), _("Bookings from now on are shared by them.")))
    return page("org/rates/new.html", fragment="org/rates/_new.html", form=form, now=now)


@bp.route("/rates/<uuid:payee_id>", methods=["GET", "POST"])
@require(Permission.CONSULTATION_MANAGE)
def override(payee_id: UUID) -> ResponseReturnValue:
    """What was agreed with one consultant."""
    who = next((one for one in service.consultants(db(), g.organization.id) if one.payee_id == payee_id), None)
    if who is None:
        raise NotFound(_("There is no such consultant."))
    form = OverrideForm(consultant_bps="" if who.consultant_bps is None else f"{who.consultant_bps / 100:g}")
    if form.accepts():
        with form.refusals():
            typed = (form.consultant_bps.data or "").strip()
            agreed = _read("consultant_bps", typed) if typed else None
            service.set_override(db(), g.actor, g.organization.id, payee_id, agreed)
            return done(back=url_for(".rates"), toast=(_("Agreed"), who.name))
    return page("org/rates/override.html", fragment="org/rates/_override.html", form=form, who=who)


def _read(name: str, typed: str) -> int:
    """Basis points of a percentage as it was typed. Raises Invalid beside the field."""
    found = read_commission(typed)
    if found is None:
        sentence = _("Write a percentage between 0 and 100, with two decimals at most.")
        raise Invalid(sentence, fields={name: sentence})
    return found

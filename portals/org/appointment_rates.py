"""What each doctor gets for an appointment: read and changed; it counts from the next run on."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import Optional

from app.consultations import appointment_queries as queries
from app.consultations import appointments as service
from app.consultations.rating import DEFAULT_RATE
from app.core.errors import NotFound
from app.core.money import Money
from app.core.scope import Permission
from app.db.paging import AnyRow
from portals.org import bp
from portals.web.db import db
from portals.web.forms import BaseForm, MoneyField
from portals.web.guards import require
from portals.web.htmx import done, page


class RateForm(BaseForm):
    currency = HiddenField()
    rate = MoneyField(
        _l("For each appointment"),
        [Optional()],
        currency_field="currency",
        description=_l("Empty: the usual rate, where there is one in this currency."),
    )


def agreed(row: AnyRow) -> Money | None:
    """What is agreed, or usual in the currency; None where appointments wait for a rate."""
    if row.flat_rate_minor is not None:
        return Money(row.flat_rate_minor, row.currency)
    return DEFAULT_RATE if row.currency == DEFAULT_RATE.currency else None


@bp.get("/appointments/rates")
@require(Permission.CONSULTATION_READ)
def appointment_rates() -> ResponseReturnValue:
    return page(
        "org/appointments/rates.html",
        fragment="org/appointments/_rates.html",
        doctors=queries.doctors(db(), g.organization.id),
        agreed=agreed,
    )


@bp.route("/appointments/rates/<uuid:payee_id>", methods=["GET", "POST"])
@require(Permission.CONSULTATION_MANAGE)
def appointment_rate(payee_id: UUID) -> ResponseReturnValue:
    row = next((one for one in queries.doctors(db(), g.organization.id) if one.payee_id == payee_id), None)
    if row is None:
        raise NotFound(_("There is no such consultant."))
    now = None if row.flat_rate_minor is None else Money(row.flat_rate_minor, row.currency)
    form = RateForm(data={"currency": row.currency, "rate": now})
    form.currency.data = row.currency  # whatever a form says
    if form.accepts():
        with form.refusals():
            given = form.rate.data
            minor = given.minor if isinstance(given, Money) else None
            service.set_rate(db(), g.actor, g.organization.id, payee_id, minor)
            return done(back=url_for(".appointment_rates"), toast=_("The rate counts from the next run on"))
    return page("org/appointments/rate.html", fragment="org/appointments/_rate.html", form=form, row=row)

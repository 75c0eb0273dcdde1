"""Appointments of every organization, and one written down for one of them."""

from __future__ import annotations

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.consultations import appointment_queries as queries
from app.consultations import appointments as service
from app.consultations.states import AppointmentSource, AppointmentStatus
from app.core.errors import Invalid
from app.organizations import queries as organizations
from portals.admin import asking, bp
from portals.shared import appointments as shared
from portals.shared.appointments import SOURCES, AppointmentForm
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import done, page


@bp.get("/appointments")
def appointments() -> ResponseReturnValue:
    organization = asking.organization_named(request.args.get("organization", ""))
    filters, query = shared.asked(organization.id if organization else None)
    if organization:
        query["organization"] = organization.slug
    want = paging.wanted()
    found = queries.appointments(db(), filters, want.cursor, want.limit)
    return page(
        "admin/appointments/index.html",
        fragment="org/appointments/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=filters,
        query=query,
        across=True,
        organization=organization,
        organizations=asking.organization_choices(),
        statuses=list(AppointmentStatus),
        sources=SOURCES,
        rate_of=shared.rate_of,
    )


@bp.get("/appointments.csv")
def appointments_file() -> Response:
    organization = asking.organization_named(request.args.get("organization", ""))
    filters, _query = shared.asked(organization.id if organization else None)
    return shared.file_of(filters, organization.slug if organization else "all")


@bp.route("/organizations/<slug>/appointments/new", methods=["GET", "POST"])
def new_appointment(slug: str) -> ResponseReturnValue:
    owner = organizations.by_slug(db(), slug)
    form = AppointmentForm()
    form.offer(queries.doctors(db(), owner.id))
    if form.accepts():
        with form.refusals():
            try:
                made = service.record(db(), g.actor, owner.id, AppointmentSource.ADMIN, [form.held(owner.time_zone)])
            except Invalid as wrong:
                raise Invalid(wrong.message, fields=form.blame_fields(dict(wrong.fields))) from None
            toast = _("The appointment is written down") if made.new else _("This number was written down before")
            return done(back=url_for(".appointments", organization=slug), toast=toast)
    return page("admin/appointments/new.html", fragment="admin/appointments/_new.html", form=form, owner=owner)

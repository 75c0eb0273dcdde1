"""Runs of a period: what one would make, starting it, and what came of those before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange, Optional

from app.core.errors import Invalid
from app.core.money import MAX_MINOR
from app.organizations import queries as organizations
from app.payouts import calculating, runs
from app.payouts.states import RunStatus
from app.rails import registry
from portals.admin import asking, bp
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.htmx import done, page


class RunForm(OnceForm):
    organization = SelectField(_l("Organization"), [InputRequired(_l("Choose an organization."))])
    start = DateField(_l("First day"), [Optional()])
    end = DateField(_l("Last day"), [Optional()])
    rate = IntegerField(
        _l("Rate in minor units"), [Optional(), NumberRange(1, MAX_MINOR, _l("Above zero."))],
        description=_l("For each appointment of this run alone: 50000 is 500.00 in KES. Empty: what is agreed."),
    )  # fmt: skip

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        offered = {row.slug: row.name for row in asking.organization_choices()}
        chosen = asking.organization_named(self.organization.data or "")
        if chosen is not None:
            offered.setdefault(chosen.slug, chosen.name)
        self.organization.choices = [("", _("Choose…")), *offered.items()]


@bp.get("/runs")
def payout_runs() -> ResponseReturnValue:
    want = paging.wanted(25)
    organization = asking.organization_named(request.args.get("organization", ""))
    found = runs.runs(db(), want.cursor, want.limit, organization_id=organization.id if organization else None)
    return page(
        "admin/runs/index.html",
        fragment="admin/runs/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        organization=organization,
        organizations=asking.organization_choices(),
    )


@bp.route("/runs/new", methods=["GET", "POST"])
def new_payout_run() -> ResponseReturnValue:
    """With an organization: a dry run of its previous month, or of the days asked for; a POST starts it."""
    given = request.args
    form = RunForm(
        data={
            "organization": given.get("organization", ""),
            "start": asking.day(given, "start"),
            "end": asking.day(given, "end"),
            "rate": given.get("rate", type=int),
        }
    )
    rate, asked_for = form.rate.data, given.get("rate", "").strip()
    if not form.is_submitted() and asked_for and (rate is None or not 0 < rate <= MAX_MINOR):
        form.blame(Invalid(_("The rate is a whole number."), fields={"rate": _("A whole number above zero.")}))
    named = asking.organization_named(form.organization.data or "")
    owner = organizations.by_id(db(), named.id) if named is not None else None
    if form.accepts() and owner is not None:
        with form.refusals():
            span = runs.span_of(owner, form.start.data, form.end.data)
            run = runs.start(db(), g.actor, owner.id, span, rate_minor=rate)
            return done(back=url_for(".payout_run", run_id=run.id), toast=_("The run has begun"))
    preview = span = None
    if owner is not None and not form.rate.errors:
        try:
            span = runs.span_of(owner, form.start.data, form.end.data)
            preview = calculating.preview(db(), owner.id, span, rate_minor=rate)
        except Invalid as wrong:
            if not form.faulty:
                form.blame(wrong)
    return page(
        "admin/runs/new.html",
        fragment="admin/runs/_preview.html",
        form=form,
        owner=owner,
        span=span,
        preview=preview,
        reason_text=calculating.reason_text,
        rail_of=registry.rail,
        shown=calculating.SHOWN,
    )


@bp.get("/runs/<uuid:run_id>")
def payout_run(run_id: UUID) -> ResponseReturnValue:
    """While the job works, the page asks again; then what came of it and who was left out, and why."""
    run = runs.find(db(), run_id)
    if htmx.wants_fragment() and run.status is not RunStatus.RUNNING:
        return htmx.go(url_for(".payout_run", run_id=run_id))  # the head of the page changes too
    return page(
        "admin/runs/run.html",
        fragment="admin/runs/_result.html",
        run=run,
        owner=organizations.by_id(db(), run.organization_id),
        reason_text=calculating.reason_text,
    )

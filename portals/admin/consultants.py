"""Consultants of all organizations: who is listed, how they are rated, what they held; suspended and taken up again."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField
from wtforms.validators import Optional

from app.consultations import directory, profiles
from app.consultations.directory import Sort, Wanted
from app.consultations.entitlements import Entitlement, entitled
from app.consultations.profile_rules import LONGEST_SEARCH, language_names
from app.consultations.states import Practice
from app.core.clock import today, utc_now
from app.organizations import queries as organizations
from app.reporting import consultants as reports
from app.reporting.consultants import Metrics
from portals.admin import asking, bp
from portals.admin.engagements import ReasonForm, ResumeForm
from portals.shared import pictures
from portals.shared.consultant_signup import PRACTICES
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page

LISTED = {"": None, "listed": True, "unlisted": False}
PLANS = {
    Entitlement.ADVANCED_ANALYTICS: _l("Advanced analytics"),
    Entitlement.INSTANT_PAYOUT: _l("Instant payout"),
    Entitlement.CUSTOM_OFFERINGS: _l("Custom offerings"),
}


class PremiumForm(BaseForm):
    until = DateField(
        _l("Premium until"), [Optional()], description=_l("The last day that counts. Empty: no premium plan.")
    )


def _this_month() -> tuple[datetime, datetime]:
    """Where the reader is."""
    zone = ZoneInfo(g.tz)
    first = utc_now().astimezone(zone).date().replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)


@bp.get("/consultants")
def consultants() -> ResponseReturnValue:
    args, want = request.args, paging.wanted(40)
    organization = asking.organization_named(args.get("organization", ""))
    state = args.get("state", "") if args.get("state", "") in LISTED else ""
    chosen = Wanted(
        search=args.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
        practice=asking.one_of(Practice, args, "practice"),
        listed=LISTED[state],
        organization_id=organization.id if organization else None,
    )
    sort = asking.one_of(Sort, args, "sort") or Sort.NAME
    found = directory.by(db(), chosen, sort, want.cursor, want.limit)
    return page(
        "admin/consultants/index.html",
        fragment="admin/consultants/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=chosen,
        state=state,
        filtered=chosen.any or bool(state or organization),
        organization=organization,
        organizations=asking.organization_choices(),
        names=organizations.names(db(), {row.organization_id for row in found.items}),
        metrics=reports.metrics(db(), [row.payee_id for row in found.items], *_this_month()),
        statuses=directory.statuses(db(), found.items),
        nothing=Metrics(),
        sort=sort,
        url_with=paging.url_with,
        average=directory.average,
        practices=PRACTICES,
    )


@bp.get("/consultants/<uuid:payee_id>")
def consultant(payee_id: UUID) -> ResponseReturnValue:
    row = directory.own(db(), payee_id)
    return page(
        "admin/consultants/show.html",
        row=row,
        organization=organizations.names(db(), [row.organization_id])[row.organization_id],
        numbers=reports.metrics(db(), [payee_id], *_this_month()).get(payee_id, Metrics()),
        engaged=directory.statuses(db(), [row])[payee_id],
        average=directory.average(row),
        languages=language_names(row.languages),
        practices=PRACTICES,
        plan=[label for one, label in PLANS.items() if entitled(row, one, today())],
    )


@bp.get("/consultants/<uuid:payee_id>/picture")
def consultant_picture(payee_id: UUID) -> ResponseReturnValue:
    return pictures.show(directory.picture(db(), directory.own(db(), payee_id).avatar_file_id))


@bp.route("/consultants/<uuid:payee_id>/<any(suspension, resumption):noun>", methods=["GET", "POST"])
def consultant_suspension(payee_id: UUID, noun: str) -> ResponseReturnValue:
    row = directory.own(db(), payee_id)
    form: Any = ReasonForm() if noun == "suspension" else ResumeForm()
    if form.accepts():
        with form.refusals():
            if noun == "suspension":
                profiles.suspend(db(), g.actor, payee_id, form.reason.data or "")
            else:
                profiles.reactivate(db(), g.actor, payee_id)
            said = _("Suspended") if noun == "suspension" else _("Active again")
            return done(back=url_for(".consultant", payee_id=payee_id), toast=(said, row.name))
    return page(
        "admin/consultants/suspension.html", fragment="admin/consultants/_suspension.html",
        form=form, row=row, noun=noun,
    )  # fmt: skip


@bp.route("/consultants/<uuid:payee_id>/premium", methods=["GET", "POST"])
def consultant_premium(payee_id: UUID) -> ResponseReturnValue:
    row = directory.own(db(), payee_id)
    form = PremiumForm(until=row.premium_until)
    if form.accepts():
        with form.refusals():
            profiles.grant_premium(db(), g.actor, payee_id, form.until.data)
            return done(back=url_for(".consultant", payee_id=payee_id), toast=(_("Premium plan saved"), row.name))
    return page("admin/consultants/premium.html", fragment="admin/consultants/_premium.html", form=form, row=row)

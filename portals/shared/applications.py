"""The queue of applications, for an organization (its own) and for the platform (everybody's, and those to itself)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.consultations import applications as consultants
from app.consultations import directory
from app.consultations.profile_rules import language_names
from app.core.countries import countries
from app.core.scope import Permission
from app.organizations import queries as organizations
from app.payees import application_queries as queries
from app.payees import application_rules as rules
from app.payees import applications as declining
from app.payees.application_queries import Wanted
from app.payees.kinds import SPECS
from app.payees.states import ApplicationStatus, PayeeKind
from portals.shared import pictures
from portals.shared.asking import one_of
from portals.shared.consultant_signup import PRACTICES
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import require
from portals.web.htmx import done, page

STATES = {
    "submitted": (_l("To decide"), ApplicationStatus.SUBMITTED),
    "approved": (_l("Approved"), ApplicationStatus.APPROVED),
    "declined": (_l("Declined"), ApplicationStatus.DECLINED),
    "all": (_l("All"), None),
}
KINDS = {spec.kind: _l(spec.label) for spec in SPECS.values() if spec.portal}


class ApproveForm(OnceForm):
    message = TextAreaField(
        _l("Message"), [Length(max=rules.LONGEST_REASON)], description=_l("Optional. It goes into the mail they get.")
    )


class DeclineForm(OnceForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why; the applicant reads it.")), Length(max=rules.LONGEST_REASON)]
    )


def _here() -> UUID | None:
    """The organization the page is of; None on the platform's."""
    organization = g.get("organization")
    return organization.id if organization is not None else None


def _names(rows: Any) -> dict[UUID, str]:
    """Whom the rows are addressed to; needed where they are several."""
    return {} if _here() else organizations.names(db(), {row.organization_id for row in rows})


@require(Permission.PAYEE_READ)
def applications() -> ResponseReturnValue:
    want, state = paging.wanted(), request.args.get("state", "submitted")
    state = state if state in STATES else "submitted"
    kind, search = one_of(PayeeKind, request.args, "kind"), request.args.get("q", "")[:100]
    found = queries.queue(db(), Wanted(_here(), STATES[state][1], kind, search), want.cursor, want.limit)
    return page(
        "shared/applications/index.html",
        fragment="shared/applications/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        names=_names(found.items),
        state=state,
        states=STATES,
        kind=kind,
        kinds=KINDS,
        search=search,
    )


def _row(application_id: UUID) -> Any:
    return queries.application(db(), application_id)


@require(Permission.PAYEE_READ)
def application(application_id: UUID) -> ResponseReturnValue:
    row = _row(application_id)
    return page(
        "shared/applications/show.html", row=row, names=_names([row]), kinds=KINDS, countries=countries(),
        may_decide=g.actor.can(Permission.PAYEE_MANAGE), said=consultants.details(db(), application_id),
        practices=PRACTICES, languages=language_names,
    )  # fmt: skip


@require(Permission.PAYEE_READ)
def application_picture(application_id: UUID) -> ResponseReturnValue:
    """Of who applied to be a consultant."""
    _row(application_id)
    said = consultants.details(db(), application_id)
    return pictures.show(directory.picture(db(), said.avatar_file_id if said else None))


@require(Permission.PAYEE_MANAGE)
def application_approval(application_id: UUID) -> ResponseReturnValue:
    form, row = ApproveForm(), _row(application_id)
    if form.accepts():
        with form.refusals():
            payee_id = consultants.approve(db(), g.actor, application_id, form.message.data or "")
            text = _("They are mailed a link that signs them in.")
            return done(back=url_for(".payee", payee_id=payee_id), toast=(_("Application approved"), text))
    return page("shared/applications/approval.html", fragment="shared/applications/_approval.html", form=form, row=row)


@require(Permission.PAYEE_MANAGE)
def application_refusal(application_id: UUID) -> ResponseReturnValue:
    form, row = DeclineForm(), _row(application_id)
    if form.accepts():
        with form.refusals():
            declining.decline(db(), g.actor, application_id, form.reason.data or "")
            return done(back=url_for(".applications"), toast=(_("Application declined"), _("The applicant reads why.")))
    return page("shared/applications/refusal.html", fragment="shared/applications/_refusal.html", form=form, row=row)


def mount(bp: Blueprint) -> None:
    base = "/applications"
    bp.get(base)(applications)
    bp.get(f"{base}/<uuid:application_id>")(application)
    bp.get(f"{base}/<uuid:application_id>/picture")(application_picture)
    bp.route(f"{base}/<uuid:application_id>/approval", methods=["GET", "POST"])(application_approval)
    bp.route(f"{base}/<uuid:application_id>/refusal", methods=["GET", "POST"])(application_refusal)

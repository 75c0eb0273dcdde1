"""The queue of applications, for an organization (its own) and for the platform (everybody's, and those to itself)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.scope import Permission
from app.organizations import queries as organizations
from app.payees import application_queries as queries
from app.payees import application_rules as rules
from app.payees import applications as service
from app.payees.application_queries import Wanted
from app.payees.kinds import SPECS
from app.payees.states import ApplicationStatus, PayeeKind
from portals.shared.asking import one_of
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
        "shared/applications/show.html", row=row, names=_names([row]), kinds=KINDS, countries=rules.countries(),
        once=uuid4().hex, may_decide=g.actor.can(Permission.PAYEE_MANAGE),
    )  # fmt: skip


@require(Permission.PAYEE_MANAGE)
def application_approval(application_id: UUID) -> ResponseReturnValue:
    payee_id = service.approve(db(), g.actor, application_id)
    text = _("They are mailed a link that signs them in.")
    return done(back=url_for(".payee", payee_id=payee_id), toast=(_("Application approved"), text))


@require(Permission.PAYEE_MANAGE)
def application_refusal(application_id: UUID) -> ResponseReturnValue:
    form, row = DeclineForm(), _row(application_id)
    if form.accepts():
        with form.refusals():
            service.decline(db(), g.actor, application_id, form.reason.data or "")
            return done(back=url_for(".applications"), toast=(_("Application declined"), _("The applicant reads why.")))
    return page("shared/applications/refusal.html", fragment="shared/applications/_refusal.html", form=form, row=row)


def mount(bp: Blueprint) -> None:
    base = "/applications"
    bp.get(base)(applications)
    bp.get(f"{base}/<uuid:application_id>")(application)
    bp.post(f"{base}/<uuid:application_id>/approval")(application_approval)
    bp.route(f"{base}/<uuid:application_id>/refusal", methods=["GET", "POST"])(application_refusal)

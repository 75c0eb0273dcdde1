"""Messages with payees: everybody who may read them sees the same threads, each with a mark of their own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import NotFound
from app.core.scope import Permission
from app.identity import queries as accounts
from app.messages import queries
from app.messages.service import About
from app.messages.states import AboutKind, Side
from app.payables import queries as bills
from app.payees import queries as payees
from app.projects import queries as projects
from portals.org import bp
from portals.shared import messages as shared
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import page

_SHOWN = 20


@bp.get("/messages")
@require(Permission.MESSAGE)
def messages() -> ResponseReturnValue:
    """`?payee=<id>`: with that payee only."""
    payee_id = request.args.get("payee", type=UUID)
    return shared.threads(Side.ORGANIZATION, organization_id=g.organization.id, payee_id=payee_id)


def _ours(thread_id: UUID) -> Any:
    found = queries.thread(db(), thread_id)
    if found.organization_id != g.organization.id:
        raise NotFound(_("There are no such messages."))
    return found


@bp.route("/messages/<uuid:thread_id>", methods=["GET", "POST"])
@require(Permission.MESSAGE)
def thread(thread_id: UUID) -> ResponseReturnValue:
    found = _ours(thread_id)
    return shared.thread(found, Side.ORGANIZATION, shared.about_url(found))


@bp.get("/messages/<uuid:thread_id>/news")
@require(Permission.MESSAGE)
def thread_news(thread_id: UUID) -> ResponseReturnValue:
    return shared.news(_ours(thread_id), Side.ORGANIZATION)


@bp.route("/messages/new", methods=["GET", "POST"])
@require(Permission.MESSAGE)
def new_thread() -> ResponseReturnValue:
    """`?payee=<id>` says to whom, `?request=<id>` or `?project=<id>` about what; else somebody is chosen first."""
    payee_id, about = request.args.get("payee", type=UUID), None
    bill_id, project_id = request.args.get("request", type=UUID), request.args.get("project", type=UUID)
    if bill_id is not None:
        bill = bills.detail(db(), bill_id, g.organization.id)
        payee_id, about = bill.payee_id, shared.about_bill(bill_id, bill)
    elif project_id is not None:
        project = projects.detail(db(), projects.Whose(organization_id=g.organization.id), project_id)
        payee_id, about = project.payee_id, About(AboutKind.PROJECT, project_id, project.title)
    subject = shared.subject_of(about) if about else ""
    if payee_id is None:
        return _choose()
    payee = payees.detail(db(), g.organization.id, payee_id)
    unreachable = not accounts.accounts_of_payee(db(), payee_id)
    warning = _("%(name)s cannot sign in yet: invite them, so that they read it.", name=payee.name)
    return shared.new_thread(
        shared.ThreadForm(subject=subject),
        g.organization.id,
        payee_id,
        about,
        action=url_for(".new_thread", payee=payee_id, **shared.named(about)),
        to=payee.name,
        several=False,
        warning=warning if unreachable else "",
    )


def _choose() -> ResponseReturnValue:
    search = request.args.get("q", "").strip()[:100]
    found = payees.payees(db(), g.organization.id, search=search, limit=_SHOWN)
    return page("shared/messages/choose.html", fragment="shared/messages/_choose.html", found=found, search=search)

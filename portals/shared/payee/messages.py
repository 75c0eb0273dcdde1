"""Messages between this payee and the organizations that engage them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from app.core.errors import NotFound
from app.messages import queries
from app.messages.service import About
from app.messages.states import AboutKind, Side
from app.projects import queries as projects
from portals.shared import messages as shared
from portals.shared.payee import payers
from portals.shared.payee.requests import mine as my_bill
from portals.web.db import db


class ThreadForm(shared.ThreadForm):
    organization = SelectField(_l("To"), choices=lambda: [(p.slug, p.name) for p in payers.mine()])


def messages() -> ResponseReturnValue:
    payer = payers.chosen()
    return shared.threads(Side.PAYEE, organization_id=payer.organization_id if payer else None)


def _mine(thread_id: UUID) -> Any:
    """Raises NotFound for somebody else's: the scope does not show it."""
    found = queries.thread(db(), thread_id)
    if found.payee_id != g.actor.payee_id:
        raise NotFound(_("There are no such messages."))
    return found


def thread(thread_id: UUID) -> ResponseReturnValue:
    found = _mine(thread_id)
    return shared.thread(found, Side.PAYEE, shared.about_url(found))


def thread_news(thread_id: UUID) -> ResponseReturnValue:
    return shared.news(_mine(thread_id), Side.PAYEE)


def _about() -> tuple[About, UUID] | None:
    """What `?request=` or `?project=` names, and the organization it is for. Raises NotFound for somebody else's."""
    bill_id, project_id = request.args.get("request", type=UUID), request.args.get("project", type=UUID)
    if bill_id is not None and payers.may_bill():
        bill = my_bill(bill_id)
        return shared.about_bill(bill_id, bill), bill.organization_id
    if project_id is not None:
        project = projects.detail(db(), projects.Whose(payee_id=g.actor.payee_id), project_id)
        return About(AboutKind.PROJECT, project_id, project.title), project.organization_id
    return None


def new_thread() -> ResponseReturnValue:
    """`?request=<id>`, `?project=<id>`: about that, to whom it is for."""
    named, payer = _about(), payers.chosen()
    about, subject = None, ""
    if named is not None:
        about, subject = named[0], shared.subject_of(named[0])
        payer = next((p for p in payers.mine() if p.organization_id == named[1]), None)
    payer = payer or next(iter(payers.mine()), None)
    form = ThreadForm(organization=payer.slug if payer else "", subject=subject)
    if about is None and form.is_submitted() and form.organization.data:
        payer = payers.by_slug(form.organization.data)
    return shared.new_thread(
        form,
        payer.organization_id if payer else None,
        g.actor.payee_id,
        about,
        action=url_for(".new_thread", **shared.named(about)),
        to=payer.name if payer else "",
        several=len(payers.mine()) > 1 and about is None,
        warning="" if payer else _("No organization engages you at the moment, so there is nobody to write to."),
    )


def mount(bp: Blueprint) -> None:
    bp.get("/messages")(messages)
    bp.route("/messages/new", methods=["GET", "POST"])(new_thread)
    bp.route("/messages/<uuid:thread_id>", methods=["GET", "POST"])(thread)
    bp.get("/messages/<uuid:thread_id>/news")(thread_news)

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
    bill = found.about_kind is AboutKind.REQUEST and payers.may_bill()
    return shared.thread(found, Side.PAYEE, url_for(".request", request_id=found.about_id) if bill else "")


def thread_news(thread_id: UUID) -> ResponseReturnValue:
    return shared.news(_mine(thread_id), Side.PAYEE)


def new_thread() -> ResponseReturnValue:
    """`?request=<id>`: about that bill, to whom it was sent."""
    about, payer = None, payers.chosen()
    bill_id = request.args.get("request", type=UUID)
    subject = ""
    if bill_id is not None and payers.may_bill():
        bill = my_bill(bill_id)
        label = bill.invoice_number or bill.reference
        about, subject = About(AboutKind.REQUEST, bill_id, label), _("Bill %(number)s", number=label)
        payer = next((p for p in payers.mine() if p.organization_id == bill.organization_id), None)
    payer = payer or next(iter(payers.mine()), None)
    form = ThreadForm(organization=payer.slug if payer else "", subject=subject)
    if about is None and form.is_submitted() and form.organization.data:
        payer = payers.by_slug(form.organization.data)
    return shared.new_thread(
        form,
        payer.organization_id if payer else None,
        g.actor.payee_id,
        about,
        action=url_for(".new_thread", request=bill_id if about else None),
        to=payer.name if payer else "",
        several=len(payers.mine()) > 1 and about is None,
        warning="" if payer else _("No organization engages you at the moment, so there is nobody to write to."),
    )


def mount(bp: Blueprint) -> None:
    bp.get("/messages")(messages)
    bp.route("/messages/new", methods=["GET", "POST"])(new_thread)
    bp.route("/messages/<uuid:thread_id>", methods=["GET", "POST"])(thread)
    bp.get("/messages/<uuid:thread_id>/news")(thread_news)

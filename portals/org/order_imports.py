"""Orders from files: upload, see what would come of it, import. A job writes them; the buyers are never kept."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField

from app.core.errors import Conflict
from app.core.money import CURRENCIES
from app.core.scope import Permission
from app.files.models import FilePurpose
from app.sales import import_service
from app.sales.importing import Orders, read_orders, unpacked
from app.sales.models import OrderImport
from app.sales.service import buyer_index
from app.sales.states import ImportStatus, OrderSource
from portals.org import bp, uploads
from portals.org.orders import SOURCES
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

SHOWN = 100  # faults, and orders that came in another way


class OrderUploadForm(BaseForm):
    file = FileField(_l("File with orders"))
    currency = SelectField(
        _l("Currency"), choices=sorted(CURRENCIES), description=_l("For orders that name none themselves.")
    )


class ConfirmOrdersForm(BaseForm):
    skip_faulty = BooleanField(_l("Leave the faulty lines out and import the others"))


@bp.get("/orders/imports")
@require(Permission.SALES_RECORD)
def order_imports() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = import_service.imports(db(), g.organization.id, want.cursor, want.limit)
    return page(
        "org/orders/imports.html",
        fragment="org/orders/_imports.html",
        found=found,
        neighbours=paging.neighbours(found),
    )


@bp.route("/orders/imports/new", methods=["GET", "POST"])
@require(Permission.SALES_RECORD)
def new_order_import() -> ResponseReturnValue:
    """What cannot be read is refused here. Only what was read of it is kept, without the buyers."""
    form = OrderUploadForm(currency=g.organization.currency)
    if form.accepts():
        with uploads.refusals(form):
            name, body = uploads.received(request.files.get("file"))
            orders = read_orders(
                body, currency=form.currency.data, buyer_index=buyer_index, zone=g.organization.time_zone
            )
            row = uploads.keep(name, orders.packed(), FilePurpose.ORDERS, "application/json")
            made = import_service.keep(
                db(), g.actor, g.organization.id, file_id=row.id, name=name,
                sha256=hashlib.sha256(body).hexdigest(), orders=orders,
            )  # fmt: skip
            return done(back=url_for(".order_import", order_import_id=made.id))
    return page(
        "org/orders/upload.html", fragment="org/orders/_upload.html", form=form, most_megabytes=uploads.MOST_MEGABYTES
    )


def _read(record: OrderImport) -> Orders:
    """What was read of the file. Raises NotFound when it is gone."""
    return unpacked(uploads.kept(record.file_id))


@bp.get("/orders/imports/<uuid:order_import_id>")
@require(Permission.SALES_RECORD)
def order_import(order_import_id: UUID) -> ResponseReturnValue:
    """The preview; while the job runs, the page asks again; then what came of it."""
    record = import_service.find(db(), g.organization.id, order_import_id)
    if record.status is ImportStatus.UPLOADED:
        return _previewed(record, ConfirmOrdersForm())
    if htmx.wants_fragment() and record.status is not ImportStatus.RUNNING:
        return htmx.go(url_for(".order_import", order_import_id=order_import_id))  # the head of the page changes too
    return page("org/orders/import.html", fragment="org/orders/_result.html", record=record)


def _previewed(record: OrderImport, form: ConfirmOrdersForm) -> ResponseReturnValue:
    orders: Any = _read(record)
    found = import_service.preview(db(), g.actor, g.organization.id, orders)
    return page(
        "org/orders/preview.html",
        fragment="org/orders/_preview.html",
        form=form,
        record=record,
        orders=orders,
        found=found,
        faults=orders.faults[:SHOWN],
        elsewhere=[(line, SOURCES[OrderSource(source)]) for line, source in sorted(found.elsewhere.items())[:SHOWN]],
    )


@bp.post("/orders/imports/<uuid:order_import_id>/confirmation")
@require(Permission.SALES_RECORD)
def order_import_confirmation(order_import_id: UUID) -> ResponseReturnValue:
    record = import_service.find(db(), g.organization.id, order_import_id)
    back, form = url_for(".order_import", order_import_id=order_import_id), ConfirmOrdersForm()
    if record.status is not ImportStatus.UPLOADED:
        return done(back=back, toast=_("This file is imported already"))
    if form.accepts():
        try:
            with form.refusals():
                import_service.confirm(
                    db(), g.actor, g.organization.id, order_import_id, skip_faulty=bool(form.skip_faulty.data)
                )  # fmt: skip
                return done(back=back)
        except Conflict as twice:  # two clicks at the same moment
            return done(back=back, toast=twice.message)
    return _previewed(record, form)


@bp.post("/orders/imports/<uuid:order_import_id>/removal")
@require(Permission.SALES_RECORD)
def order_import_removal(order_import_id: UUID) -> ResponseReturnValue:
    import_service.discard(db(), g.actor, g.organization.id, order_import_id)
    return done(back=url_for(".order_imports"), toast=_("The upload is gone; nothing was imported from it"))

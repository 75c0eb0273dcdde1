"""Where many suppliers are paid, from a CSV: checked as a whole, sealed on arrival, applied when somebody says yes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import SelectField

from app.core.errors import Invalid, NotFound
from app.core.scope import Permission
from app.files import service as files
from app.files.models import FilePurpose, StoredFile
from app.methods import assignments
from app.methods.assignments import Applied
from app.payables.importing import DestinationRow, Destinations, read_destinations
from app.rails import registry
from portals.org import bp, uploads
from portals.web.db import db
from portals.web.formats import masked
from portals.web.forms import BaseForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

SHOWN = 100


class MethodFileForm(BaseForm):
    file = FileField(_l("File with payout methods"))
    rail = SelectField(
        _l("Lines that do not say how"),
        description=_l("A column “rail” in the file wins."),
    )

    def offer(self) -> None:
        rails = registry.typed()
        self.rail.choices = [("", _("As their columns tell")), *((rail.name, rail.label) for rail in rails)]


@dataclass(frozen=True)
class Fault:
    """Why a line cannot be taken."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """A file of methods held against its columns and against the payees there are. With `faults` nothing is applied."""

    found: Destinations
    applied: Applied
    faults: list[Fault] = field(default_factory=list)


def check(body: bytes, default_rail: str) -> Checked:
    """Raises Invalid where the file as a whole cannot be read."""
    rails = registry.typed()
    found = read_destinations(body, rails, default_rail=default_rail or None)
    applied = assignments.apply_method_rows(db(), g.actor, g.organization.id, found.rows, dry_run=True)
    faults = [Fault(*error) for error in found.errors]
    faults += [
        Fault(error.line, found.columns.get(error.column, ""), error.reason[:1].upper() + error.reason[1:])
        for error in applied.errors
    ]
    return Checked(found, applied, sorted(faults, key=lambda fault: fault.line))


@bp.route("/payees/method-files/new", methods=["GET", "POST"])
@require(Permission.METHOD_MANAGE)
@step_up_required
def new_method_file() -> ResponseReturnValue:
    form, checked = MethodFileForm(), None
    form.offer()
    if form.accepts():
        with form.refusals():
            name, body = uploads.received(request.files.get("file"))
            checked = check(body, form.rail.data or "")
            if not checked.faults:
                row = uploads.keep_sealed(name, body, {"rail": form.rail.data or ""})
                return done(back=url_for(".method_file", file_id=row.id))
            raise Invalid(_("Nothing was taken over: the file has faults."), fields={"file": _("See the list below.")})
    return page(
        "org/methods/upload.html",
        fragment="org/methods/_upload.html",
        form=form,
        checked=checked,
        shown=SHOWN,
        most_megabytes=uploads.MOST_MEGABYTES,
        rails=registry.typed(),
    )


def _kept(file_id: UUID) -> StoredFile:
    row = files.find(db(), file_id)
    if row.organization_id != g.organization.id or row.purpose is not FilePurpose.METHODS:
        raise NotFound(_("There is no such file."))
    return row


@bp.get("/payees/method-files/<uuid:file_id>")
@require(Permission.METHOD_MANAGE)
@step_up_required
def method_file(file_id: UUID) -> ResponseReturnValue:
    """What the file would do, with destinations masked."""
    row = _kept(file_id)
    body, options = uploads.open_sealed(row)
    checked = check(body, options["rail"])
    return page(
        "org/methods/preview.html",
        row=row,
        form=BaseForm(),
        checked=checked,
        lines=[_shown(line) for line in checked.found.rows[:10]],
        shown=SHOWN,
    )


def _shown(line: DestinationRow) -> dict[str, Any]:
    rail = registry.rail(line.rail)
    try:
        last4 = rail.last4(rail.validate(line.fields))
    except Invalid:
        last4 = ""
    return {
        "line": line.line,
        "reference": line.supplier_reference,
        "name": line.supplier_name,
        "rail": rail.label,
        "account": masked(last4),
    }


@bp.post("/payees/method-files/<uuid:file_id>/application")
@require(Permission.METHOD_MANAGE)
@step_up_required
def method_file_application(file_id: UUID) -> ResponseReturnValue:
    """All lines or none. The kept file goes."""
    body, options = uploads.open_sealed(_kept(file_id))
    checked = check(body, options["rail"])
    if checked.faults:
        raise Invalid(_("The payees changed in the meantime. Upload the file again."))
    made = assignments.apply_method_rows(db(), g.actor, g.organization.id, checked.found.rows)
    files.remove(db(), g.actor, file_id)
    said = _(
        "%(added)s new, %(replaced)s replaced, %(unchanged)s as they were.",
        added=made.added,
        replaced=made.replaced,
        unchanged=made.unchanged,
    )
    return done(back=url_for(".payees"), toast=(_("Payout methods saved"), said))


@bp.post("/payees/method-files/<uuid:file_id>/removal")
@require(Permission.METHOD_MANAGE)
@step_up_required
def method_file_removal(file_id: UUID) -> ResponseReturnValue:
    _kept(file_id)
    files.remove(db(), g.actor, file_id)
    return done(back=url_for(".payees"), toast=_("Nothing was changed; the file is gone"))

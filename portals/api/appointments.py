"""Appointments that a program of a clinic writes down, for its key alone: `POST /api/appointments`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.consultations import appointments as service
from app.consultations.appointments import LONGEST_DESCRIPTION, LONGEST_NUMBER, Held
from app.consultations.states import AppointmentSource
from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.scope import Permission
from app.core.tables.cells import clean_code, clean_text
from app.organizations import queries as organizations
from portals.api.signed import program
from portals.web import guards
from portals.web.db import db
from portals.web.errors import problem
from portals.web.setup import csrf

bp = Blueprint("programs", __name__, url_prefix="/api/appointments")
csrf.exempt(bp)  # only signed calls come in
MOST = 500
SIGN = "Sign the call with an API key."


@bp.before_request
def _enter() -> ResponseReturnValue | None:
    caller = program()
    if caller is None or isinstance(caller, str):
        return problem(401, caller or SIGN)
    return guards.admit_program(caller)


@bp.post("")
def new_appointments() -> ResponseReturnValue:
    """`{appointmentId, consultant, completedAt, description?}`, or up to 500 of them in `appointments`.

    `consultant`: the payee's id, or your own number, e-mail address or name of theirs. 201, or 200 when all were known.
    A key of the platform says whose they are with `organization`: the slug.
    """
    g.actor.require(Permission.APPOINTMENT_RECORD)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Invalid(_("Send a JSON object, with Content-Type: application/json."))
    given = body.get("appointments", [body])
    if not isinstance(given, list) or not 1 <= len(given) <= MOST:
        said = _("A list of 1 to %(n)s appointments.", n=MOST)
        raise Invalid(said, fields={"appointments": said})
    owner = _owner(body)
    many, faults = "appointments" in body, dict[str, str]()
    read = [_one(one, f"appointments[{at}]." if many else "", owner.time_zone, faults) for at, one in enumerate(given)]
    if faults:
        raise Invalid(_("Some of the values cannot be used."), fields=faults)
    known = service.by_reference(db(), owner.id, {one["consultant"] for one in read if one["payee_id"] is None})
    held = []
    for one in read:
        payee_id = one["payee_id"] or known.get(one["consultant"].lower())
        if payee_id is None:
            faults[f"{one['at']}consultant"] = service.NOT_ENGAGED
        else:
            held.append(Held(one["external_id"], payee_id, one["completed_at"], one["description"]))
    if faults:
        raise Invalid(_("Some of the values cannot be used."), fields=faults)
    done = service.record(db(), g.actor, owner.id, AppointmentSource.API, held)
    return jsonify(recorded=done.new, known=done.known), 201 if done.new else 200


def _owner(body: dict[str, Any]) -> Any:
    """Whose appointments they are. Raises Invalid, NotFound."""
    mine: UUID | None = g.actor.organization_id
    if mine is not None:
        return organizations.by_id(db(), mine)
    slug = body.get("organization")
    if not isinstance(slug, str) or not slug:
        said = _("A key of the platform says whose they are: the slug of the organization.")
        raise Invalid(said, fields={"organization": said})
    return organizations.by_slug(db(), slug)


def _one(given: Any, at: str, time_zone: str, faults: dict[str, str]) -> dict[str, Any]:
    values = given if isinstance(given, dict) else {}

    def text(name: str, longest: int, clean: Any, *, needed: bool = True) -> str:
        value = values.get(name, "")
        try:
            found = clean(value, longest) if isinstance(value, str) else None
        except ValueError as error:
            faults[at + name] = str(error)
            return ""
        if found is None or (needed and not found):
            faults[at + name] = _("This is needed, as a text.")
        return found or ""

    consultant = text("consultant", 254, clean_text)
    try:
        payee_id: UUID | None = UUID(consultant)
    except ValueError:
        payee_id = None
    return {
        "at": at,
        "external_id": text("appointmentId", LONGEST_NUMBER, clean_code),
        "consultant": consultant,
        "payee_id": payee_id,
        "completed_at": _moment(values.get("completedAt"), at + "completedAt", time_zone, faults),
        "description": text("description", LONGEST_DESCRIPTION, clean_text, needed=False),
    }


def _moment(value: Any, name: str, time_zone: str, faults: dict[str, str]) -> datetime:
    """ISO 8601, in UTC; without a zone it is the organization's."""
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
        found = (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        faults[name] = _("A moment like 2026-11-24T10:00:00+03:00.")
        return utc_now()
    if found > utc_now():
        faults[name] = _("An appointment is written down after it was held.")
    return found

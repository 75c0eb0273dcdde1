"""What the organization's and the platform's pages of appointments have in common: what is asked, a form, a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, request
from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.consultations import appointment_queries as queries
from app.consultations.appointment_queries import Filters
from app.consultations.appointments import LONGEST_DESCRIPTION, LONGEST_NUMBER, Held
from app.consultations.states import AppointmentSource, AppointmentStatus
from app.core.clock import today
from app.core.money import Money
from portals.shared import asking
from portals.shared.downloads import csv_file
from portals.web.db import db
from portals.web.forms import BaseForm, OnceForm

SOURCES = {
    AppointmentSource.API: _l("API"),
    AppointmentSource.IMPORT: _l("File"),
    AppointmentSource.ADMIN: _l("By hand"),
}
NAMES = ("q", "status", "source", "payee", "from", "to")
COLUMNS = (
    "Appointment", "Completed at (UTC)", "Doctor", "Description", "Source", "Status", "Rate", "Currency",
    "Organization",
)  # fmt: skip


class AppointmentForm(OnceForm):
    """One appointment written down by hand; the moment is the organization's own."""

    doctor = SelectField(_l("Doctor"), [InputRequired(_l("Choose a doctor."))])
    number = StringField(
        _l("Number"),
        [InputRequired(_l("Give the number.")), Length(max=LONGEST_NUMBER)],
        description=_l("As your own program knows it; the same number is written down once."),
    )
    held_at = DateTimeLocalField(_l("Held"), [InputRequired(_l("Give the day and the time."))], format="%Y-%m-%dT%H:%M")
    description = StringField(
        _l("Description"), [Optional(), Length(max=LONGEST_DESCRIPTION)], description=_l("Nothing of the patient.")
    )

    def offer(self, doctors: list[Any]) -> None:
        self.doctor.choices = [("", _l("Choose…")), *[(str(row.payee_id), row.name) for row in doctors]]

    def held(self, time_zone: str) -> Held:
        moment: datetime = self.held_at.data.replace(tzinfo=ZoneInfo(time_zone))
        return Held(
            (self.number.data or "").strip(), UUID(self.doctor.data), moment.astimezone(UTC),
            (self.description.data or "").strip(),
        )  # fmt: skip

    def blame_fields(self, fields: dict[str, str]) -> dict[str, str]:
        """The service's names of fields are not the form's."""
        ours = {"completed_at": "held_at", "payee_id": "doctor"}
        return {ours.get(name, name): said for name, said in fields.items()}


class DismissalForm(BaseForm):
    reason = StringField(_l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=200)])


def asked(organization_id: UUID | None) -> tuple[Filters, dict[str, str]]:
    """What the database is asked, and what stands in the address."""
    args = request.args
    filters = Filters(
        organization_id=organization_id,
        payee_id=asking.one_id(args, "payee"),
        status=asking.one_of(AppointmentStatus, args, "status"),
        source=asking.one_of(AppointmentSource, args, "source"),
        number=args.get("q", "").strip()[:LONGEST_NUMBER],
        since=asking.day(args, "from"),
        until=asking.day(args, "to"),
    )
    return filters, {name: args[name][:100] for name in NAMES if args.get(name)}


def rate_of(row: Any) -> Money | None:
    return None if row.rate_minor is None else Money(row.rate_minor, row.currency)


def file_of(filters: Filters, whose: str) -> Response:
    """Everything the filters find, the latest first."""
    session = db()

    def rows() -> Iterator[tuple[object, ...]]:
        for row in queries.all_appointments(session, filters):
            rate = rate_of(row)
            yield (
                row.external_id, row.completed_at.isoformat(timespec="seconds"), row.payee_name, row.description,
                row.source.value, row.status.value, rate.plain() if rate else "", row.currency, row.organization,
            )  # fmt: skip

    return csv_file(COLUMNS, rows(), f"appointments-{whose}-{today()}.csv")

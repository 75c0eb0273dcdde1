"""A file of appointments as values: columns found by their headings, each row one appointment or why not. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.consultations.appointments import LONGEST_DESCRIPTION, LONGEST_NUMBER
from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.tables.cells import clean_code, clean_text
from app.core.tables.headings import canonical
from app.core.tables.table import read_table

MOST_ROWS = 20_000
LABELS = {"number": "Appointment", "doctor": "Doctor", "held": "Completed at", "description": "Description"}
_ALIASES = {
    "number": "appointment id;appointment;appointment number;appointment no;visit id;visit;reference;id;number",
    "doctor": "doctor;consultant;doctor id;consultant id;payee;doctor name;practitioner;email;name",
    "held": "completed at;completed;held at;ended at;appointment date;completed on;date;time;day",
    "description": "description;kind;type;service;note",
}
_NEEDED = ("number", "doctor", "held")
_STATUS = canonical("status")
_HELD = frozenset({"", "completed", "complete", "done", "held", "attended", "finished", "fulfilled", "closed"})
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?\Z", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be taken: the line it starts on, the column and a sentence."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """`doctor` as the file names them: number, e-mail address or name; `held_at` ISO 8601 in UTC."""

    line: int
    external_id: str
    doctor: str
    held_at: str
    description: str


@dataclass(frozen=True, slots=True)
class AppointmentFile:
    """What a file holds. `read`: rows in it; `not_held`: left out, since their status says they were not completed."""

    rows: list[AppointmentRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    read: int = 0
    not_held: int = 0

    def packed(self) -> dict[str, Any]:
        return asdict(self)


def unpacked(found: dict[str, Any]) -> AppointmentFile:
    """What `packed` made."""
    rows = [AppointmentRow(**row) for row in found["rows"]]
    return AppointmentFile(rows, [Fault(**fault) for fault in found["faults"]], found["read"], found["not_held"])


def read_appointments(body: bytes, *, time_zone: str) -> AppointmentFile:
    """The appointments of a file; moments without a zone are in `time_zone`.

    Raises Invalid for what is no table, has not the columns that are needed, or too many rows.
    """
    known = {canonical(alias) for aliases in _ALIASES.values() for alias in aliases.split(";")}
    table = read_table(body, known=lambda cell: canonical(cell) in known)
    if len(table.rows) > MOST_ROWS:
        said = f"The file has more than {MOST_ROWS:,} lines. Split it."
        raise Invalid(said, fields={"file": said})
    headings = [canonical(heading) for heading in table.headings]
    columns = _columns(headings)
    status_at = headings.index(_STATUS) if _STATUS in headings else None
    rows: list[AppointmentRow] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    not_held = 0
    for line, cells in zip(table.lines, table.rows, strict=True):
        if status_at is not None and cells[status_at].strip().lower() not in _HELD:
            not_held += 1
            continue
        found = _row(line, {name: cells[at].strip() for name, at in columns.items()}, time_zone, faults)
        if found is None:
            continue
        first = seen.setdefault(found.external_id, line)
        if first != line:
            faults.append(Fault(line, LABELS["number"], f"The appointment stands on line {first} already."))
        else:
            rows.append(found)
    return AppointmentFile(rows, sorted(faults, key=lambda fault: fault.line), len(table.rows), not_held)


def _columns(headings: list[str]) -> dict[str, int]:
    """Field → column; the best alias wins, and no column is two fields."""
    found: dict[str, int] = {}
    for name, aliases in _ALIASES.items():
        wanted = [canonical(alias) for alias in aliases.split(";")]
        free = [alias for alias in wanted if alias in headings and headings.index(alias) not in found.values()]
        if free:
            found[name] = headings.index(free[0])
    missing = [LABELS[name] for name in _NEEDED if name not in found]
    if missing:
        told = ", ".join(missing)
        raise Invalid(f"The file has no column for: {told}.", fields={"file": f"It has no column for: {told}."})
    return found


def _row(line: int, cells: dict[str, str], time_zone: str, faults: list[Fault]) -> AppointmentRow | None:
    """None with everything that is wrong with the row added to `faults`."""
    wrong: list[Fault] = []

    def take(name: str, reading: Any) -> Any:
        try:
            return reading(cells.get(name, ""))
        except ValueError as error:
            reason = str(error)
            wrong.append(Fault(line, LABELS[name], reason[:1].upper() + reason[1:] + "."))
        return None

    number = take("number", lambda cell: _needed(clean_code(cell, LONGEST_NUMBER)))
    doctor = take("doctor", lambda cell: _needed(clean_text(cell, 254)))
    held_at = take("held", lambda cell: _moment(cell, time_zone).isoformat())
    description = take("description", lambda cell: clean_text(cell, LONGEST_DESCRIPTION, lines=True))
    faults.extend(wrong)
    return None if wrong else AppointmentRow(line, number, doctor, held_at, description)


def _needed(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


def _moment(cell: str, time_zone: str) -> datetime:
    found = _MOMENT.match(cell)
    if not found:
        raise ValueError(f"“{cell[:30]}” is not a time written like 2026-11-30 or 2026-11-30 14:05")
    day, clock, seconds, zone = found.groups()
    offset = "" if not zone else "+00:00" if zone.upper() in ("Z", "UTC") else f"{zone[:3]}:{zone[-2:]}"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{seconds or ':00'}{offset}")
        moment = (moment if offset else moment.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"“{cell[:30]}” is no day and time there is") from None
    if moment > utc_now():
        raise ValueError("it is in the future; an appointment is written down after it was held")
    return moment

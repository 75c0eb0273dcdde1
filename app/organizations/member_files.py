"""From the bytes of a file to people to invite, each line good or with everything that is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core import csv
from app.core.errors import Invalid
from app.core.tables.cells import clean_text
from app.core.tables.headings import canonical
from app.core.tables.table import Table, read_table
from app.identity.rules import normal_email
from app.organizations import departments
from app.organizations.states import InviteeOutcome, Role

MAX_ROWS = 10_000
LONGEST_NAME = 200
PROBLEM = "Problem"  # the column added to lines handed back


class PersonField(StrEnum):
    EMAIL = "email"
    NAME = "name"
    ROLE = "role"
    DEPARTMENT = "department"


_ALIASES = {
    PersonField.EMAIL: "email;e-mail;mail;email address;e-mail address;mail address;work email;member email",
    PersonField.NAME: "name;full name;display name;member name;member;person",
    PersonField.ROLE: "role;member role;roles",
    PersonField.DEPARTMENT: "department;dept;department name;member department",
}
_WORDS = {canonical(alias): field for field, aliases in _ALIASES.items() for alias in aliases.split(";")}
_ROLES = {word: role for role in Role for word in (role.value.lower(), role.label.lower())}


@dataclass(frozen=True, slots=True)
class PersonLine:
    """`outcome` is WAITING, KNOWN for an address that stands above already, or REFUSED; `reason` says why.

    `role` is a role's word where it could be read, else what stands in the file; so is `department`.
    """

    line: int
    email: str
    name: str
    role: str
    department: str | None
    outcome: InviteeOutcome
    reason: str | None


def role_of(text: str) -> Role | None:
    """ "Learner", "ORG_LEARNER" and "org learner" are the same."""
    return _ROLES.get("_".join(text.lower().replace("-", " ").split()))


def read_people(body: bytes, *, role: Role, refusal: Callable[[Role], str | None]) -> list[PersonLine]:
    """Every line. `role` is for lines that name none; `refusal` says why a role cannot be given, or None.

    Raises Invalid where the file as a whole cannot be read, names no column with addresses or names one twice.
    """
    table = _open(body)
    columns = _columns(table.headings)
    seen: dict[str, int] = {}
    why = {one: refusal(one) for one in Role}
    return [
        _line(line, cells, columns, len(table.headings), role, why, seen)
        for line, cells in zip(table.lines, table.rows, strict=True)
    ]


def _open(body: bytes) -> Table:
    def known(heading: str) -> bool:
        return canonical(heading) in _WORDS

    try:
        table = read_table(body, known=known)
    except Invalid as refused:
        if "delimiter" not in refused.fields:
            raise
        table = read_table(body, known=known, delimiter="comma", heading_line=1)  # nothing but addresses
    if not any(known(heading) for heading in table.headings):
        raise Invalid("The first line must name the columns: email, and if you like name, role and department.")
    if len(table.rows) > MAX_ROWS:
        raise Invalid(f"The file has {len(table.rows):,} lines; at most {MAX_ROWS:,} people at once. Split it.")
    return table


def _columns(headings: Sequence[str]) -> dict[PersonField, int]:
    found: dict[PersonField, int] = {}
    for index, heading in enumerate(headings):
        field = _WORDS.get(canonical(heading))
        if field is not None and field in found:
            twice = f"Two columns say the {field.value}: “{headings[found[field]]}” and “{heading}”. Leave one out."
            raise Invalid(twice)
        if field is not None:
            found[field] = index
    if PersonField.EMAIL not in found:
        raise Invalid("No column with e-mail addresses was found: call it “email”.")
    return found


def _line(
    line: int,
    cells: list[str],
    columns: dict[PersonField, int],
    width: int,
    role: Role,
    why: dict[Role, str | None],
    seen: dict[str, int],
) -> PersonLine:
    email, name, said, unit = (cells[columns[field]].strip() if field in columns else "" for field in PersonField)
    wrong: list[str] = []
    try:
        email = normal_email(email)
    except Invalid:
        wrong.append(f"“{email[:60]}” is not an e-mail address" if email else "there is no address")
    try:
        name = clean_text(name, LONGEST_NAME)
    except ValueError as error:
        wrong.append(f"name: {error}")
    department: str | None = unit[:300] or None
    try:
        department = clean_text(unit, departments.LONGEST) or None
    except ValueError as error:
        wrong.append(f"department: {error}")
    given = role_of(said) if said else role
    if given is None:
        wrong.append(f"“{said[:40]}” is not a role; the roles are {', '.join(one.label.lower() for one in Role)}")
    elif barred := why[given]:
        wrong.append(barred.rstrip("."))
    if len(cells) > width:
        wrong.append("it has more cells than there are columns")
    role_text = given.value if given else said[:80]
    if wrong:
        refused = InviteeOutcome.REFUSED
        return PersonLine(line, email[:300], name[:300], role_text, department, refused, "; ".join(wrong))
    first = seen.setdefault(email, line)
    outcome = InviteeOutcome.WAITING if first == line else InviteeOutcome.KNOWN
    reason = None if first == line else f"the same address as in line {first}"
    return PersonLine(line, email, name, role_text, department, outcome, reason)


def lines_as_csv(rows: Iterable[tuple[str, str, str, str, str]]) -> bytes:
    """Email, name, role, department and what is wrong of each: to mend and upload again."""
    return "".join(csv.lines([*PersonField, PROBLEM], rows)).encode("utf-8-sig")

"""Indian NEFT and RTGS files. Banks agree on no format: the columns, their names and the dates are a template."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence

from app.core.csv import safe_cell
from app.rails.bank_account import IFSC
from app.rails.bank_file import ExportLine, FileFacts
from app.rails.latin import Written, write

RTGS_FROM_MINOR = 200_000_00  # two lakh rupees
DELIMITERS = {"comma": ",", "semicolon": ";", "bar": "|", "tab": "\t"}
DEFAULT_COLUMNS = """Payment Type = type
Amount = amount
Beneficiary Account = account
Beneficiary Name = name
IFSC = ifsc
Remitter Account = remitter_account
Reference = reference
Date = date
Remarks = remarks"""
_FORBIDDEN = re.compile(r"[^A-Za-z0-9 .,/&()\-]")
_DAY = {"DD": "%d", "MM": "%m", "YYYY": "%Y", "YY": "%y"}
_DATE = re.compile(r"(DD|MM|YYYY|YY)([/.\- ]?)(DD|MM|YYYY|YY)([/.\- ]?)(DD|MM|YYYY|YY)")

_Cell = Callable[[ExportLine, Mapping[str, str], FileFacts], str]
FIELDS: dict[str, _Cell] = {
    "type": lambda line, profile, facts: type_of(line, profile),
    "amount": lambda line, profile, facts: line.amount.plain(),
    "account": lambda line, profile, facts: line.destination["account_number"],
    "name": lambda line, profile, facts: name_of(line).text,
    "ifsc": lambda line, profile, facts: line.destination["bank_code"],
    "remitter_account": lambda line, profile, facts: profile["account"],
    "remitter_ifsc": lambda line, profile, facts: profile["ifsc"],
    "remitter_name": lambda line, profile, facts: _text(profile["name"], 40).text,
    "reference": lambda line, profile, facts: line.id,
    "date": lambda line, profile, facts: facts.execute_on.strftime(_date_format(profile["date_format"])),
    "remarks": lambda line, profile, facts: remarks_of(line).text,
    "currency": lambda line, profile, facts: line.amount.currency,
    "empty": lambda line, profile, facts: "",
}


def why_not(lines: Sequence[ExportLine]) -> str:
    """Why these lines cannot be such a file; "" when they can."""
    if any(line.amount.currency != "INR" for line in lines):
        return "NEFT and RTGS transfers are in rupees."
    strangers = sum(
        not (IFSC.fullmatch(line.destination.get("bank_code", "")) and line.destination.get("account_number"))
        for line in lines
    )
    return f"Accounts without an IFSC: {strangers} of {len(lines)}." if strangers else ""


def why_not_columns(text: str) -> str:
    """What is wrong with a list of columns, "" when nothing is."""
    wanted = _columns(text)
    if not wanted:
        return "Write one column a line: heading = field."
    for heading, name in wanted:
        if not heading or name not in FIELDS:
            return f"“{name or heading}” is no field. Fields: {', '.join(FIELDS)}."
    for needed in ("amount", "account", "ifsc", "reference"):
        if needed not in {name for _, name in wanted}:
            return f"There is no column for “{needed}”."
    return ""


def is_date_format(text: str) -> bool:
    """Day, month and year once each."""
    found = _DATE.fullmatch(text)
    return found is not None and {part[0] for part in found.group(1, 3, 5)} == {"D", "M", "Y"}


def type_of(line: ExportLine, profile: Mapping[str, str]) -> str:
    """I within the bank, R (RTGS) from two lakh rupees, N (NEFT) below."""
    if line.destination["bank_code"][:4] == profile["ifsc"][:4]:
        return "I"
    return "R" if line.amount.minor >= RTGS_FROM_MINOR else "N"


def name_of(line: ExportLine) -> Written:
    return _text(line.destination.get("account_holder") or line.payee_name, 40, f"Payee {line.id}")


def remarks_of(line: ExportLine) -> Written:
    return _text(line.reference, 30, line.id)


def render(lines: Sequence[ExportLine], profile: Mapping[str, str], facts: FileFacts) -> bytes:
    """The same lines, profile and facts give the same bytes. Raises ValueError for what `why_not` names."""
    reason = why_not(lines)
    if reason:
        raise ValueError(reason)
    wanted = _columns(profile["columns"])
    out = io.StringIO()
    writer = csv.writer(out, delimiter=DELIMITERS[profile["delimiter"]], lineterminator="\r\n")
    if profile["headings"] == "yes":
        writer.writerow([safe_cell(heading) for heading, _ in wanted])
    for line in lines:
        writer.writerow([safe_cell(FIELDS[name](line, profile, facts)) for _, name in wanted])
    return out.getvalue().encode("utf-8")


def _columns(text: str) -> list[tuple[str, str]]:
    """(heading, field) in order; a line without “=” is a heading and a field at once."""
    found = []
    for line in text.splitlines():
        heading, _, name = line.rpartition("=")
        if line.strip():
            found.append((heading.strip() or name.strip(), name.strip().lower().replace(" ", "_")))
    return found


def _date_format(text: str) -> str:
    return _DATE.sub(lambda m: "".join(_DAY.get(part, part) for part in m.groups()), text)


def _text(text: str, most: int, instead: str = "") -> Written:
    found = write(text, _FORBIDDEN, most, instead=instead)
    return Written(found.text.lstrip("-").strip() or instead[:most], found.lost)  # a dash would begin a formula

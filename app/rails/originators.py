"""What banks want to know of whoever gives them a file: one set of fields for each kind of file, checked for real."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from app.rails import neft
from app.rails.bank_account import IFSC, why_not_bic, why_not_iban
from app.rails.base import Field
from app.rails.fields import compact, read, refuse
from app.rails.pain001 import VERSIONS


class ProfileKind(StrEnum):
    """Which files a profile is for."""

    NACHA = "nacha"
    SEPA = "sepa"
    NEFT = "neft"


LABELS: dict[ProfileKind, str] = {
    ProfileKind.NACHA: "US bank (NACHA)",
    ProfileKind.SEPA: "SEPA bank (pain.001)",
    ProfileKind.NEFT: "Indian bank (NEFT and RTGS)",
}


def _as_they_are(*words: str) -> tuple[tuple[str, str], ...]:
    return tuple((word, word) for word in words)


_ROUTING = r"\d[\d \-]{8,12}"
FIELDS: dict[ProfileKind, tuple[Field, ...]] = {
    ProfileKind.NACHA: (
        Field("destination", "Immediate destination", _ROUTING, "Routing number the file goes to, nine digits."),
        Field("destination_name", "Name of the destination", r".{1,23}", "At most 23 characters."),
        Field("origin", "Immediate origin", r"[A-Za-z0-9]{9,10}", "Nine or ten characters, as your bank says."),
        Field("origin_name", "Name of the origin", r".{1,23}", "At most 23 characters."),
        Field("company_id", "Company identification", r"[A-Za-z0-9]{1,10}", "Often 1 and the nine digits of the EIN."),
        Field("company_name", "Company name", r".{1,16}", "Shown to payees; at most 16 characters."),
        Field("odfi", "Originating bank (ODFI)", _ROUTING, "Its routing number, nine digits."),
        Field("description", "Entry description", r".{1,10}", "Shown to payees; at most 10 characters."),
        Field(
            "unknown_class",
            "Payees of unknown kind",
            r"(?i)PPD|CCD",
            "PPD as persons, CCD as companies.",
            choices=_as_they_are("PPD", "CCD"),
        ),
    ),
    ProfileKind.SEPA: (
        Field("name", "Account holder", r".{1,70}", "At most 70 characters."),
        Field("iban", "IBAN", r"[A-Za-z0-9][A-Za-z0-9 .\-]*", "The account that is debited.", secret=True),
        Field("bic", "BIC", r"[A-Za-z0-9 ]{8,12}", "Not needed within the EEA.", required=False),
        Field("town", "Town", r".{1,35}", "With the country, as banks ask for it.", required=False),
        Field("country", "Country", r"[A-Za-z]{2}", "Two letters, for example NL.", required=False),
        Field("initiator_id", "Identification", r".{1,35}", "Only if your bank gave you one.", required=False),
        Field(
            "version",
            "Version",
            r"(?i)pain\.001\.001\.0[39]",
            ".03 for older systems.",
            choices=_as_they_are(*VERSIONS),
        ),
    ),
    ProfileKind.NEFT: (
        Field("account", "Remitter account", r"[A-Za-z0-9 ]{5,34}", "The account that is debited.", secret=True),
        Field("ifsc", "IFSC of the remitter", r"[A-Za-z]{4}0[A-Za-z0-9]{6}", "Eleven characters."),
        Field("name", "Name of the remitter", r".{1,40}", "At most 40 characters."),
        Field("columns", "Columns", r"(?s).{3,4000}", "One a line: heading = field."),
        Field("date_format", "Dates", r"[DMY/.\- ]{6,10}", "For example DD/MM/YYYY."),
        Field(
            "delimiter",
            "Between columns",
            r"comma|semicolon|bar|tab",
            choices=_as_they_are(*neft.DELIMITERS),
        ),
        Field("headings", "First line with headings", r"yes|no", choices=_as_they_are("yes", "no")),
    ),
}
DEFAULTS: dict[ProfileKind, dict[str, str]] = {
    ProfileKind.NACHA: {"description": "PAYOUT", "unknown_class": "PPD"},
    ProfileKind.SEPA: {"version": "pain.001.001.09"},
    ProfileKind.NEFT: {
        "columns": neft.DEFAULT_COLUMNS, "date_format": "DD/MM/YYYY", "delimiter": "comma", "headings": "yes",
    },
}  # fmt: skip


def validate(kind: ProfileKind, typed: Mapping[str, str]) -> dict[str, str]:
    """The values clean and complete. Raises Invalid naming each bad field."""
    lines = typed.get("columns", "")
    values, wrong = read(FIELDS[kind], {name: text for name, text in typed.items() if name != "columns"})
    if kind is ProfileKind.NACHA:
        _nacha(values, wrong)
    elif kind is ProfileKind.SEPA:
        _sepa(values, wrong)
    else:
        wrong.pop("columns", None)
        values["columns"] = "\n".join(line.strip() for line in lines.splitlines() if line.strip())
        _neft(values, wrong)
    refuse(wrong)
    return values


def secrets(kind: ProfileKind) -> frozenset[str]:
    return frozenset(field.name for field in FIELDS[kind] if field.secret)


def _nacha(values: dict[str, str], wrong: dict[str, str]) -> None:
    from stdnum.us import rtn

    for name in ("destination", "odfi"):
        if name in values:
            values[name] = compact(values[name])
            if not rtn.is_valid(values[name]):
                wrong[name] = "This routing number has a mistake in it: its check digit does not fit."
    for name in ("origin", "company_id", "unknown_class"):
        if name in values:
            values[name] = values[name].upper()
    for name in ("destination_name", "origin_name", "company_name", "description"):
        if name in values and not re.fullmatch(r"[A-Za-z0-9 .,/&'()\-]+", values[name]):
            wrong[name] = "Letters without accents, digits and . , / & ' ( ) - only."


def _sepa(values: dict[str, str], wrong: dict[str, str]) -> None:
    if "iban" in values:
        values["iban"] = compact(values["iban"])
        why_not = why_not_iban(values["iban"])
        if why_not:
            wrong["iban"] = why_not
    if "bic" in values:
        values["bic"] = compact(values["bic"])
        why_not = why_not_bic(values["bic"])
        if why_not:
            wrong["bic"] = why_not
    if "country" in values:
        values["country"] = values["country"].upper()
    if ("town" in values) != ("country" in values):
        wrong["country" if "town" in values else "town"] = "Give both town and country, or neither."
    if "version" in values:
        values["version"] = values["version"].lower()


def _neft(values: dict[str, str], wrong: dict[str, str]) -> None:
    for name in ("account", "ifsc"):
        if name in values:
            values[name] = compact(values[name])
    if "ifsc" in values and not IFSC.fullmatch(values["ifsc"]):
        wrong["ifsc"] = "An IFSC has four letters, a zero, six characters."
    why_not = neft.why_not_columns(values.get("columns", ""))
    if why_not:
        wrong["columns"] = why_not
    if "date_format" in values and not neft.is_date_format(values["date_format"]):
        wrong.setdefault("date_format", "Day, month and year once each, for example DD/MM/YYYY.")

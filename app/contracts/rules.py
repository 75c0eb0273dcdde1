"""What a contract may look like, when it is due, and what a signature is. Pure functions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from app.contracts import wording
from app.contracts.states import FieldType, Party, SignatureKind, SigningOrder
from app.core.errors import Invalid
from app.core.money import Money

LONGEST_NAME, LONGEST_BODY, LONGEST_VALUE, MOST_FIELDS = 120, 60_000, 4_000, 40
EXPIRES_DAYS = (1, 365)
CODE_LASTS, CODE_TRIES = timedelta(minutes=10), 5
REMIND_AFTER = (timedelta(days=3), timedelta(days=7))
REMIND_BEFORE_END = timedelta(days=2)
PAD = (600, 200)  # units of the pad a signature is drawn on
MOST_POINTS = 5_000

# What the payee agrees to before signing. A change is a new number; the text agreed to is kept with the contract.
CONSENT_VERSION = 1
CONSENT_TEXT = (
    "I agree to read and sign this contract electronically, and that my electronic signature has the same effect as "
    "one on paper. I can open and keep PDF files on this device. I may ask the organization for a paper copy at no "
    "charge, and I may withdraw this consent at any time before I sign by declining the contract. This consent covers "
    "this contract only."
)


@dataclass(frozen=True, slots=True)
class Witness:
    """From where somebody acts, as it goes into the evidence."""

    email: str | None = None
    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A signature as it was made: a name, and the strokes of a drawn one ([[[x, y], …], …] on the PAD)."""

    kind: SignatureKind
    name: str
    strokes: tuple[tuple[tuple[int, int], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """A template as its editor sends it. `fields`: {name, label, type, required}."""

    name: str
    title: str
    body: str
    fields: tuple[dict[str, Any], ...] = ()


def check_template(form: TemplateForm) -> TemplateForm:
    """The form, cleaned. Raises Invalid naming the part that is wrong."""
    name, title, body = " ".join(form.name.split()), " ".join(form.title.split()), form.body.strip()
    faults: dict[str, str] = {}
    if not 1 <= len(name) <= LONGEST_NAME:
        faults["name"] = f"Give the template a name of at most {LONGEST_NAME} characters."
    if not 1 <= len(title) <= LONGEST_NAME:
        faults["title"] = f"Give the contract a title of at most {LONGEST_NAME} characters."
    if not 1 <= len(body) <= LONGEST_BODY:
        faults["body"] = f"Write the text of the contract, at most {LONGEST_BODY:,} characters."
    fields, fault = _fields(form.fields)
    if fault:
        faults["fields"] = fault
    known = {*wording.OWN_FIELDS, *(field["name"] for field in fields)}
    for part, text in (("title", title), ("body", body)):
        try:
            missing = [place for place in wording.places(text) if place not in known]
        except Invalid as refusal:
            faults.setdefault(part, refusal.message)
            continue
        if missing:
            faults.setdefault(part, f"The text names a field “{missing[0]}”: add it below, or mend its name.")
    if faults:
        raise Invalid(next(iter(faults.values())), fields=faults)
    return TemplateForm(name, title, body, tuple(fields))


def _fields(given: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The fields that were filled in, and what is wrong with them."""
    fields: list[dict[str, Any]] = []
    for row in given:
        name, label = str(row.get("name") or "").strip(), " ".join(str(row.get("label") or "").split())
        if not name and not label:
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            return fields, "A field is named in small letters, digits and underscores, like “monthly_fee”."
        if name in wording.OWN_FIELDS or any(field["name"] == name for field in fields):
            return fields, f"The field “{name}” is there already."
        kind = str(row.get("type") or FieldType.TEXT)
        if kind not in set(FieldType):
            return fields, f"The field “{name}” has no known type."
        label = label[:LONGEST_NAME] or name.replace("_", " ").capitalize()
        fields.append({"name": name, "label": label, "type": kind, "required": bool(row.get("required"))})
    return fields, f"At most {MOST_FIELDS} fields." if len(fields) > MOST_FIELDS else ""


def read_values(fields: Sequence[Mapping[str, Any]], given: Mapping[str, str], currency: str) -> dict[str, Any]:
    """What was typed into the fields, as JSON. Raises Invalid naming each field that is wrong or missing."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for field in fields:
        name, text = field["name"], given.get(field["name"], "").strip()
        try:
            values[name] = _read(FieldType(field["type"]), text, currency)
        except ValueError as fault:
            faults[name] = str(fault)
            continue
        if field["required"] and values[name] is None:
            faults[name] = f"Fill in “{field['label']}”."
    if faults:
        raise Invalid(next(iter(faults.values())), fields=faults)
    return values


def _read(kind: FieldType, text: str, currency: str) -> Any:
    if kind is FieldType.YES_NO:
        return text.lower() in ("y", "yes", "true", "on", "1")
    if not text:
        return None
    if len(text) > LONGEST_VALUE:
        raise ValueError(f"At most {LONGEST_VALUE:,} characters.")
    match kind:
        case FieldType.AMOUNT:
            if not re.fullmatch(r"(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", text):
                raise ValueError("Write an amount in figures, like 1,234.50.")
            try:
                amount = Money.parse(text.replace(",", ""), currency)
            except ValueError:
                raise ValueError(f"This is no amount in {currency}.") from None
            return {"minor": amount.minor, "currency": amount.currency}
        case FieldType.PERCENT | FieldType.NUMBER:
            try:
                number = Decimal(text.removesuffix("%").strip())
            except InvalidOperation:
                raise ValueError("Write a number, like 12.5.") from None
            if not number.is_finite() or (kind is FieldType.PERCENT and not 0 <= number <= 100):
                raise ValueError("A percentage is between 0 and 100.")
            return f"{number:f}"
        case FieldType.DAY:
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                raise ValueError("Give a date.") from None
        case FieldType.TEXT:
            return " ".join(text.split())
        case _:
            return text


def document_sha256(html: str) -> str:
    """The hash everybody signs under."""
    return hashlib.sha256(html.encode()).hexdigest()


def next_party(order: SigningOrder, signed: Sequence[Party]) -> Party | None:
    """Whose turn it is; None when everybody has signed."""
    return next((party for party in order.parties if party not in signed), None)


def reminder_due(sent_at: datetime, expires_at: datetime, reminded_at: datetime | None, now: datetime) -> bool:
    """Three days and a week after it was sent, and two days before it ends; once for all that were missed."""
    last = max(sent_at, reminded_at or sent_at)
    moments = [sent_at + wait for wait in REMIND_AFTER]
    if expires_at - REMIND_BEFORE_END > sent_at:
        moments.append(expires_at - REMIND_BEFORE_END)
    return now < expires_at and any(last < moment <= now for moment in moments)


def check_mark(mark: Mark) -> Mark:
    """The signature, cleaned. Raises Invalid for no name, or a drawing that is none."""
    name = " ".join(mark.name.split())
    if not 2 <= len(name) <= LONGEST_NAME:
        raise Invalid("Write your full name.", fields={"name": "Write your full name."})
    if mark.kind is SignatureKind.TYPED:
        return Mark(mark.kind, name)
    points = [point for stroke in mark.strokes for point in stroke]
    width, height = PAD
    inside = all(0 <= x <= width and 0 <= y <= height for x, y in points)
    long = max((x for x, _ in points), default=0) - min((x for x, _ in points), default=0)
    if not inside or not 8 <= len(points) <= MOST_POINTS or long < 30:
        sentence = "Draw your signature across the box, or type it."
        raise Invalid(sentence, fields={"strokes": sentence})
    return Mark(mark.kind, name, mark.strokes)


def read_strokes(given: Any) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Strokes from JSON. Raises Invalid for anything that is no list of lists of whole points."""
    try:
        if sum(len(stroke) for stroke in given) > MOST_POINTS:
            raise ValueError
        return tuple(tuple((int(x), int(y)) for x, y in stroke) for stroke in given)
    except (TypeError, ValueError):
        raise Invalid("The drawing did not arrive whole. Draw it once more, or type your name.") from None


def svg_path(strokes: Sequence[Sequence[Sequence[int]]]) -> str:
    """The `d` of an SVG path; a stroke of one point becomes a dot."""
    parts = []
    for stroke in strokes:
        (x, y), *rest = [(int(point[0]), int(point[1])) for point in stroke]
        parts.append(f"M{x} {y}" + ("".join(f"L{a} {b}" for a, b in rest) or "h1"))
    return "".join(parts)


def check_expiry(days: int) -> int:
    first, last = EXPIRES_DAYS
    if not first <= days <= last:
        raise Invalid(
            "This is no number of days a contract can be open.",
            fields={"expires_days": f"Between {first} and {last} days."},
        )
    return days


def check_link(url: str) -> str:
    """An address on the web that a browser may open: its host is what it seems to be. Raises Invalid."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        named = parts.scheme == "https" and "." in (parts.hostname or "") and parts.port != 0
        plain = url.isprintable() and not re.search(r"[\s\\<>\"]", url) and "@" not in parts.netloc
    except ValueError:
        named = plain = False
    if not named or not plain or len(url) > 1_000:
        sentence = "Give the whole address of the contract, beginning with https://."
        raise Invalid(sentence, fields={"link_url": sentence})
    return url


def check_signed_on(day: date, today: date) -> date:
    """`today` where the latest of its readers is. Raises Invalid."""
    if day > today or day.year < 1970:
        sentence = "Give the day it was signed, not later than today."
        raise Invalid(sentence, fields={"signed_on": sentence})
    return day


def clean_reason(reason: str) -> str:
    """Raises Invalid for none, or more than a thousand characters."""
    reason = reason.strip()
    if not 3 <= len(reason) <= 1_000:
        raise Invalid("Give a reason.", fields={"reason": "Give a reason of at most 1,000 characters."})
    return reason

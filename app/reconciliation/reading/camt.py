"""camt.053 (ISO 20022 bank to customer statement) as bookings. Any version: elements are known by their local name.

The parser opens nothing: documents with a DOCTYPE are refused before they are parsed, entities are not resolved.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from app.core.errors import Invalid
from app.core.money import CURRENCIES, Money
from app.reconciliation.reading import balances
from app.reconciliation.reading.values import LONGEST_TEXT, MOST_LINES, Booking, Bookings, Fault

MAX_BYTES = 30 * 1024 * 1024
_DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"\A\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9_.-]+)", re.IGNORECASE)
_PLAIN = ("utf-8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252")
_WHERE = "camt.053"


def looks_like(body: bytes) -> bool:
    """XML of any kind, to choose the reader."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


@dataclass(slots=True)
class _Statement:
    """What is known of one `Stmt` while it is read."""

    currency: str = ""
    opening: int | None = None
    closing: int | None = None
    moved: int = 0
    skipped: list[int] = field(default_factory=list)  # lines of entries that could not be read
    balances: list[tuple[str, str, int]] = field(default_factory=list)  # code, currency, signed minor


def read_camt(body: bytes) -> Bookings:
    """All booked entries. An entry of several payments whose amounts add up to it is a booking for each of them.

    Raises Invalid for what is no such document, is too large, or declares entities.
    """
    _refuse_unsafe(body)
    found = Bookings()
    rows, faults = found.rows, found.faults
    read = left_out = 0
    checked = False
    statements = 0
    try:
        for element, of in _walk(body):
            if element is None:
                statements += 1
                checked = _close(of, found) or checked
                continue
            read += 1
            line = element.sourceline or 0
            if _text(element, "Sts/Cd") not in ("", "BOOK") or _own_text(element, "Sts") not in ("", "BOOK"):
                left_out += 1
                continue
            try:
                made = list(_bookings(element, line, of.currency))
            except ValueError as error:
                faults.append(Fault(line, "Ntry", str(error)))
                of.skipped.append(line)
                continue
            of.moved += sum(booking.amount_minor for booking in made)
            rows += [booking for booking in made if booking.amount_minor]
            if len(rows) > MOST_LINES:
                raise Invalid(f"The file has more than {MOST_LINES:,} bookings. Split it into several files.")
    except etree.XMLSyntaxError as error:
        raise Invalid(f"This is not well-formed XML (line {error.lineno or 1}).") from None
    except ValueError as error:
        raise Invalid(f"The balances of the statement cannot be read: {error}") from None
    if not statements:
        raise Invalid("This is XML but no camt.053 statement (there is no BkToCstmrStmt in it).")
    facts = [("Format", _WHERE), ("Statements in the file", str(statements))]
    return replace(found, facts=facts, read=read, left_out=left_out, checked=checked)


def _refuse_unsafe(body: bytes) -> None:
    if len(body) > MAX_BYTES:
        raise Invalid(f"The file is larger than {MAX_BYTES // (1024 * 1024)} MB. Split it.")
    declared = _ENCODING.match(body.removeprefix(b"\xef\xbb\xbf"))
    if b"\0" in body or (declared and declared[1].decode().lower() not in _PLAIN):
        raise Invalid("Statements are read as UTF-8.")
    if _DECLARED.search(body):
        raise Invalid("The document declares entities of its own; such files are not read.")


def _walk(body: bytes) -> Iterator[tuple[Any | None, _Statement]]:
    """Each `Ntry` with the statement it is in; None at the end of a statement. Memory stays that of one entry."""
    options = {
        "resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False, "remove_comments": True,
        "remove_pis": True,
    }  # fmt: skip
    of: _Statement | None = None
    path: list[str] = []
    for event, element in etree.iterparse(io.BytesIO(body), events=("start", "end"), **options):
        name = etree.QName(element).localname
        if event == "start":
            path.append(name)
            if name == "Stmt" and path[-2:] == ["BkToCstmrStmt", "Stmt"]:
                of = _Statement()
            continue
        path.pop()
        if of is None:
            continue
        if name == "Ntry" and path[-1:] == ["Stmt"]:
            yield element, of
            _forget(element)
        elif name == "Acct" and path[-1:] == ["Stmt"]:
            of.currency = _text(element, "Ccy").upper()
        elif name == "Bal" and path[-1:] == ["Stmt"]:
            code = _text(element, "Tp/CdOrPrtry/Cd")
            of.balances.append((code, *_amount(element)))
        elif name == "Stmt" and path[-1:] == ["BkToCstmrStmt"]:
            yield None, of
            of = None
            _forget(element)


def _forget(element: Any) -> None:
    """What was read goes, so that a statement of a hundred thousand entries is never held whole."""
    element.clear()
    before = element.getprevious()
    if before is not None and not len(before) and etree.QName(before).localname == "Ntry":
        element.getparent().remove(before)


def _close(of: _Statement, found: Bookings) -> bool:
    """Hold the balances against the entries: what does not agree is a gap, or what the entries left out moved.

    False where the statement names no two balances.
    """
    opening = next((b for code in ("OPBD", "PRCD") for b in of.balances if b[0] == code), None)
    closing = next((b for b in of.balances if b[0] == "CLBD"), None)
    if opening is None or closing is None:
        return False
    missing = closing[2] - opening[2] - of.moved
    if of.skipped:
        found.notes.append(balances.across(of.skipped, missing, closing[1]))
    elif missing:
        due = Money(opening[2] + of.moved, opening[1]).plain()
        said = Money(closing[2], closing[1]).plain()
        reason = f"The opening balance and the bookings make {due}, the closing balance says {said}."
        found.gaps.append(Fault(0, "Bal", reason))
    return True


def _bookings(entry: Any, line: int, currency: str) -> Iterator[Booking]:
    """Raises ValueError with a sentence."""
    code, whole = _amount(entry)
    if currency and code != currency:
        raise ValueError(f"The entry is in {code}, its account in {currency}.")
    day = _day(entry, "BookgDt") or _day(entry, "ValDt")
    if day is None:
        raise ValueError("The entry has no booking date.")
    details = _all(entry, "NtryDtls/TxDtls")
    parts = [_part(detail, code, whole) for detail in details]
    if len(details) > 1 and None not in parts and sum(part or 0 for part in parts) == whole:
        for number, (detail, part) in enumerate(zip(details, parts, strict=True), 1):
            yield _booking(line, day, code, part or 0, entry, detail, f":{number}")
        return
    yield _booking(line, day, code, whole, entry, details[0] if len(details) == 1 else None, "", details)


def _booking(
    line: int, day: date, code: str, minor: int, entry: Any, detail: Any, suffix: str, all_details: Any = ()
) -> Booking:
    one = detail if detail is not None else entry
    references = [_text(one, f"Refs/{name}") for name in ("EndToEndId", "InstrId", "TxId", "PmtInfId", "MsgId")]
    references += [_text(one, "RmtInf/Strd/CdtrRefInf/Ref"), _text(entry, "NtryDtls/Btch/PmtInfId")]
    if detail is None:  # a sum: what its payments are called is part of what it can be known by
        references += [_text(each, "Refs/EndToEndId") for each in list(all_details)[:20]]
    other = "Dbtr" if minor > 0 else "Cdtr"
    names = [_text(one, f"RltdPties/{who}{path}") for who in (other, "Cdtr", "Dbtr") for path in ("/Nm", "/Pty/Nm")]
    words = [each.text or "" for each in _all(one, "RmtInf/Ustrd")]
    words += [_text(one, "RtrInf/AddtlInf"), _text(one, "AddtlTxInf"), _text(entry, "AddtlNtryInf")]
    told = dict.fromkeys(text for text in references if text and text != "NOTPROVIDED")
    bank_id = _text(one, "Refs/AcctSvcrRef") or _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    return Booking(
        line, day, code, minor,
        description=_joined(dict.fromkeys(word for word in words if word)),
        counterparty=next((name for name in names if name), "")[:140],
        reference=_joined(told),
        bank_id=f"{bank_id[:200]}{suffix}" if bank_id else "",
        check_number=_text(one, "Refs/ChqNb"),
    )  # fmt: skip


def _joined(texts: Any) -> str:
    return " ".join(" ".join(text.split()) for text in texts)[:LONGEST_TEXT]


def _part(detail: Any, code: str, whole: int) -> int | None:
    """The signed amount of one payment of an entry; None where it has none in the entry's currency."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        amount = _first(detail, path)
        if amount is not None:
            break
    else:
        return None
    if (amount.get("Ccy") or "").upper() != code:
        return None
    minor = _minor(amount.text or "", code)
    sign = _text(detail, "CdtDbtInd") or ("CRDT" if whole > 0 else "DBIT")
    return minor if sign == "CRDT" else -minor


def _amount(element: Any) -> tuple[str, int]:
    """Currency and signed minor units of an entry or balance. Raises ValueError."""
    amount = _first(element, "Amt")
    code = ((amount.get("Ccy") if amount is not None else "") or "").upper()
    if amount is None or code not in CURRENCIES:
        raise ValueError(f"“{code[:20]}” is not a currency we know.")
    minor = _minor(amount.text or "", code)
    sign = _text(element, "CdtDbtInd")
    if sign not in ("CRDT", "DBIT"):
        raise ValueError("The entry says neither credit nor debit.")
    return code, minor if sign == "CRDT" else -minor


def _minor(text: str, code: str) -> int:
    try:
        # ISO writes up to five decimals; zeros beyond those of the currency mean nothing.
        value = Decimal(text.strip())
        return Money.parse(f"{value.normalize():f}", code).minor
    except (InvalidOperation, ValueError):
        raise ValueError(f"“{text.strip()[:30]}” is not an amount in {code}.") from None


def _day(entry: Any, name: str) -> date | None:
    text = _text(entry, f"{name}/Dt") or _text(entry, f"{name}/DtTm")
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise ValueError(f"“{text[:30]}” is not a date.") from None


def _all(element: Any, path: str) -> list[Any]:
    """Descendants by local names, whatever the version's namespace."""
    found = [element]
    for name in path.split("/"):
        found = [child for parent in found for child in parent if etree.QName(child).localname == name]
    return found


def _first(element: Any, path: str) -> Any | None:
    return next(iter(_all(element, path)), None)


def _text(element: Any, path: str) -> str:
    found = _first(element, path)
    return " ".join((found.text or "").split()) if found is not None else ""


def _own_text(element: Any, path: str) -> str:
    """The text of an element that in newer versions has children instead."""
    found = _first(element, path)
    return "" if found is None or len(found) else (found.text or "").strip()

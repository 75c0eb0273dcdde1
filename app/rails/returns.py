"""The bank's answer as a table: which of our transfers were paid, failed or came back.

Headings, encodings, delimiters, number and date styles differ by bank and are recognised. Our own export with a
status column added is such a file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from app.rails.base import Outcome, Result
from app.rails.reasons import explain

MAX_BYTES = 20_000_000
# For each column: the headings it goes by, lower case without spaces and signs, the most telling first.
HEADINGS: dict[str, tuple[str, ...]] = {
    "reference": ("reference", "ourreference", "key", "endtoendid", "customerreference", "clientreference", "ref"),
    "status": ("status", "paymentstatus", "transferstatus", "result", "outcome", "state"),
    "code": ("code", "reasoncode", "returncode", "errorcode", "statuscode", "rejectcode"),
    "reason": ("reason", "returnreason", "statusreason", "errormessage", "message", "description", "narrative"),
    "date": ("date", "valuedate", "bookingdate", "settlementdate", "paiddate", "paidon", "returndate", "processeddate"),
    "amount": ("amount", "paidamount", "amountpaid", "value", "transferamount"),
    "currency": ("currency", "ccy", "currencycode"),
}
STATUS: dict[str, Outcome] = {
    **dict.fromkeys(
        "paid settled completed complete success successful succeeded executed booked acsc accc".split(), Outcome.PAID
    ),
    **dict.fromkeys("returned return bounced reversed refunded sentback".split(), Outcome.RETURNED),
    **dict.fromkeys(
        "failed failure rejected refused declined error cancelled canceled rjct canc".split(), Outcome.FAILED
    ),
    **dict.fromkeys(
        "pending accepted processing inprogress submitted queued acsp actc accp acwc rcvd pdng".split(),
        Outcome.ACCEPTED,
    ),
    **dict.fromkeys("acsp actc accp acwc rcvd pdng".split(), Outcome.ACCEPTED),
}
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%d-%b-%Y", "%d %B %Y")
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """One answer. `amount` (major units, positive) and `currency` are there to compare; None and "" if not given."""

    line: int
    key: str
    outcome: Outcome
    code: str
    reason: str
    on: date | None
    amount: Decimal | None
    currency: str

    def result(self) -> Result:
        """The same in the words of the rail protocol; refusals come with the sentence, the cure and the blame."""
        if self.outcome in (Outcome.PAID, Outcome.ACCEPTED):
            return Result(self.key, self.outcome, reference=self.key)
        why = explain(self.code, self.reason)
        return Result(self.key, self.outcome, self.key, self.code, why.message, why.cure, why.blame)


@dataclass(frozen=True, slots=True)
class ReturnError:
    """A line that cannot be used. `line` counts from 1 as an editor does; `column` is the file's own heading."""

    line: int
    column: str
    reason: str


class _Bad(ValueError):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def read_returns(content: bytes) -> tuple[list[ReturnLine], list[ReturnError]]:
    """All usable lines and all faults, in file order. A file that cannot be read at all is one fault on line 1."""
    try:
        text = _decode(content)
        rows = list(_rows(text))
    except (_Bad, csv.Error) as error:
        return [], [ReturnError(1, "", str(error))]
    if not rows:
        return [], [ReturnError(1, "", "The file is empty.")]
    (heading_line, headings), body = rows[0], rows[1:]
    columns = _columns(headings)
    missing = [name for name in ("reference", "status") if name not in columns]
    if missing:
        return [], [ReturnError(heading_line, name, f"There is no column “{name}”.") for name in missing]
    lines: list[ReturnLine] = []
    errors: list[ReturnError] = []
    first_seen: dict[str, int] = {}
    formats = _date_formats(
        [row[columns["date"]] for _, row in body if len(row) > columns["date"]] if "date" in columns else []
    )
    for number, row in body:
        try:
            found = _line(number, row, columns, headings, formats)
            earlier = first_seen.setdefault(found.key, number)
            if earlier != number:
                raise _Bad(headings[columns["reference"]], f"This reference is on line {earlier} already.")
            lines.append(found)
        except _Bad as error:
            errors.append(ReturnError(number, error.column, error.reason))
    return lines, errors


def _decode(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _Bad("", f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\x00" in content:
        raise _Bad("", "This is not a text file. Save it as CSV.")
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _Bad("", "This is not a text file. Save it as CSV.")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of the line it begins on."""
    heading = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t|", key=heading.count)  # a tie goes to the comma
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield begins, [cell.strip() for cell in row]
        begins = reader.line_num + 1


def _columns(headings: list[str]) -> dict[str, int]:
    plain = [re.sub(r"[^a-z0-9]", "", heading.lower()) for heading in headings]
    return {
        name: plain.index(alias)
        for name, aliases in HEADINGS.items()
        if (alias := next((alias for alias in aliases if alias in plain), None)) is not None
    }


def _line(
    number: int, row: list[str], columns: Mapping[str, int], headings: list[str], formats: tuple[str, ...]
) -> ReturnLine:
    def cell(name: str) -> str:
        index = columns.get(name, -1)
        text = row[index] if 0 <= index < len(row) else ""
        return text[1:] if re.match(r"'[=+\-@]", text) else text  # undo our own formula guard

    def heading(name: str) -> str:
        return headings[columns[name]]

    if len(row) > len(headings) and any(row[len(headings) :]):
        raise _Bad("", f"The line has {len(row)} cells, the heading {len(headings)}.")
    if not cell("reference"):
        raise _Bad(heading("reference"), "The reference is missing.")
    outcome = STATUS.get(re.sub(r"[^a-z]", "", cell("status").lower()))
    if outcome is None:
        said = f"“{cell('status')}” is not a status" if cell("status") else "The status is missing"
        raise _Bad(heading("status"), f"{said}. Use paid, failed, returned or pending.")
    on = None
    if cell("date"):
        on = _date(cell("date"), formats)
        if on is None:
            raise _Bad(heading("date"), f"“{cell('date')}” is not a date.")
    amount = None
    if cell("amount"):
        amount = _amount(cell("amount"))
        if amount is None:
            raise _Bad(heading("amount"), f"“{cell('amount')}” is not an amount.")
    return ReturnLine(
        number, cell("reference"), outcome, cell("code").upper(), cell("reason"), on, amount, cell("currency").upper()
    )


def _date_formats(texts: list[str]) -> tuple[str, ...]:
    """Day before month, unless some date in the file can only be read the other way round."""
    day_first, month_first = _DATES + _DAY_FIRST, _DATES + _MONTH_FIRST
    given = [text for text in texts if text]
    if any(_date(text, day_first) is None for text in given) and all(_date(text, month_first) for text in given):
        return month_first
    return day_first


def _date(text: str, formats: tuple[str, ...]) -> date | None:
    day = re.sub(r"[T ]\d{2}:\d{2}.*$", "", text)  # a time of day says nothing here
    for form in formats:
        try:
            return datetime.strptime(day, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            continue
    return None


def _amount(text: str) -> Decimal | None:
    """The size of an amount: "1,234.50", "1.234,50", "1 234.50", "-£12"; some banks sign what they sent back."""
    digits = re.sub(r"[^\d.,]", "", text)
    if not digits or re.search(r"[A-Za-z]{4,}", text):
        return None
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma > point and (point >= 0 or not re.fullmatch(r"\d{1,3}(,\d{3})+", digits)):
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None

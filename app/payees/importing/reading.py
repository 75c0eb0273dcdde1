"""From the bytes of a file to payees, each row good or with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.core import csv
from app.core.errors import Invalid
from app.core.money import CURRENCIES
from app.core.tables.cells import clean_code, clean_text
from app.core.tables.choices import Choices
from app.core.tables.headings import canonical
from app.core.tables.table import Table, read_table
from app.payees import rules, tags
from app.payees.importing.columns import Columns, PayeeField, is_known, match
from app.payees.kinds import spec_of
from app.payees.states import PayeeKind

MAX_ROWS = 20_000
PROBLEM = "Problem"  # the column added to rows handed back


AS_DETECTED = Choices()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the whole file is: all payees of one `kind`. `invites`: each gets a mail with a link of their own.

    `currency` and `terms_days` hold where a row says none.
    """

    kind: PayeeKind
    invites: bool
    currency: str
    terms_days: int


@dataclass(frozen=True, slots=True)
class PayeeRow:
    line: int
    email: str | None
    name: str
    reference: str | None
    currency: str
    terms_days: int
    commission_bps: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class PayeeFile:
    """`rows` are good in themselves; `bad_rows` are not, as far as they could be read: `faults` say why."""

    table: Table
    columns: Columns
    rows: list[PayeeRow]
    bad_rows: list[PayeeRow]
    faults: list[Fault]

    @property
    def read(self) -> int:
        return len(self.table.rows)

    @property
    def reasons(self) -> dict[int, str]:
        """Line → everything that is wrong with it, as one sentence."""
        return reasons_of(self.faults)


def open_table(body: bytes, choices: Choices = AS_DETECTED) -> Table:
    """The file as headings and rows. A list of nothing but addresses is a table of one column. Raises Invalid."""
    named = {canonical(heading) for heading in choices.columns.values()} - {""}

    def known(heading: str) -> bool:
        return is_known(heading) or canonical(heading) in named

    try:
        table = read_table(body, known=known, encoding=choices.encoding, delimiter=choices.delimiter)
    except Invalid as refused:
        if "delimiter" not in refused.fields or choices.delimiter:
            raise
        table = read_table(body, known=known, encoding=choices.encoding, delimiter="comma", heading_line=1)
        if not known(table.headings[0]):
            raise Invalid("The first line must name the columns, for example: email, name, reference.") from None
    if len(table.rows) > MAX_ROWS:
        raise Invalid(f"The file has {len(table.rows):,} rows; at most {MAX_ROWS:,} payees at once. Split it.")
    return table


def check_table(table: Table, choices: Choices, settings: Settings) -> PayeeFile:
    """Every row read. Raises Invalid where a needed column is missing or two are called the same."""
    columns = match(table.headings, choices.columns)
    needed = PayeeField.EMAIL if settings.invites else None
    if needed and needed not in columns.fields:
        said = "No column with e-mail addresses was found."
        raise Invalid(said, fields={needed.value: "Choose the column with e-mail addresses."})
    if not {PayeeField.EMAIL, PayeeField.NAME} & set(columns.fields):
        said = "Choose a column with names or e-mail addresses."
        raise Invalid(said, fields={"name": said})
    rows: list[PayeeRow] = []
    bad: list[PayeeRow] = []
    faults: list[Fault] = []
    seen: dict[tuple[PayeeField, str], int] = {}
    for line, cells in zip(table.lines, table.rows, strict=True):
        row, wrong = _row(line, cells, columns, settings)
        if len(cells) > len(table.headings):
            wrong.append(Fault(line, "", "it has more cells than there are columns"))
        wrong += _repeated(row, seen, columns)
        if wrong:
            faults += wrong
            bad.append(row)
        else:
            rows.append(row)
    return PayeeFile(table, columns, rows, bad, faults)


def read_payees(body: bytes, choices: Choices, settings: Settings) -> PayeeFile:
    """Both steps. Raises Invalid where the file as a whole cannot be read."""
    return check_table(open_table(body, choices), choices, settings)


def _row(line: int, cells: list[str], columns: Columns, settings: Settings) -> tuple[PayeeRow, list[Fault]]:
    wrong: list[Fault] = []

    def cell(name: PayeeField) -> str:
        at = columns.fields.get(name)
        return "" if at is None else cells[at].strip()

    def blame(name: PayeeField, reason: str) -> None:
        wrong.append(Fault(line, columns.name(name), reason))

    email: str | None = None
    try:
        email = rules.clean_email(clean_text(cell(PayeeField.EMAIL), 300))
    except (Invalid, ValueError):
        blame(PayeeField.EMAIL, f"“{cell(PayeeField.EMAIL)[:60]}” is not an e-mail address")
    else:
        if email is None and settings.invites:
            blame(PayeeField.EMAIL, "there is no address to invite")
    name, reference, currency, terms, bps = "", "", settings.currency, settings.terms_days, 0
    try:
        name = clean_text(cell(PayeeField.NAME), rules.LONGEST_NAME) or (email or "")
    except ValueError as error:
        blame(PayeeField.NAME, str(error))
    else:
        if not name and not wrong:
            blame(PayeeField.NAME, "there is neither a name nor an address")
    try:
        reference = clean_code(cell(PayeeField.REFERENCE), rules.LONGEST_REFERENCE)
    except ValueError as error:
        blame(PayeeField.REFERENCE, str(error))
    if said := cell(PayeeField.CURRENCY).upper():
        currency = said
        if said not in CURRENCIES:
            blame(PayeeField.CURRENCY, f"“{said[:10]}” is not a currency we know")
    if said := cell(PayeeField.TERMS):
        try:
            terms = rules.read_terms(said)
        except Invalid as refused:
            blame(PayeeField.TERMS, refused.message.rstrip("."))
    if said := cell(PayeeField.COMMISSION):
        read = rules.read_commission(said)
        if read is None:
            blame(PayeeField.COMMISSION, f"“{said[:20]}” is not a percentage between 0 and 100")
        elif read and not spec_of(settings.kind).earns_commission:
            blame(PayeeField.COMMISSION, "only creators earn commission")
        bps = read or 0
    found: list[str] = []
    try:
        found = tags.read_tags(cell(PayeeField.TAGS))
    except Invalid as refused:
        blame(PayeeField.TAGS, next(iter(refused.fields.values()), refused.message).rstrip("."))
    return PayeeRow(line, email, name, reference or None, currency, terms, bps, tuple(found)), wrong


def _repeated(row: PayeeRow, seen: dict[tuple[PayeeField, str], int], columns: Columns) -> list[Fault]:
    """The second row with an address or reference, or with nothing but a name, says where the first one stands."""
    found = []
    name_only = "" if row.email or row.reference else row.name
    keys = ((PayeeField.EMAIL, row.email), (PayeeField.REFERENCE, row.reference), (PayeeField.NAME, name_only))
    for name, text in keys:
        if not text:
            continue
        first = seen.setdefault((name, text.lower()), row.line)
        if first != row.line:
            found.append(Fault(row.line, columns.name(name), f"the same as in line {first}"))
    return found


def reasons_of(faults: Iterable[Fault]) -> dict[int, str]:
    """Line → everything that is wrong with it, as one sentence."""
    said: dict[int, list[str]] = {}
    for fault in faults:
        said.setdefault(fault.line, []).append(f"{fault.column}: {fault.reason}" if fault.column else fault.reason)
    return {line: "; ".join(parts) for line, parts in said.items()}


def refused_csv(file: PayeeFile, faults: list[Fault]) -> bytes:
    """Rows with faults as they stood, and one column that says what is wrong: to mend and upload again."""
    said = reasons_of(faults)
    headings = file.table.headings
    kept = [index for index, heading in enumerate(headings) if heading != PROBLEM]
    rows = (
        [*(cells[index] for index in kept), said[line]]
        for line, cells in zip(file.table.lines, file.table.rows, strict=True)
        if line in said
    )
    return "".join(csv.lines([*(headings[index] for index in kept), PROBLEM], rows)).encode("utf-8-sig")

"""Whatever is written in any supported way is read back as it was; whatever else comes is refused, never a crash."""

from __future__ import annotations

from datetime import date

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from app.core.errors import Refusal
from app.core.tables.cells import clean_text
from app.payables.importing import Bills, Choices, read_bills, skipped_csv
from tests.app.payables.importing.writing import AMOUNTS, DATES, ENCODERS, HEADINGS, Row, table

# Letters that Windows-1252 has, with everything that makes a CSV cell awkward.
LETTERS = st.text("abcXYZ019 ,;|\t\"'&.-#éüßñ£€–“”\\/()+", max_size=30)
CLEAN = LETTERS.map(lambda text: clean_text(text.replace("\t", " "), 100))
WORDS = CLEAN.filter(lambda text: text != "" and not text.startswith(("'=", "'+", "'-", "'@")))

SLOW = [HealthCheck.too_slow]  # a busy machine is no fault


@st.composite
def bill_rows(draw: st.DrawFn) -> list[Row]:
    """Rows with distinct references, one name per supplier and amounts that show how they are written."""
    references = draw(st.lists(WORDS, min_size=1, max_size=12, unique=True))
    suppliers = draw(st.lists(WORDS, min_size=1, max_size=4, unique_by=lambda name: "".join(name.split()).casefold()))
    rows = []
    for reference in references:
        which = draw(st.integers(0, len(suppliers) - 1))
        minor = draw(st.integers(-(10**13), -1) | st.integers(1, 10**13))
        day = draw(st.dates(date(1970, 1, 1), date(2100, 12, 31)))
        description = draw(CLEAN.filter(lambda text: not text.startswith(("'=", "'+", "'-", "'@"))))
        rows.append((reference, f"S{which}", suppliers[which], day, minor, description))
    return rows


def shows_order(days: list[date]) -> bool:
    return any(day.day > 12 for day in days)


def is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_or_refused(body: bytes, choices: Choices | None = None, currency: str = "GBP") -> Bills | None:
    """The bills, or None after a refusal; anything else that is raised fails the test."""
    try:
        return read_bills(body, choices or Choices(), currency=currency)
    except Refusal as refusal:
        if not refusal.message.strip():
            raise
        return None


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(
    rows=bill_rows(),
    amounts=st.sampled_from(sorted(AMOUNTS)),
    dates=st.sampled_from(sorted(DATES)),
    encoding=st.sampled_from(sorted(ENCODERS)),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    ending=st.sampled_from(["\r\n", "\n", "\r"]),
    quote_all=st.booleans(),
    title=st.booleans(),
)
def test_round_trip(
    rows: list[Row],
    amounts: str,
    dates: str,
    encoding: str,
    delimiter: str,
    ending: str,
    quote_all: bool,
    title: bool,
) -> None:
    days = [row[3] for row in rows]
    assume(dates != "mdy" or shows_order(days))
    cells = [
        (reference, key, name, DATES[dates](day), AMOUNTS[amounts](minor), description)
        for reference, key, name, day, minor, description in rows
    ]
    above = [("Bills of the quarter", "", ""), ("",)] if title else []
    text = table([*above, HEADINGS, *cells], delimiter=delimiter, ending=ending, quote_all=quote_all)
    body = ENCODERS[encoding](text)
    assume(encoding != "windows-1252" or text.isascii() or not is_utf8(body))  # "ß€" is a letter of another script
    found = read_bills(body, currency="GBP")

    assert found.errors == []
    assert [
        (row.reference, row.supplier_reference, row.supplier_name, row.billed_on, row.amount_minor, row.description)
        for row in found.rows
    ] == rows
    assert [row.line for row in found.rows] == list(range(2 + 2 * title, 2 + 2 * title + len(rows)))
    assert found.totals == {"GBP": sum(row[4] for row in rows)}
    assert found.credits == sum(1 for row in rows if row[4] < 0)
    assert sum(one.totals["GBP"] for one in found.suppliers) == found.totals["GBP"]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(rows=bill_rows(), spoilt=st.sets(st.integers(0, 11), min_size=1), dates=st.sampled_from(["dmy", "mdy", "iso"]))
def test_skipped_and_kept_rows_are_all_rows(rows: list[Row], spoilt: set[int], dates: str) -> None:
    """Some suppliers are lost; the skipped rows mended give the bills that were missing, whatever the date order."""
    assume(shows_order([row[3] for row in rows]))
    cells = [
        (ref, "" if n in spoilt else key, "" if n in spoilt else name, DATES[dates](day), AMOUNTS["plain"](minor), text)
        for n, (ref, key, name, day, minor, text) in enumerate(rows)
    ]
    found = read_bills(table([HEADINGS, *cells]).encode(), currency="GBP")
    lost = [row for n, row in enumerate(rows) if n in spoilt]
    assert found.bad_lines == [n + 2 for n in range(len(rows)) if n in spoilt]
    assert len(found.rows) + len(found.bad_lines) == found.read == len(rows)
    if not lost:
        return
    returned = skipped_csv(found)
    chosen = Choices(columns={"supplier_name": "Problem"})  # any text will do for a name
    again = read_bills(returned, chosen, currency="GBP")
    assert [(row.reference, row.billed_on, row.amount_minor, row.description) for row in again.rows] == [
        (ref, day, minor, text) for ref, _, _, day, minor, text in lost
    ]


@settings(max_examples=400, deadline=None)
@given(body=st.binary(max_size=400))
@example(body=b"\xff\xfe")
@example(body=b"\0")
@example(body=b'a,b\n"')
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    found = read_or_refused(body)
    assert found is None or found.read > 0


SCRAPS = st.sampled_from(
    'Ref Supplier Amount Date , ; | \t " "" \\" \n \r\n \r 1,234.56 1.234,56 -5 (5) 5CR £ € \' \'= = 31/12/2017 '
    "12/31/2017 2017-12-31 Total é \u202e \ufeff \x1a sep=; \u2028 0 - Currency GBP XYZ".split(" ")
)
HEADED = st.sampled_from(["", "Ref,Supplier,Amount,Date\n", "Ref;Supplier ID;Supplier Name;Amount;Currency\r\n"])


@settings(max_examples=600, deadline=None)
@given(head=HEADED, scraps=st.lists(st.one_of(SCRAPS, st.text(max_size=3)), max_size=60), encoding=st.sampled_from(
    ["utf-8", "utf-8-sig", "utf-16", "windows-1252"]))  # fmt: skip
def test_scraps_of_files_are_read_or_refused(head: str, scraps: list[str], encoding: str) -> None:
    body = (head + "".join(scraps)).encode(encoding, errors="replace")
    found = read_or_refused(body)
    if found is None:
        return
    good = {row.line for row in found.rows} | {again.line for again in found.repeats}
    assert not good & set(found.bad_lines)
    assert len(found.rows) + len(found.repeats) + len(found.bad_lines) == found.read
    assert all(row.amount_minor and row.reference and row.supplier_name for row in found.rows)
    if found.errors:
        assert skipped_csv(found)


@settings(max_examples=200, deadline=None)
@given(
    overrides=st.dictionaries(
        st.sampled_from(["reference", "amount", "date", "nope"]), st.text(max_size=5), max_size=3
    ),
    options=st.fixed_dictionaries(
        {},
        optional={
            "encoding": st.text(max_size=6),
            "delimiter": st.text(max_size=3),
            "heading_line": st.integers(-5, 10),
            "amounts": st.text(max_size=5),
            "dates": st.text(max_size=5),
        },
    ),
    currency=st.text(max_size=4),
)
def test_arbitrary_choices_are_taken_or_refused(
    overrides: dict[str, str], options: dict[str, object], currency: str
) -> None:
    chosen = Choices(columns=overrides, **options)  # type: ignore[arg-type]
    found = read_or_refused(b"Ref,Supplier,Amount\n1,A,5\n", chosen, currency)
    assert found is None or found.read == 1

"""Reading files of bills: pure, no database. `read_bills` does it all; the two steps serve pages that show each one."""

from app.core.tables.choices import Choices
from app.core.tables.delimited import DELIMITERS, MAX_ROWS
from app.core.tables.table import Dialect, Table
from app.core.tables.text import ENCODINGS, MAX_BYTES
from app.payables.importing.bills import BillRow, Bills, Repeat, RowError, Supplier
from app.payables.importing.cells import supplier_key
from app.payables.importing.columns import PROBLEM, BillField, ColumnMap, match, parse_overrides
from app.payables.importing.destinations import DestinationRow, Destinations, read_destinations
from app.payables.importing.mending import skipped_csv
from app.payables.importing.reading import check_table, open_table, read_bills
from app.payables.importing.summary import ImportSummary, summarize

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "MAX_BYTES",
    "MAX_ROWS",
    "PROBLEM",
    "BillField",
    "BillRow",
    "Bills",
    "Choices",
    "ColumnMap",
    "DestinationRow",
    "Destinations",
    "Dialect",
    "ImportSummary",
    "Repeat",
    "RowError",
    "Supplier",
    "Table",
    "check_table",
    "match",
    "open_table",
    "parse_overrides",
    "read_bills",
    "read_destinations",
    "skipped_csv",
    "summarize",
    "supplier_key",
]

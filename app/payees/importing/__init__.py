"""Reading files of payees: pure, no database. `read_payees` does it all; the two steps serve pages that show each."""

from app.core.tables.choices import Choices
from app.payees.importing.columns import Columns, PayeeField, match, parse_overrides
from app.payees.importing.reading import (
    AS_DETECTED,
    MAX_ROWS,
    PROBLEM,
    Fault,
    PayeeFile,
    PayeeRow,
    Settings,
    check_table,
    open_table,
    read_payees,
    reasons_of,
    refused_csv,
)

__all__ = [
    "AS_DETECTED",
    "MAX_ROWS",
    "PROBLEM",
    "Choices",
    "Columns",
    "Fault",
    "PayeeField",
    "PayeeFile",
    "PayeeRow",
    "Settings",
    "check_table",
    "match",
    "open_table",
    "parse_overrides",
    "read_payees",
    "reasons_of",
    "refused_csv",
]

"""What an import did, as one JSON object for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.payables.importing.bills import Bills, RowError


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The figures of one import. Whatever was written, `read` = good rows + `skipped`.

    - `read`: rows below the headings, without blank ones and the file's own total
    - `imported`: payment requests added (in a dry run: that would be added; 0 when nothing was written)
    - `already`: good rows whose reference was there before, and repeats of a row of the same file
    - `skipped`: rows with errors
    - `payees`: distinct suppliers of the good rows, new or known
    - `credits`: good rows with a negative amount
    - `total_minor`: net sum of the good rows in minor units of `currency`, the same at a second import.
      A file with several currencies has null for both and `totals` per currency instead.
    - `errors`: every reason, in the order of the file; a row may have several
    """

    read: int
    imported: int
    already: int
    skipped: int
    payees: int
    credits: int
    total_minor: int | None
    currency: str | None
    errors: tuple[RowError, ...]
    totals: dict[str, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Ready for json.dumps; `totals` only where there are several currencies."""
        found: dict[str, Any] = {
            "read": self.read,
            "imported": self.imported,
            "already": self.already,
            "skipped": self.skipped,
            "payees": self.payees,
            "credits": self.credits,
            "total_minor": self.total_minor,
            "currency": self.currency,
            "errors": [error._asdict() for error in self.errors],
        }
        return found if self.totals is None else {**found, "totals": self.totals}


def summarize(bills: Bills, *, imported: int, already: int) -> ImportSummary:
    """`imported` and `already` count rows of `bills.rows`; repeats inside the file are added to `already`."""
    several = len(bills.totals) > 1
    currency = None if several else next(iter(bills.totals), bills.currency)
    return ImportSummary(
        read=bills.read,
        imported=imported,
        already=already + len(bills.repeats),
        skipped=len(bills.bad_lines),
        payees=len(bills.suppliers),
        credits=bills.credits,
        total_minor=None if several else bills.totals.get(currency or "", 0),
        currency=currency,
        errors=tuple(bills.errors),
        totals=dict(sorted(bills.totals.items())) if several else None,
    )

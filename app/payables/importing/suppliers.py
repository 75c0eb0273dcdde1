"""The suppliers of a file: one name each, and what deserves a second look before anyone is paid."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from app.core.tables.cells import LOST
from app.payables.importing.bills import BillRow, Supplier
from app.payables.importing.cells import supplier_key

_HIDDEN = re.compile(r"redact|personal data|withheld|confidential|data protection|private (person|individual)", re.I)
_SHOWN = 20  # of one kind of note


def settle_names(rows: Sequence[BillRow]) -> tuple[list[BillRow], list[str]]:
    """The rows with one name per supplier: the most frequent, the first of equals, its reference when it has none.

    Returns them with a note for each supplier that was written in several ways.
    """
    written: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.supplier_name:
            written[row.supplier_key][row.supplier_name] += 1
        else:
            written[row.supplier_key][""] += 0
    names: dict[str, str] = {}
    notes: list[str] = []
    for key, counted in written.items():
        best = counted.most_common(1)[0][0]
        names[key] = best
        spellings = {supplier_key("", name) for name in counted if name}
        if len(spellings) > 1:
            others = ", ".join(f"“{name}”" for name in counted if name and name != best)
            notes.append(f"Supplier {key} is called “{best}”, on other lines {others}.")
    nameless = sum(1 for name in names.values() if not name)
    if nameless:
        notes.append(f"Suppliers without a name, for which the reference stands in: {nameless}.")
    settled = [
        row
        if row.supplier_name == (name := names[row.supplier_key] or row.supplier_reference)
        else row._replace(supplier_name=name)
        for row in rows
    ]
    return settled, _shortened(notes)


def sum_up(rows: Sequence[BillRow]) -> list[Supplier]:
    """Suppliers in the order of the file."""
    found: dict[str, Supplier] = {}
    counts: dict[str, list[int]] = {}
    for row in rows:
        key = row.supplier_key
        if key not in found:
            found[key] = Supplier(key, row.supplier_reference, row.supplier_name, 0, 0, {})
            counts[key] = [0, 0]
        totals = found[key].totals
        totals[row.currency] = totals.get(row.currency, 0) + row.amount_minor
        counts[key][0] += 1
        counts[key][1] += row.amount_minor < 0
    return [
        Supplier(key, one.reference, one.name, counts[key][0], counts[key][1], one.totals) for key, one in found.items()
    ]


def doubts(suppliers: Sequence[Supplier]) -> list[str]:
    """Notes on names that stand for several suppliers, for nobody in particular, or have lost letters."""
    alike: dict[str, list[Supplier]] = defaultdict(list)
    for supplier in suppliers:
        alike[supplier_key("", supplier.name)].append(supplier)
    notes = [
        f"“{same[0].name}” stands under {len(same)} supplier references "
        f"({', '.join(one.reference or 'none' for one in same[:5])}); they stay separate suppliers."
        for same in alike.values()
        if len(same) > 1
    ]
    notes = _shortened(notes)
    notes += [
        f"“{supplier.name}” looks like a hidden name; its bills ({supplier.bills}) may be for different people."
        for supplier in suppliers
        if _HIDDEN.search(supplier.name)
    ][:_SHOWN]
    lost = sum(1 for supplier in suppliers if LOST in supplier.name)
    if lost:
        notes.append(f"Supplier names that lost letters (“{LOST}”) before the file came here: {lost}.")
    negative = [one for one in suppliers if one.totals and all(total <= 0 for total in one.totals.values())]
    if negative:
        names = ", ".join(f"“{one.name}”" for one in negative[:5])
        notes.append(f"Suppliers whose credits outweigh their bills, {len(negative)} in all: {names}.")
    return notes


def _shortened(notes: list[str]) -> list[str]:
    if len(notes) <= _SHOWN:
        return notes
    return [*notes[:_SHOWN], f"… and {len(notes) - _SHOWN} more like this."]

"""A file of orders as values: columns found by their headings, each row an order or a reason why not. Pure.

Exports of Shopify are read as they come: further lines of an order, orders without a code and unpaid ones are left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import Invalid
from app.core.money import CURRENCIES, Money
from app.core.tables.cells import clean_code, clean_text
from app.core.tables.headings import canonical
from app.core.tables.table import Table, read_table
from app.gateways.shops import LONGEST_ID, ShopOrder
from app.sales.rules import LONGEST_CODE

MAX_BYTES = 20 * 1024 * 1024
NEEDED = ("order", "code", "amount", "ordered")
LABELS = {"order": "Order", "code": "Discount code", "amount": "Subtotal", "ordered": "Paid at"}
_ALIASES: dict[str, str] = {
    "order": "order id;id;order number;order no;order;name;number;reference",
    "number": "name;order number;order name;number",
    "code": "discount code;discount codes;code;coupon code;coupon;coupons;voucher code;promo code",
    "amount": "subtotal;order subtotal;basis;commissionable amount;net sales;goods;amount",
    "total": "total;order total;total paid;grand total",
    "currency": "currency;currency code",
    "ordered": "paid at;ordered at;created at;order date;date paid;date created;date",
    "email": "email;e mail;customer email;billing email;buyer email",
    "status": "financial status;payment status;status",
    "refunded": "refunded amount;amount refunded;refunded;total refunded",
}
_PAID = frozenset({"paid", "partially refunded", "refunded", "processing", "completed", "complete"})
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?\Z", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be taken: the line it starts on, the column and a sentence."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of a file, without the buyer's address. `refunded_minor`: of all that was paid."""

    line: int
    external_id: str
    number: str
    codes: list[str]
    currency: str
    basis_minor: int
    total_minor: int
    ordered_at: str
    buyer_index: str | None
    refunded_minor: int

    def order(self) -> ShopOrder:
        return ShopOrder(
            self.external_id, self.number, tuple(self.codes), Money(self.basis_minor, self.currency),
            Money(self.total_minor, self.currency), datetime.fromisoformat(self.ordered_at),
            buyer_index=self.buyer_index,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Orders:
    """What a file holds. `read`: orders in it; those left out are `without_code` or `unpaid`."""

    rows: list[OrderRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    read: int = 0
    without_code: int = 0
    unpaid: int = 0

    def packed(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def unpacked(body: bytes) -> Orders:
    """What `packed` made."""
    found: dict[str, Any] = json.loads(body)
    rows = [OrderRow(**row) for row in found.pop("rows")]
    return Orders(rows, [Fault(**fault) for fault in found.pop("faults")], **found)


def read_orders(body: bytes, *, currency: str, buyer_index: Any, zone: str = "UTC") -> Orders:
    """The orders of a file. `currency` and time `zone` are for rows that name none; `buyer_index` hashes an address.

    Raises Invalid for what is no table, or has not the columns that are needed.
    """
    known = {canonical(alias) for aliases in _ALIASES.values() for alias in aliases.split(";")}
    table = read_table(body, known=lambda cell: canonical(cell) in known)
    columns = _columns(table)
    rows: list[OrderRow] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    read = without_code = unpaid = 0
    for line, cells in zip(table.lines, table.rows, strict=True):
        row = _Row(line, {name: cells[at].strip() for name, at in columns.items()}, currency, zone)
        if row.continues():
            continue
        read += 1
        if not row.cells.get("code"):
            without_code += 1
        elif row.unpaid():
            unpaid += 1
        elif (found := row.read(faults, buyer_index)) is not None:
            first = seen.setdefault(found.external_id, line)
            if first != line:
                faults.append(Fault(line, LABELS["order"], f"The order stands on line {first} already."))
            else:
                rows.append(found)
    return Orders(rows, sorted(faults, key=lambda fault: fault.line), read, without_code, unpaid)


def _columns(table: Table) -> dict[str, int]:
    """Field → column. The best alias wins; number may be the same column as the order's id."""
    headings = [canonical(heading) for heading in table.headings]
    found: dict[str, int] = {}
    for name, aliases in _ALIASES.items():
        wanted = [canonical(alias) for alias in aliases.split(";")]
        at = next((headings.index(alias) for alias in wanted if alias in headings), None)
        if at is not None:
            found[name] = at
    missing = [LABELS[name] for name in NEEDED if name not in found]
    if missing:
        told = ", ".join(missing)
        raise Invalid(f"The file has no column for: {told}.", fields={"file": f"It has no column for: {told}."})
    return found


class _Wrong(ValueError):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: dict[str, str]
    currency: str
    time_zone: str

    def continues(self) -> bool:
        """A further line of the order above, as shops write one for each article."""
        told = ("amount", "total", "ordered", "status", "code")
        return not any(self.cells.get(name) for name in told)

    def unpaid(self) -> bool:
        status = self.cells.get("status", "").lower().replace("_", " ")
        return bool(status) and status not in _PAID

    def read(self, faults: list[Fault], buyer_index: Any) -> OrderRow | None:
        """None with what is wrong added to `faults`: everything wrong with the row, not the first alone."""
        wrong: list[Fault] = []

        def take(name: str, reading: Any) -> Any:
            try:
                return reading()
            except _Wrong as fault:
                wrong.append(Fault(self.line, fault.column, fault.reason))
            except ValueError as error:
                wrong.append(Fault(self.line, LABELS.get(name, name.capitalize()), _sentence(str(error))))
            return None

        external_id = take("order", self._order_id)
        codes = take("code", self._codes)
        currency = take("currency", self._currency) or "USD"
        basis = take("amount", lambda: self._amount("amount", currency))
        total = take("total", lambda: self._amount("total", currency, default=basis or 0))
        refunded = take("refunded", lambda: self._amount("refunded", currency, default=0))
        moment = take("ordered", self._moment)
        faults.extend(wrong)
        if wrong:
            return None
        number = clean_text(self.cells.get("number") or external_id, LONGEST_ID)
        email = buyer_index(self.cells.get("email", ""))
        return OrderRow(
            self.line, external_id, number, codes, currency, basis, max(total, basis), moment.isoformat(), email,
            refunded,
        )  # fmt: skip

    def _order_id(self) -> str:
        found = clean_code(self.cells["order"], LONGEST_ID)
        if not found:
            raise ValueError("it is empty")
        return found

    def _codes(self) -> list[str]:
        parts = [clean_text(part, LONGEST_CODE) for part in re.split(r"[,;|]", self.cells["code"])]
        found = list(dict.fromkeys(part for part in parts if part))
        if not found:
            raise ValueError("it is empty")
        return found

    def _currency(self) -> str:
        found = self.cells.get("currency", "").upper() or self.currency
        if found not in CURRENCIES:
            raise ValueError(f"“{found[:20]}” is not a currency we know")
        return found

    def _amount(self, name: str, currency: str, default: int | None = None) -> int:
        cell = self.cells.get(name, "")
        if not cell and default is not None:
            return default
        if not re.fullmatch(r"\d+(\.\d+)?", cell, re.ASCII):
            raise ValueError(f"“{cell[:30]}” is not an amount written like 1234.50")
        whole, _dot, decimals = cell.partition(".")
        return Money.parse(f"{whole}.{decimals.rstrip('0') or '0'}", currency).minor

    def _moment(self) -> datetime:
        cell = self.cells["ordered"]
        found = _MOMENT.match(cell)
        if not found:
            raise ValueError(f"“{cell[:30]}” is not a time written like 2026-11-30 or 2026-11-30 14:05:00 +0100")
        day, clock, seconds, zone = found.groups()
        written = f"{day}T{clock or '00:00'}{seconds or ':00'}"
        if not zone:
            return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)
        offset = "+00:00" if zone.upper() in ("Z", "UTC") else f"{zone[:3]}:{zone[-2:]}"
        return datetime.fromisoformat(written + offset).astimezone(UTC)


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith(".") else ".")

"""Files of bills as other people's programs write them, for tests: all encodings, delimiters and formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date

HEADINGS = ("Trans No", "Supplier ID", "Supplier Name", "Paid Date", "Amount", "Description")
Row = tuple[str, str, str, date, int, str]  # as HEADINGS; the amount in minor units of a currency with 2 decimals


def grouped(minor: int, group: str, decimal: str) -> str:
    """1234567 as "12,345.67"."""
    whole, cents = divmod(abs(minor), 100)
    return ("-" if minor < 0 else "") + f"{whole:,}".replace(",", group) + f"{decimal}{cents:02}"


def _signed(write: Callable[[int], str], negative: str) -> Callable[[int], str]:
    return lambda minor: negative.format(write(abs(minor))) if minor < 0 else write(minor)


# Every way to write an amount the reader promises to know.
AMOUNTS: dict[str, Callable[[int], str]] = {
    "plain": lambda minor: grouped(minor, "", "."),
    "grouped": lambda minor: grouped(minor, ",", "."),
    "continental": lambda minor: grouped(minor, ".", ","),
    "continental plain": lambda minor: grouped(minor, "", ","),
    "spaced": lambda minor: grouped(minor, " ", ","),
    "no-break spaced": lambda minor: grouped(minor, "\u00a0", ","),
    "swiss": lambda minor: grouped(minor, "'", "."),
    "trailing minus": _signed(lambda minor: grouped(minor, ",", "."), "{}-"),
    "parentheses": _signed(lambda minor: grouped(minor, ",", "."), "({})"),
    "ledger": _signed(lambda minor: grouped(minor, ",", "."), "{} CR"),
    "pounds": _signed(lambda minor: "£" + grouped(minor, ",", "."), "-{}"),
    "accountant": _signed(lambda minor: "£ " + grouped(minor, ",", "."), "({})"),
    "code behind": lambda minor: grouped(minor, ",", ".") + " GBP",
    "four decimals": lambda minor: grouped(minor, "", ".") + "00",
    "typographic": _signed(lambda minor: grouped(minor, ",", "."), "\u2212{}"),
}
DATES: dict[str, Callable[[date], str]] = {
    "dmy": lambda day: day.strftime("%d/%m/%Y"),
    "mdy": lambda day: day.strftime("%m/%d/%Y"),
    "dotted": lambda day: f"{day.day}.{day.month}.{day.year}",
    "dashed": lambda day: day.strftime("%d-%m-%Y"),
    "iso": lambda day: day.isoformat(),
    "iso time": lambda day: day.isoformat() + "T00:00:00",
    "named": lambda day: day.strftime("%d-%b-%Y"),
    "long": lambda day: day.strftime("%d %B %Y"),
    "american": lambda day: day.strftime("%b %d, %Y"),
    "compact": lambda day: day.strftime("%Y%m%d"),
    "clock": lambda day: day.strftime("%d/%m/%Y 00:00:00"),
}
ENCODERS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "bom": lambda text: text.encode("utf-8-sig"),
    "windows-1252": lambda text: text.replace("\u2212", "–").encode("windows-1252"),  # it has no minus sign
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 bare": lambda text: text.encode("utf-16-le"),
}


def table(rows: Sequence[Sequence[str]], *, delimiter: str = ",", ending: str = "\r\n", quote_all: bool = False) -> str:
    """Cells as text, quoted where they must be."""
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerows(rows)
    return out.getvalue()


def bills(*rows: str, head: str = "Trans No,Supplier ID,Supplier Name,Paid Date,Amount,Description") -> bytes:
    """A plain UTF-8 file from lines written out by hand."""
    return "\n".join((head, *rows)).encode() + b"\n"

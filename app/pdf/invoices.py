"""Invoices, credit notes and debit notes on paper, as plain values; and the invoice that machines read inside them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import date

from app.core.money import Money
from app.pdf.documents import Party

_DATES = re.compile(rb"(?<=D:)\d{14}|(?<=D\\072)\d{14}")
_STAMPS = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """`detail`: a second line in small (the service's code, who it was for). `tax`: the rate as it is read, "18%"."""

    description: str
    quantity: int
    unit: Money
    net: Money
    detail: str = ""
    tax: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of the totals."""

    label: str
    amount: Money


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """One issued document. `sums`: between the subtotal and the total (tax by head, round-off). `after`: what came
    since it was issued (payments, credit notes), from the total to what is due. `facts`: label and value, under the
    summary. `stamp`: its status as a stamp, "PAID". `logo`: a PNG or JPEG.
    """

    title: str
    number: str
    payer: Party  # who issues: the name printed at the bottom of each page
    payee: Party  # who is billed
    issued_on: date
    lines: tuple[InvoiceLine, ...]
    total: Money
    due: Money
    sums: tuple[Sum, ...] = ()
    after: tuple[Sum, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    bank: tuple[tuple[str, str], ...] = ()
    due_on: date | None = None
    stamp: str = ""
    copy: str = ""
    logo: bytes | None = None
    notes: tuple[str, ...] = ()
    simulated: bool = False
    locale: str = "en"

    def __post_init__(self) -> None:
        minor = sum(line.net.minor for line in self.lines) + sum(one.amount.minor for one in self.sums)
        if not self.lines or minor != self.total.minor:
            raise ValueError(f"document {self.number}: its lines do not add up to its total")
        if self.total.minor + sum(one.amount.minor for one in self.after) != self.due.minor:
            raise ValueError(f"document {self.number}: what is due does not add up")

    @property
    def net(self) -> Money:
        return Money(sum(line.net.minor for line in self.lines), self.total.currency)

    @property
    def taxed(self) -> bool:
        return any(line.tax for line in self.lines)

    @property
    def note(self) -> str:
        return "\n".join(self.notes)

    @property
    def logo_url(self) -> str:
        """The picture inside the page: nothing is fetched."""
        if not self.logo:
            return ""
        kind = "png" if self.logo.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.logo).decode()}"


def with_xml(pdf: bytes, xml: bytes, document: InvoiceDocument) -> bytes:
    """A PDF/A-3 with the electronic invoice inside (Factur-X, profile EN 16931); the same values give the same bytes.

    The library writes the moment of making into it: the day of issue stands there instead. XML that the schema refuses
    is an error of ours and raises the library's plain Exception.
    """
    from facturx import generate_from_binary  # slow to load

    title = f"{document.title} {document.number}"
    told = {"author": document.payer.name, "title": title, "subject": title, "keywords": "Factur-X, invoice"}
    made = generate_from_binary(
        pdf, xml, flavor="factur-x", level="en16931", check_xsd=True, check_schematron=False, pdf_metadata=told,
        lang=document.locale.replace("_", "-"), afrelationship="alternative", xmp_compression=False,
    )  # fmt: skip
    day = document.issued_on
    made = _DATES.sub(f"{day:%Y%m%d}000000".encode(), made)
    return _STAMPS.sub(f"{day.isoformat()}T00:00:00+00:00".encode(), made)

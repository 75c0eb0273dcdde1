"""An issued document as plain values: what the PDF, the electronic invoice and the snapshot are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from app.billing.assessment import Assessment
from app.core.money import Money


class DocumentKind(StrEnum):
    """Numbers in brackets: EN 16931's list UNCL 1001."""

    INVOICE = "invoice"  # 380
    CREDIT_NOTE = "credit_note"  # 381
    DEBIT_NOTE = "debit_note"  # 383


@dataclass(frozen=True, slots=True)
class Party:
    """`tax_id`: GSTIN or VAT number. `region`: state code or the state's name, `postcode` and the rest as written."""

    name: str
    country: str
    street: str = ""
    city: str = ""
    postcode: str = ""
    region: str = ""
    tax_id: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Bank:
    """Where to pay. `account`: IBAN or account number, `code`: BIC, routing number or IFSC."""

    holder: str
    account: str
    code: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """The invoice that a credit or debit note corrects."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Document:
    """Everything on paper. Amounts of a credit note are positive: its kind says which way they go.

    `quantities`: one for each line of the assessment, whole; the price of one is the line over its quantity.
    `paid`: what was paid before it was issued.
    """

    kind: DocumentKind
    number: str
    issued_on: date
    seller: Party
    buyer: Party
    assessment: Assessment
    quantities: tuple[int, ...]
    due_on: date | None = None
    period: tuple[date, date] | None = None
    buyer_reference: str = ""
    terms: str = ""
    bank: Bank | None = None
    corrects: tuple[Reference, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if len(self.quantities) != len(self.assessment.items):
            raise ValueError("each line has its quantity")
        if self.kind is not DocumentKind.INVOICE and not self.corrects:
            raise ValueError("a note says which invoice it corrects")

    @property
    def total(self) -> Money:
        return self.assessment.total

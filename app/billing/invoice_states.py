"""Where invoices and notes stand."""

from __future__ import annotations

from enum import StrEnum


class InvoiceStatus(StrEnum):
    """What is not issued is no invoice yet: it waits in `unbilled_charges`, and a refund takes it out of there. SENT is
    issued: nothing of it ever changes but what was paid."""

    SENT = "sent"
    PAID = "paid"


I = InvoiceStatus  # noqa: E741 - as in the other tables of states
INVOICE_TRANSITIONS: dict[InvoiceStatus, frozenset[InvoiceStatus]] = {
    I.SENT: frozenset({I.PAID}),
    I.PAID: frozenset({I.SENT}),  # a payment came back
}


class InvoiceOrigin(StrEnum):
    """What an invoice came from."""

    MONTH = "month"  # the close of a month
    REQUEST = "request"  # somebody did not want to wait for it
    PACK = "pack"  # seat credits, billed as they are sold
    CORRECTION = "correction"  # a credit or debit note


class PaidWith(StrEnum):
    """FUNDS: what the organization had with us already. CREDIT: a credit note offset against it."""

    CARD = "card"
    BANK = "bank"
    FUNDS = "funds"
    CREDIT = "credit"


class PayoutOn(StrEnum):
    """When what consultants earned by an invoiced booking becomes ready (decision 16)."""

    INVOICE_PAID = "invoice_paid"
    ACCRUAL = "accrual"

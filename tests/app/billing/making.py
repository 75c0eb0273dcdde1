"""Documents of invented parties."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from app.billing import taxing
from app.billing.assessment import Buyer, Item, Seller
from app.billing.documents import Bank, Document, DocumentKind, Party, Reference
from app.core.money import Money

PARIS = Party("Acme Learning SAS", "FR", "1 rue de Rivoli", "Paris", "75001", "", "FR40303265045", "billing@acme.test")
LYON = Party("Acheteur SARL", "FR", "2 rue Mercière", "Lyon", "69001", "", "", "compta@acheteur.test")
GHENT = Party("Koper NV", "BE", "Veldstraat 3", "Ghent", "9000", "", "BE0428759497", "ap@koper.test")
BOSTON = Party("Hartwell College", "US", "22 College Avenue", "Boston", "02110", "MA", "", "ap@hartwell.test")
INVOICE = Reference("INV-2026-0007", date(2026, 11, 1))


def document(
    buyer: Party = LYON,
    kind: DocumentKind = DocumentKind.INVOICE,
    *,
    rates: tuple[int, ...] = (2000, 2000),
    **changes: Any,
) -> Document:
    items = [
        Item("Consultation hours, October 2026", Money(1200_00, "EUR"), rates[0]),
        Item("Workshop, half day", Money(333_33, "EUR"), rates[1]),
    ]
    assessment = taxing.assess(
        Seller(PARIS.country, tax_id=PARIS.tax_id), Buyer(buyer.country, buyer.region, buyer.tax_id), items
    )
    made = Document(
        kind=kind, number="INV-2026-0008", issued_on=date(2026, 11, 20), seller=PARIS, buyer=buyer,
        assessment=assessment, quantities=(12, 2), due_on=date(2026, 12, 20),
        period=(date(2026, 10, 1), date(2026, 10, 31)), buyer_reference="PO-77", terms="Net 30",
        bank=Bank("Acme Learning SAS", "FR7630006000011234567890189", "AGRIFRPP"),
        corrects=() if kind is DocumentKind.INVOICE else (INVOICE,),
        reason="" if kind is DocumentKind.INVOICE else "Two sessions were cancelled.",
    )  # fmt: skip
    return replace(made, **changes)

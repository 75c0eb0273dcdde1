"""Documents that go with a mail, made when it is sent. Each maker takes what the mail's `attachment` says besides its
`document`, opens its own unit of work, and renders outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from app.billing import printing
from app.consultations import calendar_files, letters
from app.consultations.models import Consultation
from app.contracts import queries as contracts
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files.storage import storage
from app.notify.smtp import Attachment
from app.payouts import documents
from app.pdf.render import render_remittance


def remittance(payout_id: str) -> Attachment:
    """The remittance advice of a payout, as it goes out with the mail."""
    with unit_of_work(Scope.platform("remittance advice for a mail")) as session:
        document = documents.remittance(session, UUID(payout_id))
    return Attachment(f"remittance-{document.number}.pdf", "application/pdf", render_remittance(document))


def contract(contract_id: str) -> Attachment:
    """The sealed contract as it lies in the store."""
    with unit_of_work(Scope.platform("a sealed contract for a mail")) as session:
        found = contracts.detail(session, UUID(contract_id))
    return Attachment(found.file_name, "application/pdf", storage().get(found.storage_key))


def invoice(invoice_id: str) -> Attachment:
    """An invoice, credit or debit note as it stands when the mail goes out."""
    with unit_of_work(Scope.platform("an invoice for a mail")) as session:
        found = printing.printable(session, UUID(invoice_id))
    content = printing.pdf(found)
    with unit_of_work(Scope.platform("the digest of an invoice's paper")) as session:
        printing.remember(session, found, content)
    return Attachment(f"{found.number.replace('/', '-')}.pdf", "application/pdf", content)


def calendar(consultation_id: str, side: str) -> Attachment:
    """A consultation for the calendar of its client or its consultant, as it stands when the mail goes out."""
    with unit_of_work(Scope.platform("a calendar file for a mail")) as session:
        found = session.get_one(Consultation, UUID(consultation_id))
        event = letters.event(session, found, for_client=side == "client")
    return Attachment("consultation.ics", "text/calendar", calendar_files.write(event))


MAKERS: dict[str, Callable[..., Attachment]] = {
    "remittance": remittance,
    "contract": contract,
    "calendar": calendar,
    "invoice": invoice,
}


def make(attachment: Mapping[str, Any]) -> Attachment:
    """`attachment` is {"document": name, …}. Raises LookupError for a document nobody makes."""
    rest = {name: value for name, value in attachment.items() if name != "document"}
    return MAKERS[str(attachment["document"])](**rest)

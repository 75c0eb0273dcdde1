"""The demo's directory: tags, a note, a supplier whose work is suspended, and a list of creators from a file."""

from __future__ import annotations

import hashlib
from uuid import UUID

from app.core.scope import Actor
from app.db.session import ScopedSession
from app.payees import import_service, notes, service, tags
from app.payees.import_service import UploadedFile
from app.payees.importing import AS_DETECTED, Settings, read_payees
from app.payees.states import EngagementStatus, PayeeKind

LIST = b"""email,name,reference,commission,tags
ines.moreau@creators.test,In\xc3\xa8s Moreau,CR-201,12,spring; reels
kofi.mensah@creators.test,Kofi Mensah,CR-202,10,spring
lena.brandt@creators.test,Lena Brandt,CR-203,12.5,reels
"""


def load(session: ScopedSession, organization_id: UUID, owner: Actor, vendor: Actor, contractor: Actor) -> None:
    assert vendor.payee_id and contractor.payee_id
    tags.add(session, owner, organization_id, [vendor.payee_id], ["print", "local"])
    tags.add(session, owner, organization_id, [contractor.payee_id], ["design", "spring"])
    notes.add(
        session, owner, organization_id, vendor.payee_id,
        "Rush jobs only by phone; they answer mail the next day.",
    )  # fmt: skip
    courier = service.create(
        session, owner, organization_id, kind=PayeeKind.VENDOR, name="Harbour Couriers", currency="USD",
        email="desk@harbour.test", country="US",
    )  # fmt: skip
    tags.add(session, owner, organization_id, [courier.id], ["local"])
    service.set_status(
        session, owner, organization_id, courier.id, EngagementStatus.SUSPENDED,
        reason="Insurance certificate has expired.",
    )  # fmt: skip
    _creators(session, organization_id, owner)


def _creators(session: ScopedSession, organization_id: UUID, owner: Actor) -> None:
    """Confirmed; the workers add and invite them."""
    settings = Settings(PayeeKind.CREATOR, True, "USD", service.DEFAULT_TERMS_DAYS)
    found = import_service.preview(session, owner, organization_id, read_payees(LIST, AS_DETECTED, settings), settings)
    record = import_service.keep_upload(
        session, owner, organization_id, UploadedFile("spring-creators.csv", hashlib.sha256(LIST).hexdigest()),
        kind=settings.kind, invites=True, currency=settings.currency,
    )  # fmt: skip
    import_service.confirm(session, owner, organization_id, record.id, found)

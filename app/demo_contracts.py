"""Contracts of the demo: one to sign, one that waits for the organization, one a contractor put on file."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.contracts import service, signing, templates
from app.contracts.rules import Mark, TemplateForm, Witness
from app.contracts.service import DraftForm, FiledForm
from app.contracts.states import SignatureKind, SigningOrder
from app.core.clock import today
from app.core.scope import Actor
from app.db.session import ScopedSession

TEMPLATE = TemplateForm(
    name="Creator agreement",
    title="Creator agreement with {{payee}}",
    body="""This agreement is made on {{today}} between **{{organization_legal_name}}** and **{{payee_legal_name}}**.

# What is made

{{payee}} makes and publishes {{posts}} posts a month about the work of {{organization}}. The rights to \
use them for twelve months are part of the fee.

# What is paid

- A monthly fee of {{fee}}.
- A commission of {{commission}} on orders that name the creator's code.
- Both are paid out within 14 days after the month has ended.

# How it ends

Either side may end this agreement with thirty days' notice. It begins on {{begins}}.""",
    fields=(
        {"name": "posts", "label": "Posts a month", "type": "number", "required": True},
        {"name": "fee", "label": "Monthly fee", "type": "amount", "required": True},
        {"name": "commission", "label": "Commission", "type": "percent", "required": True},
        {"name": "begins", "label": "Begins on", "type": "day", "required": True},
    ),
)


def load(session: ScopedSession, organization_id: UUID, owner: Actor, creator: Actor, contractor: Actor) -> None:
    assert creator.payee_id is not None and contractor.payee_id is not None
    template = templates.add(session, owner, organization_id, TEMPLATE)
    ours = Witness("owner@fernhill.test", "192.0.2.10", "Demo")
    begins = (today() + timedelta(days=14)).isoformat()
    values = {"posts": "4", "fee": "1,200.00", "commission": "12.5", "begins": begins}
    to_sign = service.draft(
        session, owner, organization_id, creator.payee_id, DraftForm(template.id, values, needs_code=True), ours
    )
    service.send(session, owner, to_sign.id, ours)
    order = SigningOrder.PAYEE_FIRST
    half = service.draft(
        session, owner, organization_id, contractor.payee_id,
        DraftForm(template.id, {**values, "fee": "900.00"}, order, expires_days=30), ours,
    )  # fmt: skip
    service.send(session, owner, half.id, ours)
    theirs = Witness("contractor@fernhill.test", "192.0.2.20", "Demo")
    signing.consent(session, contractor, half.id, theirs)
    signing.sign(
        session, contractor, half.id, Mark(SignatureKind.TYPED, contractor.label), theirs,
        document_sha256=half.document_sha256 or "", read_whole=True,
    )  # fmt: skip
    service.file(
        session, contractor, organization_id, contractor.payee_id,
        FiledForm("Services agreement 2025", today() - timedelta(days=300), link_url="https://files.example.com/fernhill"),
        theirs,
    )  # fmt: skip

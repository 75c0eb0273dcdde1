"""Writing down what happened to a contract. The database refuses to change a line of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from app.audit import service as audit
from app.contracts.models import Contract, ContractEvidence
from app.contracts.rules import Witness
from app.contracts.states import ContractStatus
from app.core.clock import utc_now
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.db.types import new_id

SUBJECT = "contract"


def note(
    session: ScopedSession,
    actor: Actor,
    contract: Contract,
    action: str,
    witness: Witness,
    *,
    before: ContractStatus | None = None,
    told: str | None = None,
    **detail: Any,
) -> None:
    """One line of evidence, one of the audit trail, and where the state moved one of the timeline.

    `before` is the state it had (None: it is new); `told` the sentence of the timeline.
    """
    session.flush()
    session.execute(
        insert(ContractEvidence)
        .inline()
        .values(
            id=new_id(),
            organization_id=contract.organization_id,
            payee_id=contract.payee_id,
            contract_id=contract.id,
            at=utc_now(),
            action=action,
            actor=actor.label,
            role=actor.role,
            account_id=actor.account_id,
            email=witness.email,
            ip=witness.ip or actor.ip,
            user_agent=(witness.user_agent or "")[:400] or None,
            document_sha256=contract.sealed_sha256 or contract.document_sha256,
            detail=detail,
        )
    )
    audit.record(
        session, actor, f"contract.{action}", SUBJECT, contract.id, organization_id=contract.organization_id,
        number=contract.number, document_sha256=contract.document_sha256,
    )  # fmt: skip
    if before is not contract.status:
        audit.timeline(
            session, actor, SUBJECT, contract.id, contract.status.value,
            from_state=before.value if before else None, note=told,
            organization_id=contract.organization_id, payee_id=contract.payee_id,
        )  # fmt: skip

"""Sealing signed contracts, and what the clock does to those nobody has signed."""

from __future__ import annotations

from uuid import UUID

from app.contracts import daily, sealing
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files.sniffing import inspect
from app.files.storage import storage
from app.pdf.render import render_contract
from app.pdf.seal import seal as seal_pdf

SLICE = 500


def seal(contract_id: str) -> None:
    """Render, seal and keep the file. Run again, it finds the contract sealed and ends."""
    with unit_of_work(Scope.platform("a contract to seal")) as session:
        document = sealing.document(session, UUID(contract_id))
    if document is None:
        return
    content = seal_pdf(
        render_contract(document), reason=f"{document.number} was signed by everybody", name=document.organization
    )
    inspected = inspect(content, f"{document.number}.pdf")
    key = storage().put(content)
    with unit_of_work(Scope.platform("note a sealed contract")) as session:
        sealing.settle(session, UUID(contract_id), inspected, key)


def once_a_day() -> None:
    """Expire and remind, one unit of work each: a fault in one leaves the others done."""
    last: UUID | None = None
    while True:
        with unit_of_work(Scope.platform("open contracts")) as session:
            ids = daily.open_ids(session, last, SLICE)
        for contract_id in ids:
            with unit_of_work(Scope.platform("the clock of contracts")) as session:
                daily.step(session, contract_id)
        if len(ids) < SLICE:
            return
        last = ids[-1]

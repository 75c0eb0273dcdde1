"""Sealing by the job, once; and what the clock does to contracts nobody signs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.contracts import queries
from app.contracts.states import ContractStatus, SigningOrder
from app.core import clock
from app.core.clock import utc_now
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files.sniffing import inspect
from app.files.storage import storage
from app.pdf.seal import SealState
from app.pdf.seal import inspect as inspect_seal
from jobs import contracts, documents, runtime
from tests.factories import people
from tests.factories.contracts import DRAWN, Desk, desk

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford(database_url: str) -> Desk:
    return desk()


def mails(template: str) -> list[str]:
    with unit_of_work(people.PLATFORM) as session:
        found = session.execute(
            text("SELECT to_address FROM mails WHERE template = :name ORDER BY id"), {"name": template}
        )
        return list(found.scalars())


def detail(contract_id: UUID) -> Any:
    with unit_of_work(people.PLATFORM) as session:
        return queries.detail(session, contract_id)


def test_signed_by_everybody_becomes_a_sealed_file(oxford: Desk) -> None:
    contract_id = oxford.signed(DRAWN)
    while runtime.run_due():
        pass
    found = detail(contract_id)
    assert found.status is ContractStatus.SEALED
    content = storage().get(found.storage_key)
    assert inspect(content, found.file_name).sha256 == found.sealed_sha256
    assert inspect_seal(content).state is SealState.WHOLE
    assert mails("contract_sealed") == ["jo@example.test", "ada@oxford.test"]
    assert documents.make({"document": "contract", "contract_id": str(contract_id)}).content == content
    contracts.seal(str(contract_id))
    assert detail(contract_id).sealed_sha256 == found.sealed_sha256
    with unit_of_work(Scope.public()) as session:
        by_file = queries.by_hash(session, found.sealed_sha256.upper())
        by_text = queries.by_hash(session, found.document_sha256)
        assert by_file and by_file.of_file and by_file.signers == ("Jo Bell", "Ada Min")
        assert by_text and not by_text.of_file
        assert queries.by_hash(session, "0" * 64) is None and queries.by_hash(session, "' OR 1=1") is None
        assert session.execute(text("SELECT count(*) FROM contracts")).scalar_one() == 0


def test_an_unsigned_text_is_nothing_to_verify(oxford: Desk) -> None:
    contract_id = oxford.sent()
    with unit_of_work(Scope.public()) as session:
        assert queries.by_hash(session, oxford.get(contract_id).document_sha256 or "") is None


def test_a_sealed_contract_takes_the_place_of_the_one_before(oxford: Desk) -> None:
    old = oxford.signed()
    contracts.seal(str(old))
    new = oxford.signed(replaces_id=old)
    assert oxford.get(old).status is ContractStatus.SEALED
    contracts.seal(str(new))
    assert oxford.get(old).status is ContractStatus.SUPERSEDED
    assert oxford.get(new).status is ContractStatus.SEALED


def test_the_clock_reminds_and_ends(oxford: Desk) -> None:
    fresh, waiting = oxford.sent(expires_days=60), oxford.sent(expires_days=5, signing_order=SigningOrder.PAYEE_FIRST)
    begun = len(mails("contract_to_sign"))
    now = utc_now()
    contracts.once_a_day()
    assert len(mails("contract_to_sign")) == begun
    with clock.at(now + timedelta(days=3, minutes=5)):
        contracts.once_a_day()
        contracts.once_a_day()
    assert len(mails("contract_to_sign")) == begun + 2
    with clock.at(now + timedelta(days=5, minutes=5)):
        contracts.once_a_day()
    assert oxford.get(waiting).status is ContractStatus.EXPIRED
    assert oxford.get(fresh).status is ContractStatus.SENT
    assert set(mails("contract_news")) == {"jo@example.test", "ada@oxford.test"}

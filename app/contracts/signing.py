"""Reading and signing: the payee views, consents, signs or declines; the organization signs for itself."""

from __future__ import annotations

import hmac
import secrets
from uuid import UUID

from sqlalchemy import select

from app.contracts import evidence, letters, rules
from app.contracts.models import Contract, ContractCode, ContractSignature
from app.contracts.rules import Mark, Witness
from app.contracts.service import locked, signed_parties
from app.contracts.states import OPEN, TO_SIGN, ContractStatus, Party, SignatureKind
from app.core.clock import utc_now
from app.core.crypto import blind_index
from app.core.errors import Conflict, Gone, Invalid
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox
from app.db.session import ScopedSession

CODES_IN_TEN_MINUTES = 3


class WrongCode(Invalid):
    """The code is wrong. The try counts, so the caller keeps what was written."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, fields={"code": sentence})


def view(session: ScopedSession, actor: Actor, contract_id: UUID, witness: Witness) -> Contract:
    """The payee opens it; only the first time is a step. Raises NotFound."""
    contract = locked(session, actor, contract_id)
    if actor.payee_id is not None and contract.status is ContractStatus.SENT and not _over(contract):
        before = contract.status
        contract.advance(ContractStatus.VIEWED)
        evidence.note(session, actor, contract, "viewed", witness, before=before)
    return contract


def consent(session: ScopedSession, actor: Actor, contract_id: UUID, witness: Witness) -> Contract:
    """The payee agrees to sign electronically; the words are kept. Raises Forbidden, NotFound, Conflict, Gone."""
    contract = _open_for(session, actor, contract_id)
    if contract.status is ContractStatus.CONSENTED:
        return contract
    if contract.status is ContractStatus.SENT:
        view(session, actor, contract_id, witness)
    before = contract.status
    contract.advance(ContractStatus.CONSENTED)
    evidence.note(
        session, actor, contract, "consented", witness, before=before,
        consent_version=rules.CONSENT_VERSION, consent_text=rules.CONSENT_TEXT,
    )  # fmt: skip
    return contract


def send_code(session: ScopedSession, actor: Actor, contract_id: UUID, witness: Witness) -> Contract:
    """Mail a six-figure code to the signer. Raises Forbidden, NotFound, Conflict beyond three in ten minutes, Gone."""
    contract = _open_for(session, actor, contract_id)
    if not contract.needs_code or actor.account_id is None or not witness.email:
        raise Conflict("This contract needs no code.")
    recent = session.scalars(
        select(ContractCode.id).where(
            ContractCode.contract_id == contract.id, ContractCode.created_at > utc_now() - rules.CODE_LASTS
        )
    ).all()
    if len(recent) >= CODES_IN_TEN_MINUTES:
        raise Conflict("Several codes were sent already. Wait ten minutes, then ask for a new one.")
    code = f"{secrets.randbelow(10**6):06d}"
    session.add(
        ContractCode(
            organization_id=contract.organization_id,
            payee_id=contract.payee_id,
            contract_id=contract.id,
            account_id=actor.account_id,
            code_hash=_code_hash(contract.id, code),
            created_at=utc_now(),
            expires_at=utc_now() + rules.CODE_LASTS,
        )
    )
    evidence.note(session, actor, contract, "code_sent", witness, before=contract.status)
    letters.code(session, contract, witness.email, actor.label, code)
    return contract


def sign(
    session: ScopedSession,
    actor: Actor,
    contract_id: UUID,
    mark: Mark,
    witness: Witness,
    *,
    document_sha256: str,
    read_whole: bool,
    code: str = "",
) -> Contract:
    """The payee signs what was on the screen: `document_sha256` is the hash of what they read.

    Raises Forbidden, NotFound, Invalid, WrongCode, InvalidTransition, Conflict for another text, Gone when it is over.
    """
    contract = _open_for(session, actor, contract_id)
    _same_text(contract, document_sha256)
    if not read_whole:
        sentence = "Confirm that you have read the contract to its end."
        raise Invalid(sentence, fields={"read_whole": sentence})
    mark = rules.check_mark(mark)
    if contract.status is not ContractStatus.CONSENTED:
        raise Conflict("Agree to sign electronically first.")
    if contract.needs_code:
        _use_code(session, actor, contract, code, witness)
    _put(session, actor, contract, Party.PAYEE, mark, witness)
    after = rules.next_party(contract.signing_order, signed_parties(session, contract.id))
    before = contract.status
    contract.advance(ContractStatus.SIGNED if after else ContractStatus.COUNTERSIGNED)
    evidence.note(session, actor, contract, "signed", witness, before=before, told=f"Signed by {mark.name}.")
    if after:
        letters.to_countersign(session, contract)
    else:
        outbox.emit(session, Topic.CONTRACT_COMPLETED, contract_id=contract.id)
    return contract


def countersign(
    session: ScopedSession, actor: Actor, contract_id: UUID, mark: Mark, witness: Witness, *, document_sha256: str
) -> Contract:
    """The organization signs, when it is its turn. Raises Forbidden, NotFound, Invalid, Conflict, Gone."""
    actor.require(Permission.CONTRACT_SIGN)
    contract = locked(session, actor, contract_id)
    _same_text(contract, document_sha256)
    if _over(contract):
        raise Gone("This contract has expired.")
    if contract.status not in (ContractStatus.DRAFT, ContractStatus.SIGNED):
        raise Conflict("It is not the organization’s turn to sign.")
    if rules.next_party(contract.signing_order, signed_parties(session, contract.id)) is not Party.ORGANIZATION:
        raise Conflict("It is not the organization’s turn to sign.")
    mark = rules.check_mark(mark)
    _put(session, actor, contract, Party.ORGANIZATION, mark, witness)
    before = contract.status
    complete = before is ContractStatus.SIGNED
    if complete:
        contract.advance(ContractStatus.COUNTERSIGNED)
    told = f"Signed for the organization by {mark.name}."
    evidence.note(session, actor, contract, "countersigned", witness, before=before, told=told)
    if complete:
        outbox.emit(session, Topic.CONTRACT_COMPLETED, contract_id=contract.id)
    return contract


def decline(session: ScopedSession, actor: Actor, contract_id: UUID, reason: str, witness: Witness) -> Contract:
    """The payee will not sign. Raises Forbidden, NotFound, Invalid without a reason, InvalidTransition."""
    actor.require(Permission.CONTRACT_OWN)
    reason = rules.clean_reason(reason)
    contract = locked(session, actor, contract_id)
    before = contract.status
    contract.advance(ContractStatus.DECLINED)
    contract.reason = reason
    evidence.note(session, actor, contract, "declined", witness, before=before, told=reason, reason=reason)
    letters.news_to_organization(session, contract, "was declined by the payee", reason)
    return contract


def _open_for(session: ScopedSession, actor: Actor, contract_id: UUID) -> Contract:
    actor.require(Permission.CONTRACT_OWN)
    contract = locked(session, actor, contract_id)
    if contract.status not in TO_SIGN:
        raise Conflict(f"This contract is {contract.status.value.replace('_', ' ')}: there is nothing to sign.")
    if _over(contract):
        raise Gone("This contract has expired. Ask the organization to send it again.")
    return contract


def _over(contract: Contract) -> bool:
    return contract.status in OPEN and contract.expires_at is not None and utc_now() >= contract.expires_at


def _same_text(contract: Contract, document_sha256: str) -> None:
    kept = contract.document_sha256
    if not kept or not hmac.compare_digest(kept.encode(), document_sha256.encode()):
        raise Conflict("The contract on your screen is not this one. Reload the page and read it again.")


def _put(session: ScopedSession, actor: Actor, contract: Contract, party: Party, mark: Mark, witness: Witness) -> None:
    drawn = [[list(point) for point in stroke] for stroke in mark.strokes]
    session.add(
        ContractSignature(
            organization_id=contract.organization_id,
            payee_id=contract.payee_id,
            contract_id=contract.id,
            party=party,
            kind=mark.kind,
            name=mark.name,
            strokes=drawn if mark.kind is SignatureKind.DRAWN else None,
            signed_at=utc_now(),
            account_id=actor.account_id,
            email=witness.email,
            ip=witness.ip or actor.ip,
            user_agent=(witness.user_agent or "")[:400] or None,
            document_sha256=contract.document_sha256,
        )
    )
    session.flush()


def _use_code(session: ScopedSession, actor: Actor, contract: Contract, given: str, witness: Witness) -> None:
    if not given.strip():
        sentence = "Enter the code from the e-mail."
        raise Invalid(sentence, fields={"code": sentence})
    found = session.scalar(
        select(ContractCode)
        .where(ContractCode.contract_id == contract.id, ContractCode.account_id == actor.account_id)
        .order_by(ContractCode.created_at.desc())
        .limit(1)
        .with_for_update()
    )
    if found is None or found.used_at is not None or utc_now() >= found.expires_at or found.tries >= rules.CODE_TRIES:
        raise WrongCode("This code is not valid any more. Ask for a new one.")
    found.tries += 1
    if not hmac.compare_digest(found.code_hash, _code_hash(contract.id, "".join(given.split()))):
        evidence.note(session, actor, contract, "code_refused", witness, before=contract.status)
        raise WrongCode("That is not the code we sent.")
    found.used_at = utc_now()
    evidence.note(session, actor, contract, "code_used", witness, before=contract.status)


def _code_hash(contract_id: UUID, code: str) -> str:
    return blind_index(f"{contract_id}:{code}", "contract code")

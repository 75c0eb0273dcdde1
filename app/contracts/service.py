"""Contracts as the organization runs them: draft, send, void, file what was signed elsewhere. See also `signing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from app.contracts import evidence, letters, rules, templates, wording
from app.contracts.models import Contract, ContractSignature, ContractTemplateVersion
from app.contracts.rules import Witness
from app.contracts.states import IN_FORCE, OPEN, ContractForm, ContractStatus, Party, SigningOrder
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.formats import format_day
from app.core.scope import SYSTEM, Actor, Permission
from app.db import numbering
from app.db.session import ScopedSession
from app.db.types import new_id
from app.organizations.models import Organization
from app.payees import queries as payees
from app.payees.models import Engagement, Payee
from app.payees.states import EngagementStatus
from app.pdf.seal_key import SealUnavailable, seal_key


@dataclass(frozen=True, slots=True)
class DraftForm:
    """`values` are the template's fields as typed; `replaces_id` an older contract with the same payee."""

    template_id: UUID
    values: Mapping[str, str] = field(default_factory=dict)
    signing_order: SigningOrder = SigningOrder.PAYEE_FIRST
    needs_code: bool = False
    expires_days: int = 14
    replaces_id: UUID | None = None


FURTHEST_EAST = timedelta(hours=14)  # of UTC: where a day begins first


@dataclass(frozen=True, slots=True)
class FiledForm:
    """A contract signed elsewhere: a stored file or an address, and the day it was signed."""

    title: str
    signed_on: date
    file_id: UUID | None = None
    link_url: str = ""
    replaces_id: UUID | None = None


def draft(
    session: ScopedSession, actor: Actor, organization_id: UUID, payee_id: UUID, form: DraftForm, witness: Witness
) -> Contract:
    """Make a contract from the newest version of a template. Its text is frozen from here on.

    Raises Forbidden, NotFound, Invalid naming each field that is wrong, Conflict for a template put away.
    """
    actor.require(Permission.CONTRACT_MANAGE)
    actor.require_organization(organization_id)
    payee = payees.detail(session, organization_id, payee_id)
    version = templates.usable(session, organization_id, form.template_id)
    values = rules.read_values(version.fields, form.values, payee.currency)
    days = rules.check_expiry(form.expires_days)
    _replaceable(session, organization_id, payee_id, form.replaces_id)
    number = _number(session, organization_id)
    words = own_words(session, organization_id, payee, number) | wording.words_of(version.fields, values)
    html = wording.html(version.body, words)
    contract = Contract(
        id=new_id(),
        organization_id=organization_id,
        payee_id=payee_id,
        number=number,
        title=wording.fill(version.title, words)[:300],
        form=ContractForm.ESIGN,
        status=ContractStatus.DRAFT,
        template_version_id=version.id,
        field_values=values,
        document_html=html,
        document_sha256=rules.document_sha256(html),
        signing_order=form.signing_order,
        needs_code=form.needs_code,
        expires_days=days,
        replaces_id=form.replaces_id,
        made_by=actor.label,
    )
    session.add(contract)
    evidence.note(session, actor, contract, "drafted", witness, template_sha256=version.content_sha256)
    return contract


def preview(session: ScopedSession, organization_id: UUID, payee_id: UUID, form: DraftForm) -> str:
    """The text as `draft` would freeze it. Raises as `draft`."""
    payee = payees.detail(session, organization_id, payee_id)
    version = templates.usable(session, organization_id, form.template_id)
    values = rules.read_values(version.fields, form.values, payee.currency)
    words = own_words(session, organization_id, payee, "CT-…") | wording.words_of(version.fields, values)
    return wording.html(version.body, words)


def file(
    session: ScopedSession, actor: Actor, organization_id: UUID, payee_id: UUID, form: FiledForm, witness: Witness
) -> Contract:
    """Keep a contract that was signed elsewhere. The organization files it, or the payee their own copy.

    Raises Forbidden, NotFound, Invalid.
    """
    if actor.payee_id is not None:
        actor.require(Permission.CONTRACT_OWN)
        if actor.payee_id != payee_id:
            raise Forbidden("This belongs to another payee.")
    else:
        actor.require(Permission.CONTRACT_MANAGE)
        actor.require_organization(organization_id)
    _engagement(session, organization_id, payee_id)
    title = " ".join(form.title.split())
    if not 1 <= len(title) <= rules.LONGEST_NAME:
        raise Invalid("Give the contract a title.", fields={"title": "Give the contract a title."})
    if (form.file_id is None) == (not form.link_url.strip()):
        sentence = "Choose a file or give an address, one of the two."
        raise Invalid(sentence, fields={"files": sentence})
    link = rules.check_link(form.link_url) if form.link_url.strip() else None
    signed_on = rules.check_signed_on(form.signed_on, (utc_now() + FURTHEST_EAST).date())
    before = _replaceable(session, organization_id, payee_id, form.replaces_id)
    contract = Contract(
        id=new_id(),
        organization_id=organization_id,
        payee_id=payee_id,
        number=_number(session, organization_id),
        title=title,
        form=ContractForm.LINK if link else ContractForm.UPLOAD,
        status=ContractStatus.ON_FILE,
        field_values={},
        signed_on=signed_on,
        link_url=link,
        file_id=form.file_id,
        replaces_id=form.replaces_id,
        made_by=actor.label,
    )
    session.add(contract)
    evidence.note(session, actor, contract, "filed", witness, signed_on=signed_on.isoformat())
    if before is not None:
        supersede(session, actor, before, contract.number, witness)
    return contract


def send(session: ScopedSession, actor: Actor, contract_id: UUID, witness: Witness) -> Contract:
    """Let the payee read and sign it. Raises Forbidden, NotFound, InvalidTransition, Conflict."""
    actor.require(Permission.CONTRACT_MANAGE)
    contract = locked(session, actor, contract_id)
    if rules.next_party(contract.signing_order, signed_parties(session, contract.id)) is Party.ORGANIZATION:
        raise Conflict("The organization signs this one first. Sign it, then send it.")
    if _engagement(session, contract.organization_id, contract.payee_id) is EngagementStatus.ENDED:
        raise Conflict("The work with this payee has ended.")
    try:
        seal_key()
    except SealUnavailable as missing:
        raise Conflict(str(missing)) from None
    before = contract.status
    contract.advance(ContractStatus.SENT)
    contract.sent_at = utc_now()
    contract.expires_at = contract.sent_at + timedelta(days=contract.expires_days)
    told = f"To be signed by {format_day(contract.expires_at.date())}."
    evidence.note(session, actor, contract, "sent", witness, before=before, told=told)
    old = session.get(Contract, contract.replaces_id) if contract.replaces_id else None
    if old is not None and old.status in OPEN:
        supersede(session, actor, old, contract.number, witness)
    letters.to_sign(session, contract)
    return contract


def remind(session: ScopedSession, actor: Actor, contract_id: UUID, witness: Witness) -> Contract:
    """Write to the payee once more. Raises Forbidden, NotFound, Conflict for one that waits for nobody, or just did."""
    actor.require(Permission.CONTRACT_MANAGE)
    contract = locked(session, actor, contract_id)
    if contract.status not in OPEN or contract.status is ContractStatus.SIGNED:
        raise Conflict("The payee has nothing to sign here.")
    last = contract.reminded_at or contract.sent_at
    if last is not None and utc_now() - last < timedelta(hours=12):
        raise Conflict("The payee had a mail about this contract less than 12 hours ago.")
    send_reminder(session, actor, contract, witness)
    return contract


def send_reminder(session: ScopedSession, actor: Actor, contract: Contract, witness: Witness) -> None:
    """Write the reminder and note it; whether it is time for one was decided before."""
    contract.reminded_at = utc_now()
    evidence.note(session, actor, contract, "reminded", witness, before=contract.status)
    letters.to_sign(session, contract, reminder=True)


def void(session: ScopedSession, actor: Actor, contract_id: UUID, reason: str, witness: Witness) -> Contract:
    """Take a contract back before all have signed, or off the file. Raises Forbidden, NotFound, Invalid, Conflict."""
    actor.require(Permission.CONTRACT_MANAGE)
    reason = rules.clean_reason(reason)
    contract = locked(session, actor, contract_id)
    before = contract.status
    contract.advance(ContractStatus.VOIDED)
    contract.reason = reason
    evidence.note(session, actor, contract, "voided", witness, before=before, told=reason, reason=reason)
    if before is not ContractStatus.DRAFT:
        letters.news_to_payee(session, contract, "was taken back by the organization", reason)
    return contract


def expire(session: ScopedSession, contract: Contract) -> None:
    """Its time is over. The caller has locked it and looked at the clock."""
    before = contract.status
    contract.advance(ContractStatus.EXPIRED)
    evidence.note(session, SYSTEM, contract, "expired", Witness(), before=before, told="Not signed in time.")
    letters.news_to_payee(session, contract, "has expired and can no longer be signed")
    letters.news_to_organization(session, contract, "has expired before everybody signed")


def supersede(session: ScopedSession, actor: Actor, old: Contract, by: str, witness: Witness) -> None:
    """A newer contract takes the place of `old`."""
    before = old.status
    old.advance(ContractStatus.SUPERSEDED)
    old.reason = f"Replaced by {by}."
    evidence.note(session, actor, old, "superseded", witness, before=before, told=old.reason, by=by)


def locked(session: ScopedSession, actor: Actor, contract_id: UUID) -> Contract:
    """The contract, for change, as this actor may see it. Raises NotFound."""
    found = session.scalar(
        select(Contract).where(Contract.id == contract_id).with_for_update().execution_options(populate_existing=True)
    )
    hidden = (
        actor.payee_id is not None
        and found is not None
        and (found.payee_id != actor.payee_id or found.status is ContractStatus.DRAFT)
    )
    if found is None or hidden or actor.organization_id not in (None, found.organization_id):
        raise NotFound("There is no such contract.")
    return found


def signed_parties(session: ScopedSession, contract_id: UUID) -> list[Party]:
    return list(session.scalars(select(ContractSignature.party).where(ContractSignature.contract_id == contract_id)))


def own_words(session: ScopedSession, organization_id: UUID, payee: object, number: str) -> dict[str, str]:
    """What every text knows by itself; `payee` has name and legal_name."""
    organization = session.get_one(Organization, organization_id)
    name, legal = payee.name, payee.legal_name  # type: ignore[attr-defined]
    values = (
        number, format_day(today()), organization.name, organization.legal_name or organization.name,
        name, legal or name,
    )  # fmt: skip
    return dict(zip(wording.OWN_FIELDS, values, strict=True))


def _number(session: ScopedSession, organization_id: UUID) -> str:
    with session.elevated("the number series belongs to the organization"):
        return f"CT-{numbering.take(session, organization_id, 'contracts', 0):05d}"


def _engagement(session: ScopedSession, organization_id: UUID, payee_id: UUID) -> EngagementStatus:
    found = session.scalar(
        select(Engagement.status)
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(Engagement.organization_id == organization_id, Engagement.payee_id == payee_id)
    )
    if found is None:
        raise NotFound("There is no such payee.")
    return found


def _replaceable(
    session: ScopedSession, organization_id: UUID, payee_id: UUID, contract_id: UUID | None
) -> Contract | None:
    """The contract a new one takes the place of. Raises Invalid for another payee's, or one that is over."""
    if contract_id is None:
        return None
    found = session.scalar(
        select(Contract).where(
            Contract.id == contract_id, Contract.organization_id == organization_id, Contract.payee_id == payee_id
        )
    )
    if found is None or found.status not in OPEN | IN_FORCE:
        sentence = "That contract cannot be replaced."
        raise Invalid(sentence, fields={"replaces": sentence})
    return found


def template_sha256(session: ScopedSession, contract: Contract) -> str:
    """The hash of the template version it was made from; empty without one."""
    if contract.template_version_id is None:
        return ""
    return (
        session.scalar(
            select(ContractTemplateVersion.content_sha256).where(
                ContractTemplateVersion.id == contract.template_version_id
            )
        )
        or ""
    )

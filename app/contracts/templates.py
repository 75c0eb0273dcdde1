"""Templates of contracts: each change is a new version, and what was made from an old one keeps it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from app.audit import service as audit
from app.contracts import rules, wording
from app.contracts.models import ContractTemplate, ContractTemplateVersion
from app.contracts.rules import TemplateForm
from app.contracts.states import TemplateStatus
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id

SUBJECT = "contract_template"


def add(session: ScopedSession, actor: Actor, organization_id: UUID, form: TemplateForm) -> ContractTemplate:
    """A new template in its first version. Raises Forbidden, Invalid."""
    _allowed(session, actor, organization_id)
    form = rules.check_template(form)
    _refuse_taken(session, organization_id, form.name, None)
    made = ContractTemplate(id=new_id(), organization_id=organization_id, name=form.name, version=1)
    session.add(made)
    session.flush()
    _write(session, actor, made, form)
    _note(session, actor, made, "added")
    return made


def edit(
    session: ScopedSession, actor: Actor, organization_id: UUID, template_id: UUID, form: TemplateForm, *, version: int
) -> ContractTemplate:
    """Write the next version; the same content again changes nothing. `version` is the one the editor started from.

    Raises Forbidden, NotFound, Invalid, Conflict when somebody else wrote one meanwhile.
    """
    _allowed(session, actor, organization_id)
    found = _find(session, organization_id, template_id)
    if found.version != version:
        raise Conflict("Somebody else changed this template meanwhile. Open it again to see the newest version.")
    form = rules.check_template(form)
    _refuse_taken(session, organization_id, form.name, found.id)
    now = current(session, found.id, found.version)
    found.name = form.name
    if now.content_sha256 != wording.content_sha256(form.title, form.body, form.fields):
        found.version += 1
        session.flush()
        _write(session, actor, found, form)
    _note(session, actor, found, "changed")
    return found


def set_status(
    session: ScopedSession, actor: Actor, organization_id: UUID, template_id: UUID, status: TemplateStatus
) -> ContractTemplate:
    """Put a template away, or take it up again. Raises Forbidden, NotFound."""
    _allowed(session, actor, organization_id)
    found = _find(session, organization_id, template_id)
    found.status = status
    _note(session, actor, found, status.value)
    return found


def current(session: ScopedSession, template_id: UUID, version: int) -> ContractTemplateVersion:
    """Raises NotFound."""
    found = session.scalar(
        select(ContractTemplateVersion).where(
            ContractTemplateVersion.template_id == template_id, ContractTemplateVersion.version == version
        )
    )
    if found is None:
        raise NotFound("There is no such version of this template.")
    return found


def usable(session: ScopedSession, organization_id: UUID, template_id: UUID) -> ContractTemplateVersion:
    """The newest version of a template in use. Raises NotFound, Conflict for one that was put away."""
    found = session.scalar(
        select(ContractTemplate).where(
            ContractTemplate.id == template_id, ContractTemplate.organization_id == organization_id
        )
    )
    if found is None:
        raise NotFound("There is no such template.")
    if found.status is TemplateStatus.ARCHIVED:
        raise Conflict("This template was put away. Take it up again first.")
    return current(session, found.id, found.version)


def _allowed(session: ScopedSession, actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.CONTRACT_MANAGE)
    actor.require_organization(organization_id)
    locks.hold(session, "contract templates", organization_id)


def _find(session: ScopedSession, organization_id: UUID, template_id: UUID) -> ContractTemplate:
    found = session.scalar(
        select(ContractTemplate)
        .where(ContractTemplate.id == template_id, ContractTemplate.organization_id == organization_id)
        .with_for_update()
    )
    if found is None:
        raise NotFound("There is no such template.")
    return found


def _refuse_taken(session: ScopedSession, organization_id: UUID, name: str, besides: UUID | None) -> None:
    query = select(ContractTemplate.id).where(
        ContractTemplate.organization_id == organization_id, func.lower(ContractTemplate.name) == name.lower()
    )
    taken = session.scalar(query if besides is None else query.where(ContractTemplate.id != besides))
    if taken:
        sentence = f"There is a template “{name}” already."
        raise Invalid(sentence, fields={"name": sentence})


def _write(session: ScopedSession, actor: Actor, template: ContractTemplate, form: TemplateForm) -> None:
    session.add(
        ContractTemplateVersion(
            organization_id=template.organization_id,
            template_id=template.id,
            version=template.version,
            title=form.title,
            body=form.body,
            fields=list(form.fields),
            content_sha256=wording.content_sha256(form.title, form.body, form.fields),
            written_by=actor.label,
        )
    )
    session.flush()


def _note(session: ScopedSession, actor: Actor, template: ContractTemplate, what: str) -> None:
    audit.record(
        session, actor, f"contract_template.{what}", SUBJECT, template.id, organization_id=template.organization_id,
        name=template.name, version=template.version,
    )  # fmt: skip

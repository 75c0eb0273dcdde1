"""Contracts made through their services: an organization with a template, a creator, and people who act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.contracts import service, signing, templates
from app.contracts.models import Contract
from app.contracts.rules import Mark, TemplateForm, Witness
from app.contracts.service import DraftForm
from app.contracts.states import SignatureKind
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.payees.states import PayeeKind
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor

FORM = TemplateForm(
    name="Creator agreement",
    title="Agreement with {{payee}}",
    body="# Scope\n\n{{payee}} works for {{organization}} at **{{rate}}** percent.\n\n- Fee: {{fee}}\n- Note: {{note}}",
    fields=(
        {"name": "rate", "label": "Rate", "type": "percent", "required": True},
        {"name": "fee", "label": "Monthly fee", "type": "amount", "required": True},
        {"name": "note", "label": "Note", "type": "paragraph", "required": False},
    ),
)
VALUES = {"rate": "12.5", "fee": "1,250.00", "note": ""}
WITNESS = Witness("jo@example.test", "192.0.2.7", "Mozilla/5.0 (test)")
TYPED = Mark(SignatureKind.TYPED, "Jo Bell")
DRAWN = Mark(SignatureKind.DRAWN, "Jo Bell", (tuple((20 + 20 * n, 60 + 30 * (n % 2)) for n in range(12)),))


@dataclass(frozen=True)
class Desk:
    """Who is there: an organization with its admin, a payee with a login, a template."""

    organization_id: UUID
    payee_id: UUID
    admin: Actor
    payee: Actor
    template_id: UUID

    def draft(self, **more: Any) -> UUID:
        form = DraftForm(self.template_id, **{"values": VALUES, **more})
        with unit_of_work(Scope.organization(self.organization_id)) as session:
            return service.draft(session, self.admin, self.organization_id, self.payee_id, form, WITNESS).id

    def send(self, contract_id: UUID) -> None:
        with unit_of_work(Scope.organization(self.organization_id)) as session:
            service.send(session, self.admin, contract_id, WITNESS)

    def sent(self, **more: Any) -> UUID:
        contract_id = self.draft(**more)
        self.send(contract_id)
        return contract_id

    def consent(self, contract_id: UUID) -> None:
        with unit_of_work(Scope.payee(self.payee_id)) as session:
            signing.consent(session, self.payee, contract_id, WITNESS)

    def sign(self, contract_id: UUID, mark: Mark = TYPED, **more: Any) -> Contract:
        with unit_of_work(Scope.payee(self.payee_id)) as session:
            given = {"document_sha256": self.get(contract_id).document_sha256, "read_whole": True, **more}
            return signing.sign(session, self.payee, contract_id, mark, WITNESS, **given)

    def countersign(self, contract_id: UUID, actor: Actor | None = None) -> Contract:
        with unit_of_work(Scope.organization(self.organization_id)) as session:
            digest = self.get(contract_id).document_sha256 or ""
            return signing.countersign(
                session, actor or self.admin, contract_id, Mark(SignatureKind.TYPED, "Ada Min"), WITNESS,
                document_sha256=digest,
            )  # fmt: skip

    def signed(self, mark: Mark = TYPED, **more: Any) -> UUID:
        """By everybody; sealing is the job's."""
        contract_id = self.sent(**more)
        self.consent(contract_id)
        self.sign(contract_id, mark)
        self.countersign(contract_id)
        return contract_id

    def get(self, contract_id: UUID) -> Contract:
        with unit_of_work(people.PLATFORM) as session:
            return session.get_one(Contract, contract_id)


def desk(slug: str = "oxford", email: str = "jo@example.test") -> Desk:
    organization_id = organization(slug)
    payee_id = vendor(organization_id, "Jo Bell", kind=PayeeKind.CREATOR)
    admin = people.member(organization_id, Role.ADMIN, f"ada@{slug}.test")
    payee = people.payee(payee_id, email, Portal.CREATOR)
    with unit_of_work(Scope.organization(organization_id)) as session:
        template_id = templates.add(session, admin, organization_id, FORM).id
    return Desk(organization_id, payee_id, admin, payee, template_id)

"""Mails about contracts. Whoever has no address gets none."""

from __future__ import annotations

from typing import Any

from app.contracts.models import Contract
from app.contracts.rules import CODE_LASTS
from app.core.scope import Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.organizations import queries as organizations
from app.organizations.models import Organization
from app.payees import queries as payees
from app.payees.queries import Contact


def to_sign(session: ScopedSession, contract: Contract, *, reminder: bool = False) -> None:
    """Tell the payee that there is something to sign."""
    organization = session.get_one(Organization, contract.organization_id)
    begins = "Reminder: please sign" if reminder else f"{organization.name} asks you to sign"
    for contact in _people(session, contract):
        notify.queue(
            session, contact.email, "contract_to_sign", subject=f"{begins} {contract.title}",
            context={
                "name": contact.name,
                "organization": organization.name,
                "contract": f"{contract.title} ({contract.number})",
                "expires_on": contract.expires_at.date().isoformat() if contract.expires_at else "",
                "url": _payee_url(contact, contract),
                "reminder": "A reminder." if reminder else "",
                "locale": contact.locale,
            },
            organization_id=contract.organization_id,
        )  # fmt: skip


def code(session: ScopedSession, contract: Contract, to: str, name: str, value: str) -> None:
    """The code a signer types in; kept sealed until it is sent."""
    organization = session.get_one(Organization, contract.organization_id)
    notify.queue(
        session, to, "contract_code", subject=f"Your code to sign {contract.title}",
        context={
            "name": name,
            "organization": organization.name,
            "contract": f"{contract.title} ({contract.number})",
            "minutes": int(CODE_LASTS.total_seconds() // 60),
        },
        secrets={"code": value}, organization_id=contract.organization_id,
    )  # fmt: skip


def to_countersign(session: ScopedSession, contract: Contract) -> None:
    news_to_organization(session, contract, "was signed by the payee and waits for your signature", sign=True)


def news_to_payee(session: ScopedSession, contract: Contract, what: str, reason: str = "") -> None:
    """`what` goes on after the contract's title: "has expired"."""
    for contact in _people(session, contract):
        context = {"name": contact.name, "url": _payee_url(contact, contract), "locale": contact.locale}
        _news(session, contract, contact.email, context, what, reason)


def news_to_organization(
    session: ScopedSession, contract: Contract, what: str, reason: str = "", *, sign: bool = False
) -> None:
    """To those who may sign, or who run contracts."""
    organization = session.get_one(Organization, contract.organization_id)
    may = Permission.CONTRACT_SIGN if sign else Permission.CONTRACT_MANAGE
    url = f"{settings().base_url}/org/{organization.slug}/contracts/{contract.id}"
    for name, email in organizations.members_who(session, organization.id, may):
        _news(session, contract, email, {"name": name, "url": url}, what, reason)


def sealed(session: ScopedSession, contract: Contract) -> None:
    """A copy of the sealed file to everybody who signed, and to the payee."""
    organization = session.get_one(Organization, contract.organization_id)
    payee = payees.card(session, contract.payee_id)
    org_url = f"{settings().base_url}/org/{organization.slug}/contracts/{contract.id}"
    readers: list[tuple[str, dict[str, Any]]] = [
        (c.email, {"name": c.name, "url": _payee_url(c, contract), "locale": c.locale})
        for c in _people(session, contract)
    ]
    readers += [
        (email, {"name": name, "url": org_url})
        for name, email in organizations.members_who(session, organization.id, Permission.CONTRACT_SIGN)
    ]
    for email, context in readers:
        notify.queue(
            session, email, "contract_sealed", subject=f"Signed by everybody: {contract.title}",
            context={
                "organization": organization.name,
                "payee": payee.name,
                "contract": f"{contract.title} ({contract.number})",
                "sha256": contract.sealed_sha256,
                "verify_url": f"{settings().base_url}/verify",
                **context,
            },
            attachment={"document": "contract", "contract_id": contract.id},
            dedupe_key=f"contract-sealed:{contract.id}:{email}",
            organization_id=contract.organization_id,
        )  # fmt: skip


def _news(session: ScopedSession, contract: Contract, to: str, context: dict[str, Any], what: str, reason: str) -> None:
    notify.queue(
        session, to, "contract_news", subject=f"{contract.title} {what}",
        context={"contract": f"{contract.title} ({contract.number})", "what": what, "reason": reason, **context},
        organization_id=contract.organization_id,
    )  # fmt: skip


def _people(session: ScopedSession, contract: Contract) -> list[Contact]:
    return payees.contacts(session, [contract.payee_id]).get(contract.payee_id, [])


def _payee_url(contact: Contact, contract: Contract) -> str:
    """Where the reader signs: its portal, or the front page while it has no account."""
    base = settings().base_url
    return f"{base}/{contact.portal}/contracts/{contract.id}" if contact.portal else base

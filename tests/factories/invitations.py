"""Links of invitations as their readers find them: in the mail, which is the only place that has the token."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.notify import service as notify
from app.notify.models import Mail
from app.organizations import inviting
from app.organizations.inviting import Asked, Person
from app.organizations.states import Role
from tests.factories.people import PLATFORM

ASKER = Actor("Olga Owner", "operator")


def invite(organization_id: UUID, *people: tuple[str, Role], actor: Actor = ASKER) -> Asked:
    with unit_of_work(PLATFORM) as session:
        asked: Sequence[Person] = [Person(email, email.split("@")[0].title(), role) for email, role in people]
        return inviting.invite(session, actor, organization_id, asked)


def tokens(email: str) -> list[str]:
    """Of every invitation mailed to the address, the newest first."""
    with unit_of_work(PLATFORM) as session:
        mails = session.scalars(
            select(Mail).where(Mail.to_address == email, Mail.template == "member_invitation").order_by(Mail.id.desc())
        ).all()
        links = [str(notify.full_context(mail)["link"]) for mail in mails]
    return [link.rpartition("/")[2] for link in links]

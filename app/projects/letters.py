"""Mails about projects. Whoever has no address gets none."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.organizations import queries as organizations
from app.organizations.models import Organization
from app.payees import queries as payees
from app.projects.models import Project

TEMPLATE = "project_news"


def to_contractor(session: ScopedSession, project: Project, news: str, note: str = "") -> None:
    """`news` says what happened: "Fernhill Studio approved …" """
    organization = session.get_one(Organization, project.organization_id)
    for contact in payees.contacts(session, [project.payee_id]).get(project.payee_id, []):
        url = f"{settings().base_url}/contractor/projects/{project.id}" if contact.portal else settings().base_url
        _queue(session, contact.email, contact.name, organization.id, f"{organization.name} {news}", project, note, url)


def to_organization(session: ScopedSession, project: Project, news: str, note: str = "") -> None:
    """`news` says what happened: "Tomás Rivera submitted …" """
    organization = session.get_one(Organization, project.organization_id)
    url = f"{settings().base_url}/org/{organization.slug}/projects/{project.id}"
    for name, email in organizations.members_who(session, organization.id, Permission.PROJECT_MANAGE):
        _queue(session, email, name, organization.id, news, project, note, url)


def _queue(
    session: ScopedSession, email: str, name: str, organization_id: UUID, news: str, project: Project, note: str,
    url: str,
) -> None:  # fmt: skip
    notify.queue(
        session,
        email,
        TEMPLATE,
        subject=f"{news}: {project.title}",
        context={
            "name": name,
            "news": news,
            "project": project.title,
            "reference": project.reference,
            "reason": note,
            "url": url,
        },
        organization_id=organization_id,
    )

"""Part of the demo: who else works at Fernhill, who waits for approval, who is asked, and a list to confirm."""

from __future__ import annotations

import hashlib
from uuid import UUID

from app.core.scope import Actor
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations import gating, inviting, member_imports, service
from app.organizations.inviting import Person
from app.organizations.states import MemberStatus, Role

PEOPLE = (
    ("admin@fernhill.test", "Adaeze Obi", Role.ADMIN, MemberStatus.ACTIVE),
    ("manager@fernhill.test", "Luca Marin", Role.MANAGER, MemberStatus.ACTIVE),
    ("support@fernhill.test", "Sanna Virtanen", Role.SUPPORT, MemberStatus.ACTIVE),
    ("mentor@fernhill.test", "Rafael Prado", Role.CONSULTANT, MemberStatus.PENDING),
)
ASKED = (
    Person("ivy.tan@fernhill.test", "Ivy Tan", Role.MANAGER),
    Person("learner@fernhill.test", "Tove Lind", Role.LEARNER),
)
FILE = (
    b"email,name,role\nanna.berg@fernhill.test,Anna Berg,learner\njonas@fernhill,Jonas Weil,learner\n"
    b"rita.gomes@fernhill.test,Rita Gomes,\nmanager@fernhill.test,Luca Marin,manager\n"
    b"anna.berg@fernhill.test,Anna B.,learner\nsam.reed@fernhill.test,Sam Reed,intern\n"
)


def load(session: ScopedSession, owner: Actor, fernhill_id: UUID) -> None:
    """`owner`: who may ask, for Fernhill Studio."""
    for email, name, role, status in PEOPLE:
        if gating.why_not(role):
            continue
        service.add_member(
            session, owner, fernhill_id, name=name, email=email, role=role, status=status,
            account_id=identity.create_account(session, Portal.ORG, email, name, time_zone="America/New_York"),
        )  # fmt: skip
    inviting.invite(session, owner, fernhill_id, ASKED)
    lines = member_imports.read(owner, fernhill_id, FILE, Role.LEARNER)
    member_imports.keep(
        session, owner, fernhill_id, name="autumn-course.csv", sha256=hashlib.sha256(FILE).hexdigest(), lines=lines
    )

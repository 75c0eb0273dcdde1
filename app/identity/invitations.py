"""Logins and links for many payees at once, as `service.invite` makes them for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from app.core.clock import utc_now
from app.core.crypto import token as new_token
from app.core.crypto import token_sha256
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity import rules
from app.identity.models import Account, OneTimeToken
from app.identity.service import Link
from app.identity.states import AccountStatus, Portal, TokenPurpose


@dataclass(frozen=True, slots=True)
class Invitee:
    """`email` is lower-case."""

    payee_id: UUID
    email: str
    name: str


def invite_many(
    session: ScopedSession, portal: Portal, people: Sequence[Invitee], *, time_zone: str = "UTC"
) -> dict[UUID, Link]:
    """Payee → a link valid for seven days; accounts are made where there are none. Three statements for all of them.

    An address that signs in for another payee, or is suspended, gets none.
    """
    if not people:
        return {}
    now, life = utc_now(), rules.LINK_LIVES[TokenPurpose.INVITATION]
    with session.elevated("invite many"):
        session.execute(
            upsert(Account)
            .values(
                [
                    {
                        "id": new_id(), "portal": portal, "email": one.email, "name": one.name or one.email,
                        "payee_id": one.payee_id, "time_zone": time_zone, "locale": "en_US",
                        "status": AccountStatus.ACTIVE,
                    }
                    for one in people
                ]
            )
            .on_conflict_do_nothing(index_elements=["portal", "email"])
        )  # fmt: skip
        found = session.execute(
            select(Account.id, Account.email, Account.name, Account.payee_id).where(
                Account.portal == portal,
                Account.email.in_([one.email for one in people]),
                Account.status == AccountStatus.ACTIVE,
            )
        ).all()
        wanted = {(one.email, one.payee_id) for one in people}
        links: dict[UUID, Link] = {}
        rows = []
        for row in found:
            if (row.email, row.payee_id) not in wanted:
                continue
            link = Link(row.id, portal, TokenPurpose.INVITATION, row.email, row.name, now + life, new_token())
            links[row.payee_id] = link
            rows.append(
                {
                    "id": new_id(), "created_at": now, "account_id": row.id, "portal": portal,
                    "purpose": TokenPurpose.INVITATION, "token_sha256": token_sha256(link.token),
                    "expires_at": link.expires_at,
                }
            )  # fmt: skip
        if rows:
            session.execute(insert(OneTimeToken), rows)
    return links

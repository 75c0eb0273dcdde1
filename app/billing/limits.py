"""A notice when most of an organization's credit limit is used: once, and again only after it was below in between."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.billing import letters
from app.charges import promised
from app.core.clock import utc_now
from app.core.money import Money
from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.notify.rendering import amount_value
from app.organizations.models import Organization

NOTICE_PERCENT = 80

_ABOUT = "(CAST(:organization_id AS uuid) IS NULL OR p.organization_id = :organization_id)"
# Its funds, without what clients paid for its consultants: as `invoice_queries.Standing` has them.
_USED = f"""FROM (SELECT l.organization_id, l.currency, l.balance_minor - greatest(coalesce((
        SELECT c.minor FROM ({promised.of_organization("l.organization_id")}) c WHERE c.currency = l.currency
    ), 0), 0) AS balance_minor FROM ledger_balances l WHERE l.account = 'funds') b
    WHERE b.organization_id = p.organization_id AND b.currency = p.currency"""
_BELOW = text(
    f"""UPDATE funds_policies p SET near_limit_at = NULL WHERE p.near_limit_at IS NOT NULL AND {_ABOUT}
    AND NOT EXISTS (SELECT {_USED} AND p.credit_limit_minor > 0
        AND -b.balance_minor * 100 >= p.credit_limit_minor * {NOTICE_PERCENT})"""
)
_NEAR = text(
    f"""UPDATE funds_policies p SET near_limit_at = :now {_USED} AND p.near_limit_at IS NULL
    AND p.credit_limit_minor > 0 AND {_ABOUT} AND -b.balance_minor * 100 >= p.credit_limit_minor * {NOTICE_PERCENT}
    RETURNING p.id, p.organization_id, p.currency, p.credit_limit_minor, -b.balance_minor AS used_minor"""
)


def watch(session: ScopedSession, organization_id: UUID | None = None) -> int:
    """Tell those whose exposure has come near the limit, of one organization or of all; how many limits.

    Needs a platform scope.
    """
    now, of = utc_now(), {"organization_id": organization_id}
    session.flush()
    session.execute(_BELOW, of)
    rows = session.execute(_NEAR, {**of, "now": now}).all()
    for row in rows:
        organization = session.get_one(Organization, row.organization_id)
        limit, used = (Money(int(minor), row.currency) for minor in (row.credit_limit_minor, row.used_minor))
        for name, address in letters.readers(session, organization):
            notify.queue(
                session, address, "limit_near", subject=f"Most of {organization.name}’s credit limit is used",
                context={
                    "name": name, "organization": organization.name, "used": amount_value(used),
                    "limit": amount_value(limit), "left": amount_value(max(limit - used, Money(0, row.currency))),
                    "url": f"{settings().base_url}/org/{organization.slug}/billing",
                },
                dedupe_key=f"limit:{row.id}:{now.isoformat()}:{address}", organization_id=organization.id,
            )  # fmt: skip
    return len(rows)

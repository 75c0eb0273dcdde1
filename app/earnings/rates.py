"""The rates bookings are shared by: the platform's for its own consultants, an organization's own, and what was agreed
with one consultant. A change is a new version; what was booked keeps the rates of its day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.rates import WHOLE_BPS
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.earnings.rate_models import OrganizationRates
from app.earnings.splits import ADVISOR, CONSULTANT, PROVIDER, Rates, percent, with_override
from app.organizations.models import Organization
from app.payees.models import Engagement

_ENGAGED = text(
    """SELECT o.is_house, g.consultant_bps, c.practice FROM engagements g
    JOIN organizations o ON o.id = g.organization_id
    LEFT JOIN consultant_profiles c ON c.payee_id = g.payee_id
    WHERE g.organization_id = :organization_id AND g.payee_id = :payee_id"""
)


def rates_of(session: ScopedSession, organization_id: UUID, payee_id: UUID, at: datetime | None = None) -> Rates:
    """What a booking with this consultant, engaged by this organization, is shared by at a moment (default: now).

    An advisor's are the platform's wherever they belong; otherwise the house engages at the platform's rates, a
    provider organization at its own. An override of the engagement comes last. Raises NotFound without an engagement.
    """
    with session.elevated("rates are computed with, not shown"):
        found = session.execute(_ENGAGED, {"organization_id": organization_id, "payee_id": payee_id}).one_or_none()
        if found is None:
            raise NotFound("This consultant does not work for this organization.")
        if found.practice == "advisor":
            rates = ADVISOR
        elif found.is_house:
            rates = CONSULTANT
        else:
            rates = _in_force(session, organization_id, at or utc_now())
    return rates if found.consultant_bps is None else with_override(rates, found.consultant_bps)


def of_organization(session: ScopedSession, organization_id: UUID, at: datetime | None = None) -> Rates:
    """The organization's rates without any override. The caller may see the organization."""
    return _in_force(session, organization_id, at or utc_now())


def _in_force(session: ScopedSession, organization_id: UUID, at: datetime) -> Rates:
    found = session.scalar(
        select(OrganizationRates)
        .where(OrganizationRates.organization_id == organization_id, OrganizationRates.valid_from <= at)
        .order_by(OrganizationRates.version.desc())
        .limit(1)
    )
    if found is None:
        return PROVIDER
    return Rates(found.platform_bps, found.organization_bps, found.consultant_bps, "provider", found.version)


@dataclass(frozen=True, slots=True)
class Version:
    """One line of the history of an organization's rates."""

    rates: Rates
    valid_from: datetime
    set_by: str


def history(session: ScopedSession, organization_id: UUID) -> list[Version]:
    """Newest first, also what is not in force yet; empty while the default holds."""
    rows = session.scalars(
        select(OrganizationRates)
        .where(OrganizationRates.organization_id == organization_id)
        .order_by(OrganizationRates.version.desc())
        .limit(100)
    )
    return [
        Version(
            Rates(row.platform_bps, row.organization_bps, row.consultant_bps, "provider", row.version),
            row.valid_from,
            row.set_by,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Own:
    """A consultant of an organization and the share agreed with them in person; None: the organization's rates.

    `elsewhere`: clients book them through another organization, which has their profile, so nothing is shared here.
    """

    payee_id: UUID
    name: str
    consultant_bps: int | None
    elsewhere: bool = False


_OWN = text(
    """SELECT p.id, p.name, g.consultant_bps, coalesce(c.organization_id <> g.organization_id, false) AS elsewhere
    FROM engagements g JOIN payees p ON p.id = g.payee_id LEFT JOIN consultant_profiles c ON c.payee_id = g.payee_id
    WHERE g.organization_id = :organization_id AND p.kind = 'consultant' ORDER BY p.name, p.id LIMIT :limit"""
)
_ELSEWHERE = text(
    "SELECT EXISTS (SELECT FROM consultant_profiles WHERE payee_id = :payee_id AND organization_id <> :organization_id)"
)


def consultants(session: ScopedSession, organization_id: UUID, limit: int = 500) -> list[Own]:
    """Everybody the organization engages as a consultant, by name."""
    return [Own(*row) for row in session.execute(_OWN, {"organization_id": organization_id, "limit": limit})]


def set_version(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    *,
    platform_bps: int,
    organization_bps: int,
    consultant_bps: int,
    valid_from: datetime | None = None,
) -> OrganizationRates:
    """New rates of a provider organization, from now or a later moment on. Only the platform changes its own part.

    Raises Forbidden, NotFound, Invalid: rates that do not add up, a moment that has passed, the house (its rates are
    the platform's), or less than what was agreed with one of its consultants.
    """
    actor.require(Permission.CONSULTATION_MANAGE)
    actor.require_organization(organization_id)
    organization = session.get(Organization, organization_id)
    if organization is None:
        raise NotFound("There is no such organization.")
    if organization.is_house:
        raise Invalid("Bookings with the platform’s own consultants are shared by the platform’s rates.")
    now = utc_now()
    _check(platform_bps, organization_bps, consultant_bps, valid_from, now)
    locks.hold(session, "organization_rates", str(organization_id))
    moment = valid_from or now
    before = _in_force(session, organization_id, max(moment, now))
    if platform_bps != before.platform_bps and not actor.can(Permission.PLATFORM):
        raise Forbidden(f"The platform’s part is {percent(before.platform_bps)}; only the platform changes it.")
    _check_overrides(session, organization_id, platform_bps)
    made = OrganizationRates(
        id=new_id(),
        organization_id=organization_id,
        version=1 + (session.scalar(_LAST.where(OrganizationRates.organization_id == organization_id)) or 0),
        platform_bps=platform_bps,
        organization_bps=organization_bps,
        consultant_bps=consultant_bps,
        valid_from=moment,
        set_by=actor.label,
    )
    session.add(made)
    audit.record(
        session, actor, "rates.set", "organization", organization_id, organization_id=organization_id,
        version=made.version, platform_bps=platform_bps, organization_bps=organization_bps,
        consultant_bps=consultant_bps, valid_from=moment.isoformat(),
    )  # fmt: skip
    return made


_LAST = select(func.max(OrganizationRates.version))


def _check(platform: int, organization: int, consultant: int, valid_from: datetime | None, now: datetime) -> None:
    fields = {}
    named = (("platform_bps", platform), ("organization_bps", organization), ("consultant_bps", consultant))
    for name, value in named:
        if not 0 <= value <= WHOLE_BPS:
            fields[name] = "A rate lies between 0 % and 100 %."
    if not fields and platform + organization + consultant != WHOLE_BPS:
        fields["consultant_bps"] = f"The three add up to {percent(platform + organization + consultant)}, not to 100 %."
    if valid_from is not None and valid_from < now:
        fields["valid_from"] = "What was booked keeps its rates: choose a moment to come."
    if fields:
        raise Invalid("These rates cannot be set.", fields=fields)


def _check_overrides(session: ScopedSession, organization_id: UUID, platform_bps: int) -> None:
    highest = session.scalar(
        select(func.max(Engagement.consultant_bps)).where(Engagement.organization_id == organization_id)
    )
    if highest is not None and highest > WHOLE_BPS - platform_bps:
        sentence = f"A consultant was promised {percent(highest)}: the platform’s part cannot be that high."
        raise Invalid(sentence, fields={"platform_bps": sentence})


def set_override(
    session: ScopedSession, actor: Actor, organization_id: UUID, payee_id: UUID, consultant_bps: int | None
) -> None:
    """Agree on a share with one consultant; None: the organization's rates again. Bookings that are made keep theirs.

    Raises Forbidden, NotFound, Invalid beyond what the platform leaves now or by rates already set for later, Conflict
    where another organization has the consultant's profile: what is booked is booked there.
    """
    actor.require(Permission.CONSULTATION_MANAGE)
    actor.require_organization(organization_id)
    locks.hold(session, "organization_rates", str(organization_id))
    engagement = session.scalar(
        select(Engagement)
        .where(Engagement.organization_id == organization_id, Engagement.payee_id == payee_id)
        .with_for_update()
    )
    if engagement is None:
        raise NotFound("This consultant does not work for this organization.")
    if consultant_bps is not None:
        if session.execute(_ELSEWHERE, {"payee_id": payee_id, "organization_id": organization_id}).scalar_one():
            raise Conflict("Clients book this consultant through another organization: its rates are what counts.")
        base = rates_of(session, organization_id, payee_id)
        with_override(base, consultant_bps)
        if base.rule == PROVIDER.rule:
            _check_to_come(session, organization_id, consultant_bps)
    before, engagement.consultant_bps = engagement.consultant_bps, consultant_bps
    session.flush()
    audit.record(
        session, actor, "rates.override", "payee", payee_id, organization_id=organization_id, before_bps=before,
        consultant_bps=consultant_bps,
    )  # fmt: skip


def _check_to_come(session: ScopedSession, organization_id: UUID, consultant_bps: int) -> None:
    highest = session.scalar(
        select(func.max(OrganizationRates.platform_bps)).where(
            OrganizationRates.organization_id == organization_id, OrganizationRates.valid_from > utc_now()
        )
    )
    if highest is not None and consultant_bps > WHOLE_BPS - highest:
        sentence = f"From a later day on the platform keeps {percent(highest)}."
        raise Invalid(sentence, fields={"consultant_bps": sentence})

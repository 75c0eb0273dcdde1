"""The provider tier can be off in a deployment (`ENABLE_PROVIDER_ORGS`): its two roles are not given then.

Whoever has such a role keeps it, can be given another one and can be removed.
"""

from __future__ import annotations

from app.core.errors import SwitchedOff
from app.core.settings import settings
from app.organizations.states import Role

GATED = frozenset({Role.CONSULTANT, Role.SUPPORT})


def provider_tier() -> bool:
    """Whether organizations may offer consultants of their own."""
    return settings().provider_orgs


def why_not(role: Role) -> str | None:
    """A sentence when the role is not given here, else None."""
    if role in GATED and not provider_tier():
        return f"The role {role.label.lower()} belongs to provider organizations, which are switched off here."
    return None


def require_role(role: Role) -> None:
    """Raises SwitchedOff."""
    if said := why_not(role):
        raise SwitchedOff(said)


def require_tier() -> None:
    """Raises SwitchedOff."""
    if not provider_tier():
        raise SwitchedOff("Provider organizations are switched off here.")

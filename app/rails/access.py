"""How a rail reaches its provider: live, sandbox, simulated or not at all, and what is missing for it by name.

Live credentials go to the live address only and only in live mode; in sandbox mode a rail without credentials is
served by the simulator, where there is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from app.core.crypto import derived_secret
from app.core.settings import settings
from app.rails.base import Rail, RailUnavailable


class Mode(StrEnum):
    LIVE = "live"
    SANDBOX = "sandbox"
    SIMULATED = "simulated"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Standing:
    """`missing`: settings without a value, or with one of the other mode. `url`: the provider's; "" where none."""

    mode: Mode
    url: str = ""
    missing: tuple[str, ...] = ()

    @property
    def outside(self) -> bool:
        """Whether it is reached over the network, by the environment's proxy perhaps; not a peer on this machine."""
        return urlsplit(self.url).hostname not in ("127.0.0.1", "localhost", "::1")

    @property
    def why(self) -> str:
        """A sentence for admins; "" for a rail that works."""
        if self.mode is not Mode.OFF:
            return ""
        return f"Missing settings: {', '.join(self.missing)}." if self.missing else "It moves no real money."


def standing(rail: Rail) -> Standing:
    """How the rail stands in this deployment."""
    sandbox = settings().sandbox
    if rail.sandbox_only and not sandbox:
        return Standing(Mode.OFF)
    given = Mode.SANDBOX if sandbox else Mode.LIVE
    missing = tuple(need.name for need in rail.needs if not _fits(need.name, need.sandbox if sandbox else need.live))
    if not missing:
        return Standing(given, _host(rail, given) if rail.needs else "")
    if sandbox and settings().simulator_url:
        return Standing(Mode.SIMULATED, f"{settings().simulator_url}/{_provider(rail)}", missing)
    return Standing(Mode.OFF, missing=missing)


def _host(rail: Rail, mode: Mode) -> str:
    """In sandbox a setting may name another address, e.g. of a peer in tests; live money goes to the provider only."""
    other = settings().providers.get(f"{_provider(rail).upper()}_URL", "") if mode is Mode.SANDBOX else ""
    return (other or rail.hosts[mode.value]).rstrip("/")


def _provider(rail: Rail) -> str:
    return rail.provider or rail.name


def _fits(name: str, pattern: str) -> bool:
    return re.fullmatch(pattern, settings().providers.get(name, "")) is not None


def reach(rail: Rail) -> Standing:
    """Where to call. Raises RailUnavailable when it cannot be: nothing was sent."""
    found = standing(rail)
    if found.mode is Mode.OFF:
        raise RailUnavailable(f"{rail.label} is not set up. {found.why}", "not_configured")
    return found


def credential(rail: Rail, name: str) -> str:
    """The value of a setting the rail needs; what the simulator knows as well when it stands for the provider."""
    if standing(rail).mode is Mode.SIMULATED:
        return simulated_credential(_provider(rail), name)
    return settings().providers.get(name, "")


def simulated_credential(rail_name: str, name: str) -> str:
    """The same for us and for the simulator, which reads the same settings."""
    return derived_secret(f"simulator:{rail_name}:{name}")

"""The whole application with the demo's rows in it, and what stands in its addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, Rule

from app import demo
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from tests.portals import conftest as portals

Superuser = psycopg.Connection[tuple[Any, ...]]

# Addresses for everybody: by endpoint, or by blueprint.
OPEN_BLUEPRINTS = frozenset(
    {
        "public",
        "assets",
        "appearance",
        "webhooks",
        "webhooks_v1",
        "webhooks_plain",
        "public_v1",
        "consultations_v1",
        "programs",
    }
    | {"invitation_api"}
    | {"dev", "components"}
)
OPEN_AUTH = frozenset(
    {
        "sign_in",
        "check_inbox",
        "use_link",
        "password_sign_in",
        "forgot_password",
        "reset_password",
        "sign_out",
        "second_step",
        "confirm_address",
        "passkey_challenge",
        "passkey_sign_in",
        "sign_up",
        "sign_up_sent",
        "confirm_application",
        "invitation",
    }
)
OPEN_API = frozenset({"magic_link", "login", "logout", "forgot_password", "reset_password"})


@dataclass(frozen=True, eq=False)
class Route:
    """One address and method behind a portal's guard."""

    rule: Rule
    method: str
    portal: Portal

    @property
    def of_organization(self) -> bool:
        return "slug" in self.rule.arguments

    def url(self, slug: str = "oxford", ids: Callable[[str], UUID] | None = None) -> str:
        """The address with something in each gap; `ids` gives what stands in a UUID's."""
        values: dict[str, Any] = {}
        for name in self.rule.arguments - set(self.rule.defaults or {}):
            converter = self.rule._converters[name]
            if name == "slug":
                values[name] = slug
            elif isinstance(converter, AnyConverter):
                values[name] = sorted(converter.items)[0]
            elif type(converter).__name__ == "UUIDConverter":
                values[name] = ids(name) if ids else uuid4()
            elif type(converter).__name__ == "IntegerConverter":
                values[name] = 1
            else:
                values[name] = "x"
        built = self.rule.build(values, append_unknown=False)
        assert built is not None, self.rule
        return built[1]

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def guarded_routes(application: Flask) -> Iterator[Route]:
    """Every address that belongs to a portal. Raises for one that belongs nowhere."""
    for rule in application.url_map.iter_rules():
        blueprint, _, name = rule.endpoint.rpartition(".")
        if blueprint in OPEN_BLUEPRINTS:
            continue
        portal, _, auth = blueprint.partition("_")
        assert portal in set(Portal), f"{rule} belongs to no portal: guard it, or say here that it is for everybody"
        if (auth == "auth" and name in OPEN_AUTH) or (auth == "api" and name in OPEN_API):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(rule, method, Portal(portal))


_application, app, client = portals._application, portals.app, portals.client


@pytest.fixture
def routes(app: Flask) -> list[Route]:
    return list(guarded_routes(app))


@pytest.fixture
def world(app: Flask) -> None:
    """The demo: two organizations, people in every portal, bills and payouts in many states."""
    with unit_of_work(Scope.platform("tests")) as session:
        assert demo.load(session)

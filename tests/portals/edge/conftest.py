from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.identity.states import Portal
from portals.factory import create_app
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.portals.conftest import Browser, limits_anew, remember_limits
from tests.portals.edge import toy
from tests.stores import environment


@pytest.fixture(scope="session")
def _with_toys(_worker: Any) -> Flask:
    with environment(DATABASE_URL=_worker.database_url, REDIS_URL=_worker.redis_url):
        made = create_app()
    made.register_blueprint(toy.vendor)
    made.register_blueprint(toy.org)
    made.test_client_class = Browser
    made.config["PROPAGATE_EXCEPTIONS"] = False
    remember_limits(made)
    return made


@pytest.fixture
def app(_with_toys: Flask, redis_url: str) -> Flask:
    return limits_anew(_with_toys)


@pytest.fixture
def oxford(database_url: str) -> UUID:
    return organization("oxford")


@pytest.fixture
def maya(app: Flask, oxford: UUID) -> Browser:
    """Signed in for a vendor."""
    people.account(Portal.VENDOR, "maya@example.test", vendor(oxford))
    made = app.test_client()
    assert isinstance(made, Browser)
    return made.sign_in(Portal.VENDOR, "maya@example.test")

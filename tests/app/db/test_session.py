"""The scope of a session, before, during and after it acts as the platform."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.scope import Scope
from app.db.session import ScopedSession, unit_of_work
from app.db.types import new_id

pytestmark = pytest.mark.usefixtures("database_url")


def state(session: ScopedSession) -> tuple[str, str]:
    row = session.execute(text("SELECT current_user, current_setting('app.organization')")).one()
    return str(row[0]), str(row[1])


def test_elevation_ends_with_its_block_also_after_a_refusal() -> None:
    organization_id = new_id()
    with unit_of_work(Scope.organization(organization_id)) as session:
        assert state(session) == ("quittance_app", str(organization_id))
        with pytest.raises(ValueError, match="refused"), session.elevated("test"):  # noqa: PT012
            assert state(session) == ("quittance_platform", "")
            raise ValueError("refused")
        assert state(session) == ("quittance_app", str(organization_id))


def test_an_error_of_the_database_is_not_hidden_and_elevation_is_over() -> None:
    organization_id = new_id()
    with ScopedSession(Scope.organization(organization_id)) as session:
        with pytest.raises(DBAPIError, match="division by zero"), session.elevated("test"):
            session.execute(text("SELECT 1 / 0"))
        session.rollback()
        assert state(session) == ("quittance_app", str(organization_id))

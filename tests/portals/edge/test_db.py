"""One request, one unit of work: what is kept, what is undone, and that nothing stays open."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from app.core.guards import no_transaction
from app.db.session import engine
from tests.portals.conftest import Browser

Superuser = psycopg.Connection[tuple[Any, ...]]


def written(superuser: Superuser, action: str = "toy.written") -> int:
    found = superuser.execute("SELECT count(*) FROM audit_records WHERE action = %s", [action]).fetchone()
    assert found
    return int(found[0])


@pytest.mark.parametrize(
    ("status", "keep", "kept"),
    [(200, "", 1), (303, "", 1), (400, "", 0), (409, "", 0), (500, "", 0), (400, "1", 1), (409, "1", 1), (500, "1", 0)],
)
def test_the_answer_decides(maya: Browser, superuser: Superuser, status: int, keep: str, kept: int) -> None:
    answer = maya.post("/vendor/toy/write", {"status": str(status), "keep": keep})
    assert answer.status_code == status
    assert written(superuser) == kept


def test_a_commit_that_fails_is_a_fault_and_praises_nothing(maya: Browser, superuser: Superuser) -> None:
    answer = maya.post("/vendor/toy/broken-commit")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "Location" not in answer.headers
    assert written(superuser) == 0
    assert "Paid." not in maya.get("/vendor/settings/security").text


def test_no_network_while_the_database_is_open(maya: Browser) -> None:
    assert maya.get("/vendor/toy/network").status_code == 500
    no_transaction("the mark of the request is gone")


def test_the_guard_itself_opens_the_database(maya: Browser) -> None:
    """A signed-in view always has one: calling out belongs into a job or a pause."""
    assert maya.get("/vendor/toy/no-database").status_code == 500


def test_a_stream_reads_on_after_the_commit_under_its_scope(maya: Browser, superuser: Superuser) -> None:
    answer = maya.get("/vendor/toy/stream")
    lines = answer.text.splitlines()
    assert len(lines) == 3
    scopes = {line.split()[1] for line in lines}
    payee = superuser.execute("SELECT payee_id::text FROM accounts").fetchone()
    assert payee
    assert scopes == {payee[0]}
    assert written(superuser, "toy.streamed") == 1


def test_connections_are_given_back(maya: Browser, superuser: Superuser) -> None:
    for status in (200, 400, 409, 500):
        maya.post("/vendor/toy/write", {"status": str(status)})
    maya.get("/vendor/toy/stream").close()
    pool: Any = engine().pool
    assert pool.checkedout() == 0

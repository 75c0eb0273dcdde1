"""`flask payees import`: what it prints, how it ends, and what it leaves behind when it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import Result
from flask import Flask

from tests.factories import organizations

GOOD = "email,name,commission\na@b.test,Amara,10\nt@m.test,Theo,\n"


@pytest.fixture
def oxford(app: Flask) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def run(app: Flask, oxford: UUID, tmp_path: Path) -> Any:
    def invoke(text: str | bytes, *args: str) -> Result:
        path = tmp_path / "people.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        given = ["payees", "import", str(path), "--organization", "oxford", *args]
        return app.test_cli_runner().invoke(args=given)

    return invoke


def count(superuser: Any, table: str) -> int:
    return int(superuser.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_added_invited_and_known(run: Any, superuser: Any) -> None:
    dry = run(GOOD, "--kind", "creator", "--dry-run", "--json")
    assert dry.exit_code == 0 and count(superuser, "payees") == 0
    assert json.loads(dry.stdout) == {"read": 2, "added": 2, "invited": 0, "known": 0, "bad": 0, "errors": []}
    done = run(GOOD, "--kind", "creator", "--invite")
    assert done.exit_code == 0 and "2 read, 0 added, 2 invited, 0 known already, 0 bad." in done.stdout
    again = run(GOOD, "--kind", "creator", "--invite", "--json")
    assert json.loads(again.stdout)["known"] == 2
    assert count(superuser, "payees") == 2 and count(superuser, "mails") == 2
    bps = superuser.execute("SELECT commission_bps FROM engagements ORDER BY commission_bps").fetchall()
    assert bps == [(0,), (1000,)]


def test_bad_rows_stop_everything_unless_skipped(run: Any, superuser: Any, tmp_path: Path) -> None:
    bad = GOOD + "nobody,X,\n"
    stopped = run(bad, "--kind", "creator", "--json")
    assert stopped.exit_code == 2 and count(superuser, "payees") == 0
    assert json.loads(stopped.stdout)["errors"] == [
        {"line": 4, "column": "email", "reason": "“nobody” is not an e-mail address"}
    ]
    assert "Nothing was written" in run(bad, "--kind", "creator").stdout
    back = tmp_path / "back.csv"
    skipped = run(bad, "--kind", "creator", "--skip-bad", "--skipped-to", str(back))
    assert skipped.exit_code == 0 and count(superuser, "payees") == 2
    assert back.read_text("utf-8-sig").splitlines()[1].startswith("nobody,X,,email: “nobody”")


def test_files_and_kinds_that_cannot_be(run: Any, superuser: Any) -> None:
    for text, said in ((b"\x89PNG", "picture"), ("color,size\nred,4\n", "No column with e-mail"), ("", "empty")):
        found = run(text, "--kind", "vendor", "--invite")
        assert found.exit_code == 2 and said in found.output
        program = run(text, "--kind", "vendor", "--invite", "--json")
        assert program.exit_code == 2 and json.loads(program.stdout)["errors"][0]["line"] == 0
    assert run(GOOD, "--kind", "organization").exit_code == 2
    assert run(GOOD, "--kind", "vendor", "--map", "colour=x").exit_code == 2
    assert count(superuser, "payee_imports") == 0


def test_columns_are_named(run: Any, superuser: Any) -> None:
    done = run("Login,Who\na@b.test,Amara\n", "--kind", "vendor", "--map", "email=Login", "--map", "name=Who")
    assert done.exit_code == 0, done.output
    assert superuser.execute("SELECT kind, name, email FROM payees").fetchall() == [("vendor", "Amara", "a@b.test")]

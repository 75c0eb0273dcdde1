"""`flask accounts add-admin` makes the first admin of an installation."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("database_url")


def test_an_admin_is_added_once_and_mailed_each_time(app: Any, superuser: Any) -> None:
    run = app.test_cli_runner().invoke
    for _ in range(2):
        told = run(args=["accounts", "add-admin", "ada@quittance.test", "--name", "Ada"])
        assert told.exit_code == 0 and "ada@quittance.test is an admin" in told.output
        assert "/signin/" not in told.output  # the link is for the one who reads the mail
    assert superuser.execute("SELECT portal, email, name FROM accounts").fetchall() == [
        ("admin", "ada@quittance.test", "Ada")
    ]
    assert superuser.execute("SELECT to_address, template FROM mails").fetchall() == [
        ("ada@quittance.test", "invitation"),
        ("ada@quittance.test", "invitation"),
    ]


def test_a_wrong_address_makes_nothing(app: Any, superuser: Any) -> None:
    told = app.test_cli_runner().invoke(args=["accounts", "add-admin", "ada at quittance"])
    assert told.exit_code == 1 and "Error" in told.output
    assert superuser.execute("SELECT count(*) FROM accounts").fetchone() == (0,)

"""A character that no text column takes is no error of ours: not in an address, not in a field."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from app.identity.states import Portal
from app.organizations.states import Role
from portals.web.received import Received
from tests.factories import people
from tests.portals.conftest import Browser


@pytest.fixture
def owner(app: Flask, oxford: UUID) -> Browser:
    people.member(oxford, Role.OWNER, "owner@example.test")
    made = app.test_client()
    assert isinstance(made, Browser)
    return made.sign_in(Portal.ORG, "owner@example.test")


@pytest.mark.parametrize("path", ["payees?q=lum%00en", "bills?q=%00", "messages?q=%00x", "payees?tag=%00&sort=%00"])
def test_filters(owner: Browser, path: str) -> None:
    assert owner.get(f"/org/oxford/{path}").status_code == 200


def test_a_path(owner: Browser) -> None:
    assert owner.get("/org/oxf%00ord/payees").status_code == 404


def test_fields(owner: Browser) -> None:
    form = {"name": "Lumen\x00 Print", "kind": "vendor", "currency": "GBP", "terms_days": "15"}
    made = owner.post("/org/oxford/payees/new", form)
    assert made.status_code == 303 and "Lumen Print" in owner.get(made.location).text


def test_several_values_stay_several_and_files_are_left_alone() -> None:
    content = object()
    got = Received([("id", "1\x00"), ("id", "2"), ("file", content)])
    assert got.getlist("id") == ["1", "2"] and got["file"] is content and not Received()

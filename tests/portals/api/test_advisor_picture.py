"""Applying with a picture by program, as the page takes it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from app.files.storage import StorageUnavailable, storage
from tests.factories import consultations
from tests.portals.conftest import Browser

HERE = "/api/v1/advisors/apply"
FIELDS = {
    "name": "Inês Duarte", "email": "ines@duarte.test", "headline": "Pricing", "practice": "advisor",
    "specialties": ["Pricing", "Tax law"], "languages": ["English", "Portuguese"], "bio": "I price things.",
    "portfolio_urls": ["https://duarte.example.com"],
}  # fmt: skip


def drawn(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(out, kind)
    return out.getvalue()


def send(client: Browser, picture: bytes | None = None, name: str = "me.png", **changes: Any) -> Any:
    data = {**FIELDS, **changes} | ({} if picture is None else {"picture": (io.BytesIO(picture), name)})
    return client.open(HERE, method="POST", data=data, content_type="multipart/form-data")


def kept(superuser: Any) -> list[Any]:
    query = """SELECT d.specialties, d.languages, f.content_type FROM consultant_application_details d
        LEFT JOIN stored_files f ON f.id = d.avatar_file_id"""
    return list(superuser.execute(query).fetchall())


@pytest.fixture(autouse=True)
def _house(app: Any) -> None:
    consultations.house()


def test_with_a_picture(client: Browser, superuser: Any) -> None:
    assert send(client, drawn()).status_code == 202
    ((specialties, languages, kind),) = kept(superuser)
    assert (specialties, languages, kind) == (["Pricing", "Tax law"], ["en", "pt"], "image/jpeg")


def test_without_one_and_with_an_empty_field(client: Browser, superuser: Any) -> None:
    assert send(client).status_code == 202
    assert send(client, b"", "", email="other@duarte.test").status_code == 202
    assert [row[2] for row in kept(superuser)] == [None, None]


@pytest.mark.parametrize("picture", [b"", b"%PDF-1.7", drawn()[:60], b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_refused_and_nothing_is_written(
    picture: bytes, client: Browser, superuser: Any
) -> None:  # fmt: skip
    answer = send(client, picture)
    assert answer.status_code == 422 and set(answer.json["errors"]) == {"picture"}
    assert kept(superuser) == []


def test_wrong_fields_are_named_as_ever(client: Browser, superuser: Any) -> None:
    assert set(send(client, drawn(), languages=["Elvish"]).json["errors"]) == {"languages"}
    assert set(send(client, drawn(), bio="").json["errors"]) == {"bio"}
    assert kept(superuser) == []


def test_while_the_store_is_away(client: Browser, superuser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_given: Any) -> str:
        raise StorageUnavailable("away")

    monkeypatch.setattr(type(storage()), "put", away)
    assert send(client, drawn()).status_code == 503
    assert kept(superuser) == []

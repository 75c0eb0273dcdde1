"""Consultants apply with a practice, what they know, and a picture that is checked by its content."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from werkzeug.datastructures import MultiDict

from tests.portals.auth.test_signup import accepting, house, signup_link
from tests.portals.conftest import Browser

FORM = {
    "name": "Inês Duarte", "email": "ines@duarte.test", "work": "Pricing for small shops", "country": "PT",
    "links": "https://duarte.test/work", "practice": "advisor", "specialties": "Pricing, tax law", "skills": "SQL",
    "languages": "English, Portuguese", "bio": "Twelve years in retail.",
}  # fmt: skip


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 600), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **more)
    return out.getvalue()


def send(client: Browser, content: bytes | None = None, name: str = "me.png", **changed: Any) -> Any:
    sent: dict[str, Any] = {**FORM, **changed}
    if content is not None:
        sent["files"] = (io.BytesIO(content), name)
    return client.post("/consultant/signup", sent, content_type="multipart/form-data")


def test_it_is_written_down_with_the_picture(client: Browser, superuser: Any) -> None:
    house()
    page = client.get("/consultant/signup").text
    assert "Advisor" in page and "Doctor" in page and 'type="file"' in page
    assert send(client, picture()).location == "/consultant/signup/sent"
    row = superuser.execute(
        """SELECT d.practice, d.specialties, d.skills, d.languages, d.bio,
            f.content_type, f.purpose, f.subject_id = a.id
        FROM consultant_application_details d JOIN payee_applications a ON a.id = d.application_id
        JOIN stored_files f ON f.id = d.avatar_file_id"""
    ).fetchone()
    assert row == (
        "advisor", ["Pricing", "tax law"], ["SQL"], ["en", "pt"], "Twelve years in retail.",
        "image/jpeg", "avatar", True,
    )  # fmt: skip
    assert "is sent" in client.post(signup_link(client)).text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"practice": "wizard"}, "practice"), ({"specialties": " "}, "specialties"),
        ({"languages": "Elvish"}, "languages"),
        ({"bio": ""}, "bio"), ({"skills": ",".join(map(str, range(21)))}, "skills"), ({"country": "XX"}, "country"),
    ],
)  # fmt: skip
def test_wrong_fields_are_said_and_the_picture_is_kept(
    client: Browser, superuser: Any, wrong: dict[str, str], field: str
) -> None:
    house()
    answer = send(client, picture(), **wrong)
    assert answer.status_code == 422 and f'id="{field}-e"' in answer.text
    assert 'name="kept_file"' in answer.text and "Inês Duarte" in answer.text
    token = answer.text.split('name="kept_file" value="')[1].split('"')[0]
    sent = MultiDict([*FORM.items(), ("kept_file", token)])
    assert client.post("/consultant/signup", sent).status_code == 303
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (1,)


def test_a_kept_picture_is_the_browsers_own(client: Browser, app: Any, superuser: Any) -> None:
    house()
    token = send(client, picture(), bio="").text.split('name="kept_file" value="')[1].split('"')[0]
    assert app.test_client().post("/consultant/signup", {**FORM, "kept_file": token}).status_code == 303
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<svg onload=alert(1)>", "me.png"), (picture()[:200], "me.png"), (picture("GIF"), "me.gif"), (b"", "me.png"),
        (picture("JPEG"), "me.png"), (b"%PDF-1.7 hello", "me.pdf"), (b"\x89PNG\r\n\x1a\n" + b"\0" * 500, "me.png"),
    ],
)  # fmt: skip
def test_only_pictures(
    client: Browser, superuser: Any, monkeypatch: pytest.MonkeyPatch, content: bytes, name: str
) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)  # as it is once a PDF was drawn
    house()
    answer = send(client, content, name)
    assert answer.status_code == 422 and 'id="files-e"' in answer.text and "Twelve years in retail." in answer.text
    assert superuser.execute("SELECT count(*) FROM payee_applications").fetchone() == (0,)


def test_advisors_apply_to_the_platform_only(client: Browser, superuser: Any) -> None:
    accepting()
    sent = {**FORM, "organization": "oxford"}
    assert "at the platform’s prices" not in client.get("/consultant/signup?organization=oxford").text
    answer = client.post("/consultant/signup?organization=oxford", sent)
    assert answer.status_code == 422 and 'id="practice-e"' in answer.text
    assert client.post("/consultant/signup?organization=oxford", {**sent, "practice": "doctor"}).status_code == 303

"""Anybody asks whether a file is the contract that was sealed: by the file, by its hash, after one byte was changed."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import TestResponse

from app.contracts import queries
from app.db.session import unit_of_work
from app.files.storage import storage
from jobs import contracts
from tests.factories import people
from tests.factories.contracts import desk
from tests.portals.conftest import Browser


@pytest.fixture
def sealed(app: object) -> tuple[bytes, str]:
    contract_id = desk().signed()
    contracts.seal(str(contract_id))
    with unit_of_work(people.PLATFORM) as session:
        row = queries.detail(session, contract_id)
    return storage().get(row.storage_key), row.sealed_sha256


def ask(client: Browser, content: bytes) -> TestResponse:
    return client.post("/verify", {"file": (io.BytesIO(content), "x.pdf")}, content_type="multipart/form-data")


def test_the_sealed_file_is_known(client: Browser, sealed: tuple[bytes, str]) -> None:
    assert client.get("/verify").status_code == 200
    answer = ask(client, sealed[0]).text
    assert "This is the contract as it was sealed" in answer and "Jo Bell, Ada Min" in answer
    by_hash = client.get(f"/verify?sha256={sealed[1]}").text
    assert "This is the contract as it was sealed" in by_hash and "jo@example.test" not in by_hash


def test_a_changed_byte_is_seen_wherever_it_is(client: Browser, sealed: tuple[bytes, str]) -> None:
    content = sealed[0]
    inside_the_seal = content.index(b">", content.rindex(b"/Contents <")) - 40  # the padding, which no signature covers
    for place, words in ((len(content) // 3, "changed after it was sealed"), (inside_the_seal, "not the file")):
        changed = bytearray(content)
        changed[place] ^= 1
        answer = ask(client, bytes(changed)).text
        assert words in answer and "as it was sealed" not in answer, place


def test_what_is_not_ours(client: Browser, sealed: tuple[bytes, str]) -> None:
    assert "Not known here" in ask(client, b"%PDF-1.7 something else").text
    assert "Not known here" in client.get(f"/verify?sha256={'0' * 64}").text
    for given in ("", "xyz", "' OR 1=1 --"):
        answer = client.post("/verify", {"sha256": given})
        assert answer.status_code == 422 and "64 hexadecimal characters" in answer.text
    assert "Not known here" in client.get("/verify?sha256=<script>").text

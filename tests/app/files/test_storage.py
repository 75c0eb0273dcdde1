"""Against a folder and against a real S3 server (moto)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import guards
from app.core.errors import NotFound
from app.files.storage import CHUNK_BYTES, Damaged, Storage, StorageUnavailable, storage
from tests.fakes.s3 import s3_bucket
from tests.stores import environment

BIG = os.urandom(3 * CHUNK_BYTES + 17)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """URL of a bucket on a server of its own; the AWS_ variables point there."""
    with s3_bucket() as url:
        yield url


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Storage((tmp_path / "the files").as_uri())
    return Storage(request.getfixturevalue("bucket"))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", BIG], ids=["empty", "small", "big"])
def test_what_was_put_comes_back(store: Storage, content: bytes) -> None:
    key = store.put(content)
    assert store.get(key) == content
    pieces = list(store.stream(key))
    assert b"".join(pieces) == content
    assert all(len(piece) <= 4 * CHUNK_BYTES for piece in pieces)


def test_the_same_content_twice_is_two_files(store: Storage) -> None:
    first, second = store.put(b"same"), store.put(b"same")
    assert first != second and first[:67] == second[:67]
    store.delete(first)
    assert store.get(second) == b"same"


def test_what_is_gone_is_gone(store: Storage) -> None:
    key = store.put(b"x")
    store.delete(key)
    store.delete(key)
    with pytest.raises(NotFound):
        store.get(key)
    with pytest.raises(NotFound):
        store.stream(key)  # at once, not at the first piece: a page can still answer 404


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "/etc/passwd", "ab/cd", "ab/" + "0" * 64])
def test_only_our_keys_are_looked_for(store: Storage, key: str) -> None:
    with pytest.raises(NotFound):
        store.get(key)
    with pytest.raises(NotFound):
        store.delete(key)


def test_never_inside_a_unit_of_work(store: Storage) -> None:
    key = store.put(b"x")
    with guards.transaction():
        for ask in (lambda: store.put(b"y"), lambda: store.get(key), lambda: store.delete(key)):
            with pytest.raises(guards.NetworkInTransaction):
                ask()


def test_damage_is_noticed(tmp_path: Path) -> None:
    store = Storage(tmp_path.as_uri())
    key = store.put(b"the bill says 10")
    (tmp_path / key).write_bytes(b"the bill says 99")
    with pytest.raises(Damaged):
        store.get(key)


def test_others_on_the_machine_cannot_read_the_folder(tmp_path: Path) -> None:
    Storage((tmp_path / "files").as_uri()).put(b"x")
    assert (tmp_path / "files").stat().st_mode & 0o077 == 0


def test_a_store_that_is_down_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(StorageUnavailable) as refusal:
        Storage("s3://files").put(b"x")
    assert "a-secret" not in str(refusal.value)


def test_the_settings_say_where(tmp_path: Path) -> None:
    with environment(FILES_URL=(tmp_path / "here").as_uri()):
        storage.cache_clear()
        key = storage().put(b"x")
    storage.cache_clear()
    assert (tmp_path / "here" / key).read_bytes() == b"x"
    with pytest.raises(ValueError, match="FILES_URL"):
        Storage("ftp://files")

"""Where the bytes of files lie: a folder or an S3 bucket, by FILES_URL. Each content is written once, never changed.

The rows that say whose a file is are another matter (models.py). Calls go over the network: never inside a unit of
work. The store's threads do not survive a fork: fork first, then open.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from app.core.errors import NotFound
from app.core.guards import no_transaction
from app.core.settings import settings

CHUNK_BYTES = 256 * 1024
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}-[0-9a-f]{32}")


class StorageUnavailable(RuntimeError):
    """The store did not do it; try again later. The message names no file."""


class Damaged(RuntimeError):
    """What lies in the store is not what was put there."""


class Storage:
    """One folder or bucket. A key is `<2 hex>/<sha256>-<random>`: it proves the content and belongs to one file row."""

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    def put(self, content: bytes) -> str:
        """Keep `content`; returns its key. Raises StorageUnavailable."""
        digest = hashlib.sha256(content).hexdigest()
        key = f"{digest[:2]}/{digest}-{uuid.uuid4().hex}"
        with _asked():
            import obstore

            obstore.put(self._store, key, content, mode="create")
        return key

    def get(self, key: str) -> bytes:
        """The whole content, checked against its key. Raises NotFound, Damaged, StorageUnavailable."""
        return b"".join(self.stream(key))

    def stream(self, key: str) -> Iterator[bytes]:
        """The content in pieces. Raises NotFound before the first piece, Damaged after the last, StorageUnavailable."""
        _check(key)
        with _asked():
            import obstore

            pieces = iter(obstore.get(self._store, key).stream(min_chunk_size=CHUNK_BYTES))
        return _checked(key, pieces)

    def delete(self, key: str) -> None:
        """Remove the content; one that is gone already is fine. Raises StorageUnavailable."""
        _check(key)
        try:
            with _asked():
                import obstore

                obstore.delete(self._store, key)
        except NotFound:
            return


@cache
def storage() -> Storage:
    """The store of the settings, opened once per process."""
    return Storage(settings().files_url)


def _open(url: str) -> Any:
    from obstore.store import LocalStore, from_url  # slow to import

    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # nobody else on this machine reads bills
        return LocalStore(folder)
    if parts.scheme != "s3":
        raise ValueError("FILES_URL looks like file:///folder or s3://bucket/folder")
    # Address and credentials come from the AWS_ variables; plain HTTP only for an endpoint that says so itself.
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return from_url(
        url,
        client_options={"timeout": "30s", "connect_timeout": "5s", "allow_http": plain},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
    )


def _checked(key: str, pieces: Iterator[Any]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    with _typed():
        for piece in pieces:
            chunk = bytes(piece)
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != key[3:67]:
        raise Damaged("a stored file is not what it was")


def _check(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise NotFound("There is no such file.")


@contextmanager
def _asked() -> Iterator[None]:
    no_transaction("file storage")
    with _typed():
        yield


@contextmanager
def _typed() -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("The file is not there any more.") from error
    except (BaseError, OSError, ValueError) as error:
        raise StorageUnavailable(f"the file store did not answer ({type(error).__name__})") from error

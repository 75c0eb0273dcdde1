"""One owner for a data folder: a file lock that dies with its owner, and a note of what runs there."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

from app.db.embedded.children import CannotStart


class FolderInUse(CannotStart):
    """Another demo or command owns the folder now."""


def _take(file: IO[str], how: int, seconds: float) -> bool:
    """flock, asking again for `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)


class DataFolder:
    """DATA_DIR: `lock` (held by its owner), `run.json` (where the owner's services are), `guests` (who uses them)."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    def own(self, what: str) -> Self:
        """Become the owner until `release` or our end, however it comes. `what` names us, e.g. "make demo".

        Raises FolderInUse when somebody else is.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / "lock").open("a+")
        except OSError as error:
            raise CannotStart(f"{self.path} cannot be written: {error.strerror}.") from error
        if not _take(file, fcntl.LOCK_EX, 0.5):  # somebody who only looks holds it for an instant
            file.close()
            raise FolderInUse(self._in_use())
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "what": what}))
        file.flush()
        (self.path / "run.json").unlink(missing_ok=True)
        self._lock = file
        return self

    def release(self) -> None:
        if self._lock:
            (self.path / "run.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def owner(self) -> dict[str, Any] | None:
        """{"pid", "what"} of the living owner, None when there is none."""
        path = self.path / "lock"
        if not path.exists():
            return None
        with path.open() as file:
            if _take(file, fcntl.LOCK_SH, 0):
                return None
            try:
                owner: dict[str, Any] = json.loads(file.read())
            except ValueError:
                owner = {}
            return {"pid": 0, "what": "another command"} | owner

    def note(self, services: Mapping[str, Any]) -> None:
        """Write `run.json` for others to read; it holds addresses, no secrets of people."""
        temporary = self.path / f"run.json.{os.getpid()}"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"owner": os.getpid(), **services}, file, indent=2)
        temporary.replace(self.path / "run.json")

    def read_note(self) -> dict[str, Any] | None:
        """What the living owner has noted; None before it has."""
        owner = self.owner()
        if owner is None:
            return None
        try:
            note: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        except (OSError, ValueError):
            return None
        return note if note.get("owner") == owner["pid"] else None

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Tell the owner that somebody uses its services: a command that started them waits for us before it stops."""
        with (self.path / "guests").open("a+") as file:
            _take(file, fcntl.LOCK_SH, 5)
            yield

    def wait_for_guests(self, seconds: float) -> bool:
        """Whether all visitors have left within `seconds`. Nobody new can attach from now on."""
        (self.path / "run.json").unlink(missing_ok=True)
        with (self.path / "guests").open("a+") as file:
            return _take(file, fcntl.LOCK_EX, seconds)

    def _in_use(self) -> str:
        owner = self.owner() or {"what": "another command", "pid": 0}
        base_url = (self.read_note() or {}).get("base_url")
        where = f" at {base_url}" if base_url else ""
        return (
            f"{self.path} is in use by {owner['what']}{where} (pid {owner['pid']}). "
            "Stop it first, or choose another folder with DATA_DIR."
        )

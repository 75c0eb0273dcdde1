"""Children that die with us, and what is left of earlier ones."""

from __future__ import annotations

import ctypes
import hashlib
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypedDict

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


class CannotStart(RuntimeError):
    """A service did not come up; the message says what to do about it."""


class Account(TypedDict, total=False):
    """How subprocess switches to another account; empty: stay as we are."""

    user: int
    group: int
    extra_groups: list[int]


def follow_parent(parent: int, sig: int = signal.SIGTERM) -> None:
    """Ask the kernel to send us `sig` when our parent (its number is `parent`) ends; at once if it has ended already.

    Linux only; elsewhere it does nothing and the supervisor's watcher ends what is left.
    """
    if _LIBC is None:
        return
    _LIBC.prctl(PR_SET_PDEATHSIG, int(sig))
    if os.getppid() != parent:  # it died between fork and prctl
        os.kill(os.getpid(), signal.SIGKILL)


def die_with_parent(sig: int = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: the child gets `sig` when the thread that starts it ends."""
    return partial(follow_parent, os.getpid(), sig)


def unprivileged() -> Account:
    """PostgreSQL refuses to run as root: then an account every system has, else nothing."""
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise CannotStart("PostgreSQL does not run as root, and there is no account 'nobody' to switch to.") from error
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def reachable_by_all(path: Path) -> bool:
    """Whether another account could enter every folder above `path`."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


def socket_folder(name: str, folder: Path) -> Path:
    """A short path under the temporary folder (socket paths end at 104 bytes), the same for the same `folder`."""
    base = Path(tempfile.gettempdir())
    if len(str(base)) > 60:
        base = Path("/tmp")  # noqa: S108 - checked for its owner below
    digest = hashlib.sha256(f"{os.geteuid()}:{folder.resolve()}".encode()).hexdigest()[:16]
    return base / f"quittance-{name}-{digest}"


def private_folder(path: Path, account: Account) -> Path:
    """Make `path` 0700 for `account`. Raises CannotStart when somebody else owns it (it may lie in a shared /tmp)."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    found = path.lstat()
    allowed = {os.geteuid(), account.get("user", os.geteuid())}
    if path.is_symlink() or found.st_uid not in allowed:
        raise CannotStart(f"{path} belongs to somebody else. Remove it, or set TMPDIR to another folder.")
    path.chmod(0o700)
    if account and found.st_uid != account["user"]:
        os.chown(path, account["user"], account["group"])
    return path


def wait_until(ready: Callable[[], bool], child: subprocess.Popen[bytes], what: str, log: Path, seconds: float) -> None:
    """Poll `ready`. Raises CannotStart with the end of `log` when the child ends or the time is over."""
    end = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None:
            raise CannotStart(f"{what} ended with code {child.returncode}.\n{tail(log)}".rstrip())
        if time.monotonic() > end:
            raise CannotStart(f"{what} did not answer within {seconds:.0f} seconds.\n{tail(log)}".rstrip())
        time.sleep(0.02)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, or nothing."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def stop_child(child: subprocess.Popen[bytes], *signals: tuple[int, float]) -> None:
    """Send each (signal, seconds to wait) in turn until the child has ended; then kill its whole group."""
    for sig, seconds in signals:
        if child.poll() is not None:
            break
        child.send_signal(sig)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)  # every child leads its own session: this takes what it left behind
    child.wait()


def command_of(pid: int) -> str:
    """The command line of a living process, '' when there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def end_leftover(pid_file: Path, command: str, sig: int, seconds: float = 10) -> None:
    """Under the folder's lock a server named in `pid_file` is a leftover: end it. Another program with that number is
    none of ours: then only the file goes, which would stop the server from starting."""
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    for attempt in (sig, signal.SIGKILL):
        end = time.monotonic() + seconds
        while command in command_of(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, attempt)
            if time.monotonic() > end:
                break
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)

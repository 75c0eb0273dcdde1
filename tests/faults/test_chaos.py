"""The chaos run of CI: every simulated provider, lost and doubled messages, killed processes, restarted stores."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]


def test_two_hundred_payouts_through_the_storm(tmp_path: Path) -> None:
    """One debit for each payout, the ledger agrees, nothing is left open, the doctor is content."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi:app", "chaos", "--payouts", "200", "--seed", "11"]
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    found = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=1500)
    assert found.returncode == 0, found.stdout + found.stderr[-4000:]
    assert "Everything holds." in found.stdout
    assert "killing worker" in found.stderr and "killing postgres" in found.stderr and "killing valkey" in found.stderr

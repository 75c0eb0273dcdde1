"""`flask simulate-rails` as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[3]


def test_it_answers_and_its_faults_are_as_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi:app", "simulate-rails", "--port", "0"]
    command += ["--store", str(tmp_path / "books.sqlite3"), "--chance", "1", "--seed", "6"]
    child = subprocess.Popen(command, cwd=ROOT, env=os.environ.copy(), stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        url = next(line for line in child.stdout if "simulator ready" in line).split()[-1]
        assert httpx.get(f"{url}/health", trust_env=False).status_code == 200
        assert httpx.post(f"{url}/paypal/v1/oauth2/token", trust_env=False).status_code == 500  # the seed's first fault
    finally:
        child.terminate()
        child.wait(timeout=20)
    refused = subprocess.run(
        [*command, "--chance", "2"], cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True
    )
    assert refused.returncode != 0

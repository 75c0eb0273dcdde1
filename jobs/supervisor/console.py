"""What a person at the terminal sees: the way in, warnings, and nothing else."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress

_LOUD = ("WARNING", "ERROR", "CRITICAL", "FATAL")
_TEXT_LEVEL = re.compile(r"\b(WARNING|WARN|ERROR|CRITICAL|FATAL)\b")


def say(text: str = "") -> None:
    with suppress(OSError):  # nobody reads us any more: no reason to end
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def complain(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def worth_showing(line: str) -> str:
    """A warning or worse in one line, '' for everything else. Reads JSON lines and text lines."""
    if line.startswith("{"):
        try:
            fields = json.loads(line)
        except ValueError:
            return ""
        if fields.get("level") not in _LOUD:
            return ""
        return " ".join(str(fields[name]) for name in ("level", "logger", "message", "error") if fields.get(name))
    head = line[:60]
    return line if _TEXT_LEVEL.search(head) else ""

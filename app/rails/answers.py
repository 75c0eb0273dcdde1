"""What a bank says about a file we gave it, whatever kind of file it says it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.rails import ach_returns, pain002
from app.rails.ach_returns import Change
from app.rails.returns import ReturnError, ReturnLine, read_returns


@dataclass(frozen=True, slots=True)
class BankAnswer:
    """`changes`: better details of accounts that were paid all the same."""

    kind: str
    lines: list[ReturnLine]
    errors: list[ReturnError]
    changes: list[Change] = field(default_factory=list)


def read(content: bytes, message_id: str, ids: Sequence[str]) -> BankAnswer:
    """A NACHA return file, a pain.002 or a table, known by how it begins."""
    if ach_returns.looks_like(content):
        found = ach_returns.read(content)
        return BankAnswer("NACHA return file", found.lines, found.errors, found.changes)
    if pain002.looks_like(content):
        lines, errors = pain002.read(content, message_id, ids)
        return BankAnswer("pain.002", lines, errors)
    lines, errors = read_returns(content)
    return BankAnswer("table", lines, errors)

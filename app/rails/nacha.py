"""NACHA files: PPD and CCD credits to accounts in the United States. Source: the published ACH file layout.

94 characters a line, ASCII capitals, a number of lines that ten divides. Persons are paid in a PPD batch, companies in
a CCD batch of the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from app.rails.bank_file import ExportLine, FileFacts
from app.rails.latin import Written, write

WIDTH, BLOCK = 94, 10
MODIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"  # the files of one day
MOST_MINOR = 9_999_999_999  # ten digits of cents
MOST_TOTAL_MINOR = 999_999_999_999  # twelve
_MOST_IN_BATCH = 999_999
_FORBIDDEN = re.compile(r"[^A-Z0-9 .,/&'()\-]")
_CREDIT = {"checking": "22", "savings": "32"}


def why_not(lines: Sequence[ExportLine]) -> str:
    """Why these lines cannot be such a file; "" when they can."""
    if any(line.amount.currency != "USD" for line in lines):
        return "NACHA files are in US dollars."
    strangers = sum(not line.destination.get("routing_number") for line in lines)
    if strangers:
        return f"Accounts without a US routing number: {strangers} of {len(lines)}."
    if any(len(line.destination.get("account_number", "")) > 17 for line in lines):
        return "A US account number has 17 characters at most."
    if any(line.amount.minor > MOST_MINOR for line in lines):
        return "An entry is at most 99,999,999.99 dollars."
    if sum(line.amount.minor for line in lines) > MOST_TOTAL_MINOR:
        return "A file is at most 9,999,999,999.99 dollars."
    return ""


def name_of(line: ExportLine) -> Written:
    holder = line.destination.get("account_holder") or line.payee_name
    return write(holder, _FORBIDDEN, 22, upper=True, instead=f"PAYEE {line.id}")


def render(lines: Sequence[ExportLine], profile: Mapping[str, str], facts: FileFacts) -> bytes:
    """The same lines, profile and facts give the same bytes. Raises ValueError for what `why_not` names."""
    reason = why_not(lines)
    if reason:
        raise ValueError(reason)
    classes: dict[str, list[ExportLine]] = {"PPD": [], "CCD": []}
    for line in lines:
        classes[_class_of(line, profile)].append(line)
    made = list(_file(classes, profile, facts))
    made.extend("9" * WIDTH for _ in range(-len(made) % BLOCK))
    if any(len(line) != WIDTH for line in made):
        raise ValueError("a line is not 94 characters long")
    return "\n".join(made).encode("ascii")


def _class_of(line: ExportLine, profile: Mapping[str, str]) -> str:
    if line.company is None:
        return profile["unknown_class"]
    return "CCD" if line.company else "PPD"


def _file(classes: Mapping[str, Sequence[ExportLine]], profile: Mapping[str, str], facts: FileFacts) -> Iterator[str]:
    yield (
        f"101 {profile['destination']}{profile['origin']:>10}{facts.made_at:%y%m%d%H%M}{facts.modifier}094101"
        f"{_text(profile['destination_name'], 23)}{_text(profile['origin_name'], 23)}{_text(facts.number[-8:], 8)}"
    )
    odfi = profile["odfi"][:8]
    first, written, hashed, credit, batches = 1, 2, 0, 0, 0
    for batch_class, lines in classes.items():
        for start in range(0, len(lines), _MOST_IN_BATCH):
            part = lines[start : start + _MOST_IN_BATCH]
            batches += 1
            entry_hash = sum(int(line.destination["routing_number"][:8]) for line in part)
            total = sum(line.amount.minor for line in part)
            yield _batch_header(batch_class, profile, facts, batches)
            for place, line in enumerate(part, first):
                yield _entry(line, f"{odfi}{place:07d}")
            yield (
                f"8220{len(part):06d}{entry_hash % 10**10:010d}{0:012d}{total:012d}{profile['company_id']:<10}"
                f"{'':25}{odfi}{batches:07d}"
            )
            first, written = first + len(part), written + len(part) + 2
            hashed, credit = hashed + entry_hash, credit + total
    blocks = -(-written // BLOCK)
    yield f"9{batches:06d}{blocks:06d}{first - 1:08d}{hashed % 10**10:010d}{0:012d}{credit:012d}{'':39}"


def _batch_header(batch_class: str, profile: Mapping[str, str], facts: FileFacts, number: int) -> str:
    return (
        f"5220{_text(profile['company_name'], 16)}{'':20}{profile['company_id']:<10}{batch_class}"
        f"{_text(profile['description'], 10)}{'':6}{facts.execute_on:%y%m%d}{'':3}1{profile['odfi'][:8]}{number:07d}"
    )


def _entry(line: ExportLine, trace: str) -> str:
    to = line.destination
    code = _CREDIT[to.get("account_type", "checking")]
    return (
        f"6{code}{to['routing_number']}{to['account_number']:<17}{line.amount.minor:010d}{_text(line.id, 15)}"
        f"{name_of(line).text:<22}  0{trace}"
    )


def _text(text: str, width: int) -> str:
    return f"{write(text, _FORBIDDEN, width, upper=True).text:<{width}}"

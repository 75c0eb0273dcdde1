"""The words signed under, as on Form W-9 (Rev. March 2024), Part II."""

from __future__ import annotations

import hashlib

INTRO = "Under penalties of perjury, I certify that:"
ITEMS = (
    "The number shown on this form is my correct taxpayer identification number (or I am waiting for a number to be "
    "issued to me); and",
    "I am not subject to backup withholding because (a) I am exempt from backup withholding, or (b) I have not been "
    "notified by the Internal Revenue Service (IRS) that I am subject to backup withholding as a result of a failure "
    "to report all interest or dividends, or (c) the IRS has notified me that I am no longer subject to backup "
    "withholding; and",
    "I am a U.S. citizen or other U.S. person (defined below); and",
    "The FATCA code(s) entered on this form (if any) indicating that I am exempt from FATCA reporting is correct.",
)
DEFINITION = (
    "U.S. person: a U.S. citizen or resident alien; a partnership, corporation, company or association created or "
    "organized in the United States or under its laws; an estate (other than a foreign estate); a domestic trust."
)


def items(*, backup_withholding: bool) -> tuple[str, ...]:
    """What is certified: item 2 is struck by whoever is subject to backup withholding."""
    return tuple(text for number, text in enumerate(ITEMS, 1) if number != 2 or not backup_withholding)


def sha256(*, backup_withholding: bool) -> str:
    whole = "\n".join((INTRO, *items(backup_withholding=backup_withholding)))
    return hashlib.sha256(whole.encode()).hexdigest()

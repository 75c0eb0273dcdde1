"""The key that tells one supplier from another."""

from __future__ import annotations

import unicodedata


def supplier_key(reference: str, name: str) -> str:
    """What makes two lines the same supplier: the payer's own reference, or the name where there is none.

    Case and spacing do not matter. "" when both are empty.
    """
    if reference:
        return _plain(reference)
    return f"name:{_plain(name)}" if name else ""


def _plain(text: str) -> str:
    if text.isascii():
        return " ".join(text.casefold().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())

"""What of a client may reach a consultant: the first name, and words of theirs without what tells who they are."""

from __future__ import annotations

import re

NOBODY = "Client"  # of whom no name is known
HIDDEN = "…"
_ADDRESS = re.compile(r"[^\s@<>(),;]+@[^\s@<>(),;]+\.[^\s@<>(),;.]+")
_NUMBER = re.compile(r"\+?\d(?:[\s()./-]*\d){6,}")


def first_name(name: str) -> str:
    """The first word of a name; an account without one is named by its address, which nobody is told."""
    words = name.split()
    return words[0] if words and "@" not in name else NOBODY


def without_identity(text: str, name: str, email: str) -> str:
    """`text` without addresses, telephone numbers and the words of the writer's name beyond the first."""
    found = _NUMBER.sub(HIDDEN, _ADDRESS.sub(HIDDEN, text))
    own = {word for word in name.split()[1:] if "@" not in name and len(word) > 1}
    own |= {part for part in [email.partition("@")[0]] if len(part) > 3 and part.lower() != first_name(name).lower()}
    for word in sorted(own, key=len, reverse=True):
        found = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", HIDDEN, found, flags=re.IGNORECASE)
    return found

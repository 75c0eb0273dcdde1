"""Decisions about organizations and ranks: pure, no session."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from app.organizations.states import Role

_NOT_SLUG = re.compile(r"[^a-z0-9]+")
LONGEST_SLUG = 60
# Words the URLs of the organization portal use themselves.
RESERVED_SLUGS = frozenset(
    {
        "new", "sign-in", "sign-out", "sign-up", "static", "api", "admin", "signin", "signout", "signup", "settings",
        "step-up",
        "forgot-password", "reset-password", "invitations",
    }
)  # fmt: skip

# One line on each role, for people who give it and those who get it.
WHAT = {
    Role.OWNER: "Everything, and hands over ownership",
    Role.ADMIN: "Everything but owners",
    Role.MANAGER: "Imports and decides on bills, keeps payees",
    Role.CONSULTANT: "Gives consultations for the organization",
    Role.SUPPORT: "Reads bills, payees, payouts and funds",
    Role.LEARNER: "Books consultations on the organization’s account",
}
# Whose place is where consultations are booked. Those above them may book too; consultants and support do not.
BOOKS = frozenset({Role.LEARNER})


def slug_of(name: str) -> str:
    """ "Søren & Ko. Ltd" → "sren-ko-ltd"; "organization" where no plain letter is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:LONGEST_SLUG].strip("-") or "organization"


def free_slug(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or the first of wanted-2, wanted-3, … that is not taken."""
    if wanted not in taken and wanted not in RESERVED_SLUGS:
        return wanted
    number = 2
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


def may_act_on(actor_rank: int, target: Role) -> str | None:
    """Why somebody of this rank may not change a member with role `target`, or None."""
    if target.rank >= actor_rank:
        return f"Only somebody above {article(target)} can change this member."
    return None


def may_grant(actor_rank: int, role: Role) -> str | None:
    """Why somebody of this rank may not give `role`, or None. Owners may appoint further owners, to hand over."""
    if role.rank < actor_rank or (role is Role.OWNER and actor_rank >= role.rank):
        return None
    return f"You cannot make somebody {article(role)}: that is not below your own role."


def article(role: Role) -> str:
    label = role.label.lower()
    return f"an {label}" if label[0] in "aeiou" else f"a {label}"

"""Decisions about deliverables: pure, no session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from app.core.errors import Invalid
from app.core.money import MAX_MINOR, Money
from app.deliverables.states import (
    LANE_OF,
    OPEN,
    STATUS_OF,
    TO_DO,
    TRANSITIONS,
    Content,
    DeliverableStatus,
    Lane,
    Mover,
)

LONGEST_TITLE = 120
LONGEST_BRIEF = 5_000
LONGEST_COMMENT = 2_000
LONGEST_LINK = 2_000
MOST_LINKS = 20
MOST_CREATORS = 30

S = DeliverableStatus


@dataclass(frozen=True, slots=True)
class DeliverableForm:
    """What the organization writes. `fee` None: the creator earns by commission alone."""

    title: str
    content: Content
    brief: str = ""
    due_on: date | None = None
    fee: Money | None = None

    def cleaned(self) -> DeliverableForm:
        """Outer spaces gone."""
        return replace(self, title=" ".join(self.title.split()), brief=self.brief.strip())


def check_form(form: DeliverableForm) -> None:
    """Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    if not form.title:
        wrong["title"] = "Give the deliverable a title."
    elif len(form.title) > LONGEST_TITLE:
        wrong["title"] = f"At most {LONGEST_TITLE} letters."
    if len(form.brief) > LONGEST_BRIEF:
        wrong["brief"] = f"At most {LONGEST_BRIEF} letters."
    if form.fee is not None and form.fee.minor <= 0:
        wrong["fee"] = "The fee is more than zero. Leave it empty for none."
    elif form.fee is not None and form.fee.minor > MAX_MINOR:
        wrong["fee"] = "The fee is too large."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def check_change(status: DeliverableStatus, fee: Money | None, wanted: DeliverableForm) -> None:
    """Submitted work is not rewritten, and what was begun is not made worse for the creator. Raises Invalid."""
    if status is S.ASSIGNED or fee is None or wanted.fee == fee:
        return
    if wanted.fee is None or wanted.fee.currency != fee.currency or wanted.fee.minor < fee.minor:
        says = "The creator started at this fee: it can be raised, not lowered."
        raise Invalid(says, fields={"fee": says})


def editable(status: DeliverableStatus) -> bool:
    """Until it is submitted; what was given back can be written more clearly."""
    return status in TO_DO


def clean_link(link: str) -> str:
    """An address a person can open. Raises Invalid for anything but http and https."""
    text = link.strip()
    try:
        parts = urlsplit(text)
        known = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known or parts.username is not None or any(letter.isspace() or ord(letter) < 32 for letter in text):
        raise Invalid(_NO_LINK, fields={"links": f"{_NO_LINK} This does not: {text[:80]}"})
    if len(text) > LONGEST_LINK:
        raise Invalid("A link is too long.", fields={"links": f"At most {LONGEST_LINK} letters a link."})
    return text


_NO_LINK = "A link starts with https:// or http:// and names a site."


def clean_links(links: Sequence[str]) -> list[str]:
    """Each once, in the order given; empty lines are left out. Raises Invalid."""
    cleaned = list(dict.fromkeys(clean_link(link) for link in links if link.strip()))
    if len(cleaned) > MOST_LINKS:
        raise Invalid("There are too many links.", fields={"links": f"At most {MOST_LINKS} links."})
    return cleaned


def moves(mover: Mover, status: DeliverableStatus) -> frozenset[DeliverableStatus]:
    """Where this mover may put a deliverable that stands at `status`."""
    return TRANSITIONS[mover].get(status, frozenset())


def lanes_open_to(mover: Mover, status: DeliverableStatus) -> list[Lane]:
    """The other lanes this mover may put the card in, in the order of the board."""
    allowed = moves(mover, status)
    return [lane for lane in Lane if STATUS_OF[lane] in allowed and LANE_OF.get(status) is not lane]


def why_not(mover: Mover, status: DeliverableStatus, to: DeliverableStatus, organization: str) -> str:
    """Why the move is refused, in a sentence for the mover."""
    if status is S.APPROVED:
        return "This deliverable is approved and done."
    if status is S.CANCELLED:
        return "This deliverable was cancelled."
    if mover is Mover.CREATOR and to in (S.APPROVED, S.REVISION_REQUESTED):
        return f"{organization} reviews deliverables. Submit it, and they are told."
    if mover is Mover.CREATOR and to is S.CANCELLED:
        return f"Only {organization} can cancel it. Write them a comment."
    if mover is Mover.ORGANIZATION and to in (S.APPROVED, S.REVISION_REQUESTED):
        return "The creator has not submitted it."
    if mover is Mover.ORGANIZATION:
        return "That step is the creator’s."
    if status is S.SUBMITTED:
        return "It is being reviewed. Take it back first."
    return f"A deliverable that is {status.label.lower()} cannot go there."


def is_overdue(status: DeliverableStatus, due_on: date | None, today: date) -> bool:
    """What is being reviewed is not late any more."""
    return due_on is not None and due_on < today and status in OPEN and status is not S.SUBMITTED

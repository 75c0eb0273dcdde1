"""Decisions about projects: pure, no session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.core.errors import Invalid
from app.core.money import MAX_MINOR, Money
from app.projects.states import OPEN, STAGE_OF, TARGET_OF, TRANSITIONS, Mover, ProjectStatus, RateKind, Stage

LONGEST_TITLE = 120
LONGEST_DESCRIPTION = 5_000
LONGEST_COMMENT = 2_000
LONGEST_NOTE = 200
OLDEST_WORK = timedelta(days=366)
A_DAY_MINUTES = 24 * 60

S = ProjectStatus


@dataclass(frozen=True, slots=True)
class ProjectForm:
    """What the organization writes. `by_invoice` None: as the engagement says."""

    payee_id: UUID
    title: str
    rate: Money
    rate_kind: RateKind = RateKind.FIXED
    description: str = ""
    due_on: date | None = None
    by_invoice: bool | None = None

    def cleaned(self) -> ProjectForm:
        """Outer spaces gone."""
        title = " ".join(self.title.split())
        return ProjectForm(
            self.payee_id, title, self.rate, self.rate_kind, self.description.strip(), self.due_on, self.by_invoice
        )


def check_form(form: ProjectForm) -> None:
    """Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    if not form.title:
        wrong["title"] = "Give the project a title."
    elif len(form.title) > LONGEST_TITLE:
        wrong["title"] = f"At most {LONGEST_TITLE} letters."
    if len(form.description) > LONGEST_DESCRIPTION:
        wrong["description"] = f"At most {LONGEST_DESCRIPTION} letters."
    if form.rate.minor <= 0:
        wrong["rate"] = "The rate is more than zero."
    elif form.rate.minor > MAX_MINOR:
        wrong["rate"] = "The rate is too large."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def check_due(due_on: date | None, today: date, was: date | None = None) -> None:
    """A day that is set now has not passed; one that was set before may have. Raises Invalid."""
    if due_on is not None and due_on != was and due_on < today - timedelta(days=1):  # it may be yesterday still there
        says = "This day has passed already."
        raise Invalid(says, fields={"due_on": says})


def check_time(worked_on: date, minutes: int, note: str, today: date, logged_minutes: int = 0) -> None:
    """`logged_minutes`: of that day already. Raises Invalid naming every bad field."""
    wrong: dict[str, str] = {}
    if worked_on > today + timedelta(days=1):  # it may be tomorrow already where they are
        wrong["worked_on"] = "This day has not come yet."
    elif worked_on < today - OLDEST_WORK:
        wrong["worked_on"] = "That is more than a year ago."
    if not 1 <= minutes <= A_DAY_MINUTES:
        wrong["hours"] = "Between one minute and 24 hours."
    elif logged_minutes + minutes > A_DAY_MINUTES:
        logged = f"{logged_minutes // 60}:{logged_minutes % 60:02d}"
        wrong["hours"] = f"{logged} hours are logged for this day already, and it has 24."
    if not note:
        wrong["note"] = "Say what you did."
    elif len(note) > LONGEST_NOTE:
        wrong["note"] = f"At most {LONGEST_NOTE} letters."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def worth(rate_kind: RateKind, rate_minor: int, worked_minutes: int) -> int:
    """Minor units: the fixed price, or rate × time rounded half up."""
    if rate_kind is RateKind.FIXED:
        return rate_minor
    return (rate_minor * worked_minutes * 2 + 60) // 120


def moves(mover: Mover, status: ProjectStatus) -> frozenset[ProjectStatus]:
    """Where this mover may put a project that stands at `status`."""
    return TRANSITIONS[mover].get(status, frozenset())


def stages_open_to(mover: Mover, status: ProjectStatus) -> list[Stage]:
    """The other columns this mover may put the card in, in the order of the board."""
    allowed = moves(mover, status)
    return [s for s in Stage if TARGET_OF[s] in allowed and s is not STAGE_OF[status]]


def why_not(mover: Mover, status: ProjectStatus, to: ProjectStatus, organization: str) -> str:
    """Why the move is refused, in a sentence for the mover."""
    if status not in OPEN:
        return "This project is approved. What is left is its payout, and that moves by itself."
    if mover is Mover.CONTRACTOR and to is S.APPROVED:
        return f"{organization} approves projects. Submit it, and they are told."
    if mover is Mover.CONTRACTOR and to is S.REVISION_REQUESTED:
        return f"Only {organization} asks for a revision."
    if STAGE_OF[to] is Stage.PAYOUT:
        return "A project comes to its payout by itself, once it is approved and can be paid."
    if status is S.SUBMITTED and mover is Mover.CONTRACTOR:
        return "It is being reviewed. Take it back to In progress first."
    if mover is Mover.ORGANIZATION and to in (S.APPROVED, S.REVISION_REQUESTED):
        return "The contractor has not submitted it."
    if mover is Mover.ORGANIZATION:
        return "That step is the contractor’s."
    if to is S.SUBMITTED:
        return "Start it first: only a project in progress can be submitted."
    return f"A project that is {status.label.lower()} cannot go there."


def check_change(status: ProjectStatus, rate_kind: RateKind, rate: Money, wanted: ProjectForm) -> None:
    """What was taken on is not made worse behind the contractor's back. Raises Invalid."""
    if status is S.PENDING_CONTRACTOR:
        return
    if wanted.rate_kind is not rate_kind or wanted.rate.currency != rate.currency:
        says = "The contractor took it on at this kind of rate. Cancel it and assign it anew to change that."
        raise Invalid(says, fields={"rate_kind": says})
    if wanted.rate.minor < rate.minor:
        says = "The contractor took it on at this rate: it can be raised, not lowered."
        raise Invalid(says, fields={"rate": says})


def money_status(*, earned: bool, ready: bool, payout_status: str | None) -> ProjectStatus:
    """Where an approved project stands by its money. `queries.LIVE` says the same in SQL; a test compares them.

    `ready`: some of its earning can be withdrawn; `payout_status` of its newest payout that still holds money.
    """
    if not earned or (not ready and payout_status is None):
        return S.APPROVED
    if ready and payout_status in (None, "paid"):
        return S.PAYOUT_READY
    if payout_status in ("approved", "processing", "paid"):
        return S.PAYOUT_APPROVED
    return S.WITHDRAWAL_REQUESTED

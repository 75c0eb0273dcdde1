"""The life of a project. The last three statuses are never written: they are read from its earning and payout."""

from __future__ import annotations

from enum import StrEnum


class ProjectStatus(StrEnum):
    """`pending_contractor`: assigned, not answered yet. `draft`: taken on, not started."""

    PENDING_CONTRACTOR = "pending_contractor"
    DRAFT = "draft"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    REVISION_REQUESTED = "revision_requested"
    APPROVED = "approved"
    PAYOUT_READY = "payout_ready"
    WITHDRAWAL_REQUESTED = "withdrawal_requested"
    PAYOUT_APPROVED = "payout_approved"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Mover(StrEnum):
    """Whose move it is. `money`: nobody's, the earning and its payout make it."""

    CONTRACTOR = "contractor"
    ORGANIZATION = "organization"
    MONEY = "money"


class Stage(StrEnum):
    """The six columns of the board, in order."""

    UPCOMING = "upcoming"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    REVISE = "revise"
    APPROVED = "approved"
    PAYOUT = "payout"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class RateKind(StrEnum):
    """`fixed`: one price for the project. `hourly`: the rate times the hours logged."""

    FIXED = "fixed"
    HOURLY = "hourly"


S = ProjectStatus
TRANSITIONS: dict[Mover, dict[ProjectStatus, frozenset[ProjectStatus]]] = {
    Mover.CONTRACTOR: {
        S.PENDING_CONTRACTOR: frozenset({S.DRAFT, S.IN_PROGRESS}),
        S.DRAFT: frozenset({S.IN_PROGRESS}),
        S.IN_PROGRESS: frozenset({S.DRAFT, S.SUBMITTED}),
        S.SUBMITTED: frozenset({S.IN_PROGRESS}),
        S.REVISION_REQUESTED: frozenset({S.IN_PROGRESS, S.SUBMITTED}),
    },
    Mover.ORGANIZATION: {
        S.SUBMITTED: frozenset({S.REVISION_REQUESTED, S.APPROVED}),
    },
    Mover.MONEY: {
        S.APPROVED: frozenset({S.PAYOUT_READY}),
        S.PAYOUT_READY: frozenset({S.WITHDRAWAL_REQUESTED, S.PAYOUT_APPROVED}),
        S.WITHDRAWAL_REQUESTED: frozenset({S.PAYOUT_APPROVED, S.PAYOUT_READY}),
        S.PAYOUT_APPROVED: frozenset({S.WITHDRAWAL_REQUESTED, S.PAYOUT_READY}),
    },
}
STAGE_OF: dict[ProjectStatus, Stage] = {
    S.PENDING_CONTRACTOR: Stage.UPCOMING,
    S.DRAFT: Stage.UPCOMING,
    S.IN_PROGRESS: Stage.IN_PROGRESS,
    S.SUBMITTED: Stage.SUBMITTED,
    S.REVISION_REQUESTED: Stage.REVISE,
    S.APPROVED: Stage.APPROVED,
    S.PAYOUT_READY: Stage.PAYOUT,
    S.WITHDRAWAL_REQUESTED: Stage.PAYOUT,
    S.PAYOUT_APPROVED: Stage.PAYOUT,
}
# What a card becomes in a column, whoever puts it there.
TARGET_OF: dict[Stage, ProjectStatus] = {
    Stage.UPCOMING: S.DRAFT,
    Stage.IN_PROGRESS: S.IN_PROGRESS,
    Stage.SUBMITTED: S.SUBMITTED,
    Stage.REVISE: S.REVISION_REQUESTED,
    Stage.APPROVED: S.APPROVED,
    Stage.PAYOUT: S.PAYOUT_READY,
}
OF_MONEY = frozenset({S.PAYOUT_READY, S.WITHDRAWAL_REQUESTED, S.PAYOUT_APPROVED})
OPEN = frozenset({S.PENDING_CONTRACTOR, S.DRAFT, S.IN_PROGRESS, S.SUBMITTED, S.REVISION_REQUESTED})
AT_WORK = frozenset({S.DRAFT, S.IN_PROGRESS, S.REVISION_REQUESTED})  # hours may be logged

"""The life of a content deliverable, and the lanes of the board."""

from __future__ import annotations

from enum import StrEnum


class DeliverableStatus(StrEnum):
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    REVISION_REQUESTED = "revision_requested"
    APPROVED = "approved"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Mover(StrEnum):
    """Whose move it is."""

    CREATOR = "creator"
    ORGANIZATION = "organization"


class Lane(StrEnum):
    """The five columns of the organization's board, in order."""

    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    IN_REVIEW = "in_review"
    REVISE = "revise"
    APPROVED = "approved"


class Content(StrEnum):
    """What is made."""

    REEL = "reel"
    POST = "post"
    STORY = "story"
    VIDEO = "video"
    BLOG = "blog"
    OTHER = "other"

    @property
    def label(self) -> str:
        return "Blog article" if self is Content.BLOG else self.value.capitalize()


S = DeliverableStatus
TRANSITIONS: dict[Mover, dict[DeliverableStatus, frozenset[DeliverableStatus]]] = {
    Mover.CREATOR: {
        S.ASSIGNED: frozenset({S.IN_PROGRESS, S.SUBMITTED}),
        S.IN_PROGRESS: frozenset({S.SUBMITTED}),
        S.SUBMITTED: frozenset({S.IN_PROGRESS}),
        S.REVISION_REQUESTED: frozenset({S.IN_PROGRESS, S.SUBMITTED}),
    },
    Mover.ORGANIZATION: {
        S.ASSIGNED: frozenset({S.CANCELLED}),
        S.IN_PROGRESS: frozenset({S.CANCELLED}),
        S.SUBMITTED: frozenset({S.REVISION_REQUESTED, S.APPROVED, S.CANCELLED}),
        S.REVISION_REQUESTED: frozenset({S.CANCELLED}),
        S.CANCELLED: frozenset({S.ASSIGNED}),
    },
}
LANE_OF: dict[DeliverableStatus, Lane] = {
    S.ASSIGNED: Lane.ASSIGNED,
    S.IN_PROGRESS: Lane.IN_PROGRESS,
    S.SUBMITTED: Lane.IN_REVIEW,
    S.REVISION_REQUESTED: Lane.REVISE,
    S.APPROVED: Lane.APPROVED,
}
STATUS_OF: dict[Lane, DeliverableStatus] = {lane: status for status, lane in LANE_OF.items()}
OPEN = frozenset({S.ASSIGNED, S.IN_PROGRESS, S.SUBMITTED, S.REVISION_REQUESTED})
TO_DO = frozenset({S.ASSIGNED, S.IN_PROGRESS, S.REVISION_REQUESTED})  # the creator's turn

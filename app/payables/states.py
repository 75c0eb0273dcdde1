from __future__ import annotations

from enum import StrEnum


class RequestStatus(StrEnum):
    """A payee's bill. What happens to the money afterwards is told by its earning and payout."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    CANCELLED = "cancelled"


S = RequestStatus
TRANSITIONS: dict[RequestStatus, frozenset[RequestStatus]] = {
    S.DRAFT: frozenset({S.SUBMITTED, S.CANCELLED}),
    S.SUBMITTED: frozenset({S.APPROVED, S.REJECTED, S.CANCELLED, S.DRAFT}),
    S.APPROVED: frozenset({S.DISPUTED}),
    S.REJECTED: frozenset({S.SUBMITTED, S.CANCELLED}),
    S.DISPUTED: frozenset({S.APPROVED, S.REJECTED, S.CANCELLED}),
    S.CANCELLED: frozenset(),
}


class WorkType(StrEnum):
    CONTRACT_WORK = "contract_work"
    CONSULTING = "consulting"
    PROJECT_DELIVERY = "project_delivery"
    MAINTENANCE = "maintenance"
    EVENT = "event"
    OTHER = "other"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class ImportStatus(StrEnum):
    UPLOADED = "uploaded"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

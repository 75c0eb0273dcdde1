"""State machines of payouts, attempts, batches and exports: one dict literal each (DESIGN decision 10)."""

from __future__ import annotations

from enum import StrEnum


class PayoutStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    PROCESSING = "processing"
    PAID = "paid"
    ON_HOLD = "on_hold"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    RETURNED = "returned"


P = PayoutStatus
PAYOUT_TRANSITIONS: dict[PayoutStatus, frozenset[PayoutStatus]] = {
    P.PENDING: frozenset({P.APPROVED, P.ON_HOLD, P.REJECTED, P.CANCELLED}),
    P.APPROVED: frozenset({P.PROCESSING, P.ON_HOLD, P.CANCELLED, P.PENDING}),
    P.ON_HOLD: frozenset({P.PENDING, P.APPROVED, P.CANCELLED, P.REJECTED}),
    P.PROCESSING: frozenset({P.PAID, P.FAILED}),
    P.PAID: frozenset({P.RETURNED}),
    P.FAILED: frozenset({P.PENDING, P.APPROVED}),
    P.RETURNED: frozenset({P.PENDING}),
    P.REJECTED: frozenset(),
    P.CANCELLED: frozenset(),
}
# In these states the money of the items is with the payout; in the others it is back in the ready queue.
HOLDING = frozenset({P.PENDING, P.APPROVED, P.PROCESSING, P.ON_HOLD, P.PAID})


class PayoutOrigin(StrEnum):
    WITHDRAWAL = "withdrawal"
    BATCH = "batch"
    SCHEDULE = "schedule"
    MANUAL = "manual"


class HoldCode(StrEnum):
    """Why a payout is on hold; the sentence is in `rules.HOLD_TEXT`."""

    AWAITING_FUNDS = "awaiting_funds"
    REVIEW = "review"
    METHOD_CHANGED = "method_changed"
    NO_METHOD = "no_method"
    SUSPENDED = "suspended"
    RAIL_OFF = "rail_off"


class AttemptStatus(StrEnum):
    """`submitted` is written before the call: without an answer it is unknown, and looked up, never sent anew."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RETURNED = "returned"


A = AttemptStatus
ATTEMPT_TRANSITIONS: dict[AttemptStatus, frozenset[AttemptStatus]] = {
    A.SUBMITTED: frozenset({A.ACCEPTED, A.SUCCEEDED, A.FAILED, A.UNKNOWN}),
    A.UNKNOWN: frozenset({A.ACCEPTED, A.SUCCEEDED, A.FAILED}),
    A.ACCEPTED: frozenset({A.SUCCEEDED, A.FAILED}),
    A.SUCCEEDED: frozenset({A.RETURNED}),
    A.FAILED: frozenset(),
    A.RETURNED: frozenset(),
}


class BatchStatus(StrEnum):
    PLANNING = "planning"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


B = BatchStatus
BATCH_TRANSITIONS: dict[BatchStatus, frozenset[BatchStatus]] = {
    B.PLANNING: frozenset({B.DRAFT, B.CANCELLED}),
    B.DRAFT: frozenset({B.SUBMITTED, B.CANCELLED}),
    B.SUBMITTED: frozenset({B.APPROVED, B.DRAFT, B.CANCELLED}),
    B.APPROVED: frozenset({B.RUNNING, B.CANCELLED}),
    B.RUNNING: frozenset({B.PAUSED, B.DONE}),
    B.PAUSED: frozenset({B.RUNNING, B.DONE}),
    B.DONE: frozenset({B.RUNNING}),  # funds arrived for payouts that waited
    B.CANCELLED: frozenset(),
}


class ExportStatus(StrEnum):
    """A bank file or a run of checks: frozen when made, released by a second person."""

    READY = "ready"
    RELEASED = "released"
    VOID = "void"


EXPORT_TRANSITIONS: dict[ExportStatus, frozenset[ExportStatus]] = {
    ExportStatus.READY: frozenset({ExportStatus.RELEASED, ExportStatus.VOID}),
    ExportStatus.RELEASED: frozenset(),
    ExportStatus.VOID: frozenset(),
}


class VerdictStatus(StrEnum):
    """What people say became of a payout whose rail never did: one says it, another decides."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


VERDICT_TRANSITIONS: dict[VerdictStatus, frozenset[VerdictStatus]] = {
    VerdictStatus.PROPOSED: frozenset({VerdictStatus.CONFIRMED, VerdictStatus.REJECTED}),
    VerdictStatus.CONFIRMED: frozenset(),
    VerdictStatus.REJECTED: frozenset(),
}


class RunStatus(StrEnum):
    """A calculation of a period for everybody: being made by a job, over."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

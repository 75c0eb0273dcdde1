"""What a statement line can be, and how it became that. One word each, kept as text."""

from __future__ import annotations

from enum import StrEnum


class StatementStatus(StrEnum):
    """A file of a bank, from its upload until the job has taken it."""

    UPLOADED = "uploaded"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class StatementKind(StrEnum):
    CSV = "csv"
    CAMT = "camt"


class LineState(StrEnum):
    """Exactly one at any time: in the queue (alone, or with a write-off proposed), or settled in one of three ways."""

    OPEN = "open"
    PROPOSED = "proposed"  # a write-off waits for a second person
    MATCHED = "matched"
    SUSPENDED = "suspended"
    WRITTEN_OFF = "written_off"


class Resolution(StrEnum):
    """How a line left the queue."""

    MATCHED = "matched"
    SUSPENDED = "suspended"
    WRITTEN_OFF = "written_off"


class How(StrEnum):
    """By what a match was found."""

    REFERENCE = "reference"
    CHECK_NUMBER = "check_number"
    EXPORT = "export"  # the sum of a released file, named or the only one of that sum
    AMOUNT = "amount"  # amount, currency and days: there was exactly one
    PERSON = "person"


class TargetKind(StrEnum):
    """What a line, or a part of it, is about. Each target is taken by one line at a time."""

    PAYOUT = "payout"  # an attempt: money that left
    RETURN = "return"  # an attempt: the same money, come back
    EXPORT = "export"  # all attempts of a released file in one booking
    DEPOSIT = "deposit"
    INVOICE_PAYMENT = "invoice_payment"  # a posting of the books: a transfer that paid an invoice
    TRANSFER_OUT = "transfer_out"  # between accounts of our own: what left one
    TRANSFER_IN = "transfer_in"  # and what came to the other
    SUSPENSE = "suspense"  # nobody knows yet
    WRITE_OFF = "write_off"  # nobody will know, or it is a fee of the bank


# Kinds that have a row elsewhere, which one line takes.
TAKEN = frozenset(TargetKind) - {TargetKind.SUSPENSE, TargetKind.WRITE_OFF}


class WriteOffStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


W = WriteOffStatus
WRITE_OFF_TRANSITIONS: dict[WriteOffStatus, frozenset[WriteOffStatus]] = {
    W.PROPOSED: frozenset({W.APPROVED, W.REJECTED}),
    W.APPROVED: frozenset(),
    W.REJECTED: frozenset(),
}


class TransferStatus(StrEnum):
    """Money between two accounts of our own."""

    SENT = "sent"
    ARRIVED = "arrived"
    CAME_BACK = "came_back"


T = TransferStatus
TRANSFER_TRANSITIONS: dict[TransferStatus, frozenset[TransferStatus]] = {
    T.SENT: frozenset({T.ARRIVED, T.CAME_BACK}),
    T.ARRIVED: frozenset(),
    T.CAME_BACK: frozenset(),
}


class ItemKind(StrEnum):
    """What a job put on the desk for a person."""

    BALANCE = "balance"  # a provider says another balance than the books
    STUCK = "stuck"  # a payout is on its way for too long
    CONTRADICTION = "contradiction"  # a rail took back its word about a payout

"""Topics of the outbox: what happened, for jobs to act on. `jobs/registry.py` maps each to its function."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    MAIL_QUEUED = "mail.queued"
    MAIL_WITH_DOCUMENT_QUEUED = "mail.with_document_queued"
    BILLS_IMPORT_CONFIRMED = "bills.import_confirmed"
    BATCH_PLANNED = "batch.plan"
    BATCH_CHUNK = "batch.chunk"
    PAYOUTS_TRIGGERED = "payouts.triggered"
    PAYOUTS_SETTLED = "payouts.settled"
    WEBHOOK_RECEIVED = "webhook.received"
    ORDERS_RECEIVED = "orders.received"
    ORDERS_IMPORT_CONFIRMED = "orders.import_confirmed"
    FUNDS_ARRIVED = "funds.arrived"
    EARNINGS_RELEASE = "earnings.release"
    ATTEMPTS_LOOK_UP = "attempts.look_up"
    WEBHOOKS_SWEEP = "webhooks.sweep"
    BOOKS_EXAMINATION = "books.examination"
    MESSAGES_UNREAD = "messages.unread"
    CONTRACT_COMPLETED = "contract.completed"
    CONTRACTS_DAILY = "contracts.daily"
    ENGAGEMENT_CHANGED = "engagement.changed"
    PAYEES_IMPORT_CONFIRMED = "payees.import_confirmed"
    DELIVERABLES_DUE = "deliverables.due"
    CALENDAR_RECEIVED = "calendar.received"
    MONTHS_DUE = "months.due"
    RUN_STARTED = "run.started"
    CHARGE_ASKED = "charge.asked"
    CHARGES_HEARD = "charges.heard"
    CHARGES_LOOK_UP = "charges.look_up"
    CHARGE_RETURN_ASKED = "charge.return_asked"
    CONSULTATION_PAID = "consultation.paid"
    BOOKINGS_UNPAID = "bookings.unpaid"
    HOUSEKEEPING = "housekeeping"

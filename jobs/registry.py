"""Which function answers each topic, on which queue. A new job is a function in its noun's module and one line here.

A function takes the topic's payload as keyword arguments, opens its own units of work, and may be run twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.topics import Topic
from jobs import (
    appointments,
    billing,
    bookings,
    books,
    calendar,
    cards,
    clients,
    connect,
    contracts,
    credits,
    deliverables,
    earnings,
    housekeeping,
    mail,
    members,
    messages,
    months,
    organizations,
    payables,
    payees,
    payouts,
    reconciliation,
    sales,
    webhooks,
)

MONEY, DEFAULT, DOCUMENTS = "money", "default", "documents"
QUEUES = (MONEY, DEFAULT, DOCUMENTS)  # workers empty them in this order


@dataclass(frozen=True, slots=True)
class Job:
    """`seconds`: longer than this and the run is cut off and tried again."""

    function: Callable[..., object]
    queue: str = DEFAULT
    seconds: int = 300


JOBS: dict[Topic, Job] = {
    Topic.ENGAGEMENT_CHANGED: Job(payouts.follow_engagement, MONEY),
    Topic.PAYEES_IMPORT_CONFIRMED: Job(payees.import_payees, DEFAULT, 1800),
    Topic.MEMBERS_IMPORT_CONFIRMED: Job(members.invite_people, DEFAULT, 1800),
    Topic.MAIL_QUEUED: Job(mail.send, DEFAULT, 120),
    Topic.MAIL_WITH_DOCUMENT_QUEUED: Job(mail.send, DOCUMENTS, 120),
    Topic.BILLS_IMPORT_CONFIRMED: Job(payables.import_bills, DEFAULT, 1800),
    Topic.BATCH_PLANNED: Job(payouts.plan_batch, MONEY, 900),
    Topic.BATCH_CHUNK: Job(payouts.run_chunk, MONEY),
    Topic.PAYOUTS_TRIGGERED: Job(payouts.send_payouts, MONEY),
    Topic.WEBHOOK_RECEIVED: Job(payouts.apply_events, MONEY),
    Topic.ORDERS_RECEIVED: Job(sales.apply_calls),
    Topic.ORDERS_IMPORT_CONFIRMED: Job(sales.import_orders, MONEY, 1800),
    Topic.PAYOUTS_SETTLED: Job(payouts.tell_settled),
    Topic.PAYOUT_RECALLED: Job(payouts.call_back, MONEY),
    Topic.FUNDS_ARRIVED: Job(payouts.funds_arrived, MONEY),
    Topic.PAID_LOOK_UP: Job(payouts.look_up_paid, MONEY, 1800),
    Topic.ATTEMPTS_LOOK_UP: Job(payouts.look_up_stale, MONEY),
    Topic.ACCOUNTS_LOOK: Job(connect.look, MONEY),
    Topic.BANK_PAYOUTS_LOOK: Job(connect.look_at_banks, DEFAULT, 1800),
    Topic.EARNINGS_RELEASE: Job(earnings.release_due, MONEY),
    Topic.WEBHOOKS_SWEEP: Job(webhooks.sweep),
    Topic.BOOKS_EXAMINATION: Job(books.examine, DEFAULT, 1800),
    Topic.MESSAGES_UNREAD: Job(messages.tell_unread),
    Topic.CONTRACT_COMPLETED: Job(contracts.seal, DOCUMENTS),
    Topic.CONTRACTS_DAILY: Job(contracts.once_a_day, DEFAULT, 1800),
    Topic.DELIVERABLES_DUE: Job(deliverables.remind, DEFAULT, 1800),
    Topic.APPOINTMENTS_IMPORT_CONFIRMED: Job(appointments.import_appointments, DEFAULT, 1800),
    Topic.CALENDAR_LOOK_UP: Job(calendar.look_up),
    Topic.CONSULTATIONS_OVER: Job(calendar.complete_over, MONEY),
    Topic.CALENDAR_RECEIVED: Job(calendar.apply_events, MONEY),
    Topic.MONTHS_DUE: Job(months.start_due, MONEY),
    Topic.RUN_STARTED: Job(months.work, MONEY, 1800),
    Topic.CHARGE_ASKED: Job(clients.ask, MONEY, 120),
    Topic.CHARGE_RETURN_ASKED: Job(clients.give_back, MONEY, 120),
    Topic.CHARGE_FEE_ASKED: Job(clients.ask_fee, MONEY),
    Topic.CHARGES_HEARD: Job(clients.hear, MONEY),
    Topic.CARD_PAID: Job(cards.keep, MONEY, 120),
    Topic.CARD_REMOVED: Job(cards.forget, MONEY, 120),
    Topic.CHARGES_LOOK_UP: Job(clients.look_up, MONEY, 900),
    Topic.CONSULTATION_PAID: Job(clients.confirm, MONEY),
    Topic.BOOKINGS_UNPAID: Job(bookings.expire_unpaid),
    Topic.CREDITS_DAILY: Job(credits.once_a_day, MONEY, 1800),
    Topic.MONTH_CLOSE: Job(billing.close_month, MONEY, 3600),
    Topic.INVOICE_ISSUED: Job(billing.issued),
    Topic.INVOICE_PAID: Job(billing.paid, MONEY),
    Topic.INVOICES_OVERDUE: Job(billing.remind),
    Topic.LIMITS_WATCHED: Job(billing.watch_limits),
    Topic.DRAFTS_DAILY: Job(organizations.forget_drafts, DEFAULT, 1800),
    Topic.ORGANIZATION_LAUNCHED: Job(organizations.launched),
    Topic.HOUSEKEEPING: Job(housekeeping.tidy),
    Topic.STATEMENT_CONFIRMED: Job(reconciliation.import_statement, MONEY, 3600),
    Topic.RECONCILIATION_DUE: Job(reconciliation.every_quarter, MONEY, 900),
    Topic.RECONCILIATION_DAILY: Job(reconciliation.every_day, DEFAULT, 1800),
}

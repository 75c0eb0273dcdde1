"""Every posting Quittance makes. Nothing else builds lines.

A recipe is data: which accounts one amount debits (+1) and credits (−1). The same recipe posts one amount or a
million rows (`service.post`, `service.post_from`). Balances of liability accounts are shown credit-positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    """`payee_*`, `funds`, `prepaid_credits` and `output_tax` are liabilities, `platform_revenue` is income,
    `promotions`, `processor_fees` and `write_offs` are expenses, the rest assets. See DESIGN section 4."""

    CASH = "cash"  # per rail: what our account at a rail or bank holds
    CLEARING = "clearing"  # per rail: handed to the rail, not yet confirmed
    FUNDS = "funds"  # the organization's money with us; below zero within its credit limit
    RECEIVABLE = "receivable"  # promised to payees, not yet covered by the organization's funds
    PREPAID_CREDITS = "prepaid_credits"  # what an organization paid for seat credits nobody has used yet
    PAYEE_HELD = "payee_held"
    PAYEE_AVAILABLE = "payee_available"
    PAYEE_IN_TRANSIT = "payee_in_transit"
    PLATFORM_REVENUE = "platform_revenue"  # what the platform keeps of charges
    PROMOTIONS = "promotions"  # discounts the platform bears
    PROCESSOR_FEES = "processor_fees"
    OUTPUT_TAX = "output_tax"  # charged on invoices, owed to the state
    SUSPENSE = "suspense"  # on a bank statement, and nobody knows yet whose it is
    WRITE_OFFS = "write_offs"  # fees of banks, and what nobody will ever know
    TRANSFERS = "transfers"  # between accounts of our own, on its way


PER_PAYEE = frozenset({Account.PAYEE_HELD, Account.PAYEE_AVAILABLE, Account.PAYEE_IN_TRANSIT})
PER_RAIL = frozenset({Account.CASH, Account.CLEARING})
KEPT = PER_PAYEE | {Account.FUNDS, Account.PREPAID_CREDITS}  # accounts with a balance row; the others would be hot rows


@dataclass(frozen=True, slots=True)
class Recipe:
    """`debit` grows by the amount, `credit` shrinks by it. A negative amount posts the opposite."""

    kind: str
    debit: Account
    credit: Account


DEPOSIT_CONFIRMED = Recipe("deposit_confirmed", Account.CASH, Account.FUNDS)
# A client's card pays into the funds of whoever engages the consultant; the platform takes its part from there.
CHARGE_SUCCEEDED = Recipe("charge_succeeded", Account.CASH, Account.FUNDS)
# An organization that buys pays from its funds: its cash of the rail `funds` goes to the one that engages.
BOOKING_COVERED = Recipe("booking_covered", Account.FUNDS, Account.CASH)
BOOKING_UNCOVERED = Recipe("booking_uncovered", Account.CASH, Account.FUNDS)
# Seat credits belong to the organization that bought them. One that is used pays whoever engages the consultant, by
# cash of the rail `credit`; that cash is zero over all organizations.
CREDITS_BOUGHT = Recipe("credits_bought", Account.CASH, Account.PREPAID_CREDITS)
CREDITS_COVERED = Recipe("credits_covered", Account.FUNDS, Account.PREPAID_CREDITS)
CREDIT_USED = Recipe("credit_used", Account.PREPAID_CREDITS, Account.CASH)
CREDIT_RETURNED = Recipe("credit_returned", Account.CASH, Account.PREPAID_CREDITS)
CREDITS_EXPIRED = Recipe("credits_expired", Account.PREPAID_CREDITS, Account.PLATFORM_REVENUE)
CREDITS_REFUNDED = Recipe("credits_refunded", Account.PREPAID_CREDITS, Account.CASH)
CREDITS_UNCOVERED = Recipe("credits_uncovered", Account.PREPAID_CREDITS, Account.FUNDS)
PROMOTION_BORNE = Recipe("promotion_borne", Account.PROMOTIONS, Account.FUNDS)
PLATFORM_FEE = Recipe("platform_fee", Account.FUNDS, Account.PLATFORM_REVENUE)
PROCESSOR_FEE = Recipe("processor_fee", Account.PROCESSOR_FEES, Account.CASH)
CHARGE_RETURNED = Recipe("charge_returned", Account.FUNDS, Account.CASH)
PROMOTION_RETURNED = Recipe("promotion_returned", Account.FUNDS, Account.PROMOTIONS)
PLATFORM_FEE_RETURNED = Recipe("platform_fee_returned", Account.PLATFORM_REVENUE, Account.FUNDS)
# An invoice adds tax to what was charged, and rounds where the law wants it; a credit note posts the opposite.
TAX_BILLED = Recipe("tax_billed", Account.FUNDS, Account.OUTPUT_TAX)
TOTAL_ROUNDED = Recipe("total_rounded", Account.FUNDS, Account.PLATFORM_REVENUE)
MORE_BILLED = Recipe("more_billed", Account.FUNDS, Account.PLATFORM_REVENUE)  # a debit note
INVOICE_PAID = Recipe("invoice_paid", Account.CASH, Account.FUNDS)
EARNING_HELD = Recipe("earning_held", Account.RECEIVABLE, Account.PAYEE_HELD)
EARNING_READY = Recipe("earning_ready", Account.RECEIVABLE, Account.PAYEE_AVAILABLE)
EARNING_RELEASED = Recipe("earning_released", Account.PAYEE_HELD, Account.PAYEE_AVAILABLE)
# What was ready waits again; its own reference, as it may be released and withheld many times.
EARNING_WITHHELD = Recipe("earning_withheld", Account.PAYEE_AVAILABLE, Account.PAYEE_HELD)
EARNING_CANCELLED = Recipe("earning_cancelled", Account.PAYEE_HELD, Account.RECEIVABLE)
PAYOUT_RESERVED = Recipe("payout_reserved", Account.PAYEE_AVAILABLE, Account.PAYEE_IN_TRANSIT)
PAYOUT_RELEASED = Recipe("payout_released", Account.PAYEE_IN_TRANSIT, Account.PAYEE_AVAILABLE)
PAYOUT_FUNDED = Recipe("payout_funded", Account.FUNDS, Account.RECEIVABLE)
PAYOUT_UNFUNDED = Recipe("payout_unfunded", Account.RECEIVABLE, Account.FUNDS)
PAYOUT_SENT = Recipe("payout_sent", Account.CLEARING, Account.CASH)
PAYOUT_BOUNCED = Recipe("payout_bounced", Account.CASH, Account.CLEARING)
PAYOUT_UNBOUNCED = Recipe("payout_unbounced", Account.CLEARING, Account.CASH)  # it had left after all
PAYOUT_PAID = Recipe("payout_paid", Account.PAYEE_IN_TRANSIT, Account.CLEARING)
PAYOUT_RETURNED = Recipe("payout_returned", Account.CASH, Account.PAYEE_IN_TRANSIT)
PAYOUT_FEE = Recipe("payout_fee", Account.PROCESSOR_FEES, Account.CASH)  # what the rail took beside the amount
# Lines of statements in the books of the platform itself; what left the account is posted below zero.
LINE_SUSPENDED = Recipe("line_suspended", Account.CASH, Account.SUSPENSE)
LINE_WRITTEN_OFF = Recipe("line_written_off", Account.CASH, Account.WRITE_OFFS)
TRANSFER_SENT = Recipe("transfer_sent", Account.TRANSFERS, Account.CASH)
TRANSFER_ARRIVED = Recipe("transfer_arrived", Account.CASH, Account.TRANSFERS)

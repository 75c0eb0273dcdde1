"""What Stripe's codes mean for a payout: who can mend it, and what to do, in words a payee understands.

docs.stripe.com/error-codes and docs.stripe.com/api/payouts/failures.
"""

from __future__ import annotations

from app.rails.base import Blame
from app.rails.reasons import Reason

_SETUP = Reason(
    "Stripe does not let this account be paid yet.",
    "Finish the set-up at Stripe: the payout methods page says what is missing.",
    Blame.PAYEE,
)
_GONE = Reason(
    "Stripe does not know this account any more, or we may not use it.", "Connect your Stripe account again.",
    Blame.PAYEE,
)  # fmt: skip
_BANK = Reason(
    "Stripe cannot use the bank account it has.", "Change the bank account in your Stripe dashboard.", Blame.PAYEE
)
_BANK_CLOSED = Reason("The bank account is closed.", "Give Stripe an account that is open.", Blame.PAYEE)
_BANK_NUMBER = Reason(
    "The bank found no such account.", "Check the account number and bank code in your Stripe dashboard.", Blame.PAYEE
)
_BANK_FROZEN = Reason("The bank blocks this account.", "Speak to your bank, or give Stripe another one.", Blame.PAYEE)
_BANK_REFUSED = Reason("The bank refused it.", "Speak to your bank, or give Stripe another account.", Blame.PAYEE)
_HOLDER = Reason(
    "The name, address or tax number does not fit the bank account.",
    "Correct it in your Stripe dashboard, as the bank knows it.",
    Blame.PAYEE,
)
_CURRENCY = Reason(
    "The bank account does not take this currency.", "Give Stripe an account that takes it.", Blame.PAYEE
)
_CARD = Reason("The card cannot be paid to.", "Give Stripe a bank account instead.", Blame.PAYEE)
_FUNDS = Reason(
    "Our balance at Stripe could not cover it.", "Nothing to do for the payee; we top it up and send it again.",
    Blame.PAYER,
)  # fmt: skip
_OURS = Reason(
    "Stripe does not let us send it as we are set up.", "Nothing to do for the payee; we mend it.", Blame.PAYER
)
_LATER = Reason("Stripe could not do it now.", "Nothing to do: it can be sent again later.", Blame.RETRY)
_AMOUNT = Reason("Stripe does not take this amount.", "Ask for another amount, or choose another way.", Blame.PERMANENT)
_COUNTRY = Reason(
    "Stripe does not pay in this country.", "Choose another payout method: those for your country are offered.",
    Blame.PERMANENT,
)  # fmt: skip
_NO = Reason("Stripe refused it.", "Choose another payout method.", Blame.PERMANENT)

# Codes of calls that were refused: nothing was moved.
REQUEST: dict[str, Reason] = {
    **dict.fromkeys(("insufficient_capabilities_for_transfer", "payouts_not_allowed"), _SETUP),
    **dict.fromkeys(("account_invalid",), _GONE),
    **dict.fromkeys(("account_closed",), _BANK_CLOSED),
    **dict.fromkeys(("account_number_invalid", "routing_number_invalid"), _BANK_NUMBER),
    **dict.fromkeys(("account_country_invalid_address", "account_information_mismatch"), _HOLDER),
    **dict.fromkeys(
        (
            "bank_account_restricted", "bank_account_unusable", "bank_account_declined", "bank_account_exists",
            "bank_account_unverified", "bank_account_verification_failed",
        ),
        _BANK,
    ),
    "instant_payouts_unsupported": _CARD,
    "balance_insufficient": _FUNDS,
    **dict.fromkeys(
        (
            "transfers_not_allowed", "instant_payouts_config_disabled", "api_key_expired", "platform_api_key_expired",
            "secret_key_required", "livemode_mismatch", "testmode_charges_only",
        ),
        _OURS,
    ),
    **dict.fromkeys(("payouts_limit_exceeded", "instant_payouts_limit_exceeded"), _LATER),
    **dict.fromkeys(("amount_too_small", "amount_too_large"), _AMOUNT),
    **dict.fromkeys(("country_unsupported", "instant_payouts_currency_disabled"), _COUNTRY),
}  # fmt: skip
# Nothing final was said: the same call is made again under the same key.
AGAIN = frozenset({"idempotency_key_in_use", "lock_timeout", "rate_limit", "processing_error"})
_AGAIN_STATUS = frozenset({408, 409, 424, 429})

# Of a payout from the payee's Stripe balance to their bank that failed.
PAYOUT: dict[str, Reason] = {
    "account_closed": _BANK_CLOSED,
    "account_frozen": _BANK_FROZEN,
    **dict.fromkeys(("bank_account_restricted", "bank_ownership_changed"), _BANK),
    "could_not_process": _LATER,
    **dict.fromkeys(("debit_not_authorized", "declined"), _BANK_REFUSED),
    "insufficient_funds": Reason(
        "The balance at Stripe could not cover it.", "Nothing to do: Stripe tries again.", Blame.PAYER
    ),
    **dict.fromkeys(("invalid_account_number", "no_account"), _BANK_NUMBER),
    **dict.fromkeys(
        (
            "incorrect_account_holder_name", "incorrect_account_holder_address", "incorrect_account_holder_tax_id",
        ),
        _HOLDER,
    ),
    "invalid_currency": _CURRENCY,
    "unsupported_card": _CARD,
}  # fmt: skip


def refusal(status: int, kind: str, code: str) -> Reason | None:
    """Why a call was refused for good; None when nothing final was said. `kind` is the error's type."""
    if status in _AGAIN_STATUS or code in AGAIN or kind == "idempotency_error":
        return None
    known = REQUEST.get(code)
    if known is not None:
        return known
    return _OURS if status in (401, 403) else _NO


def bounced(code: str) -> Reason:
    """Why a payout from the Stripe balance did not reach the bank."""
    return PAYOUT.get(code, _BANK)


# What Stripe still wants of an account, by the beginning of the name it gives it; the first that fits.
_WANTED: tuple[tuple[str, str], ...] = (
    ("external_account", "A bank account to pay out to"),
    ("tos_acceptance", "Stripe’s terms, accepted"),
    ("business_profile.url", "Your website"),
    ("business_profile.mcc", "Your line of business"),
    ("business_profile", "What your business does"),
    ("business_type", "Whether you are a person or a company"),
    ("individual.verification", "A document that proves who you are"),
    ("individual.dob", "Your date of birth"),
    ("individual.address", "Your address"),
    ("individual.id_number", "Your tax or identity number"),
    ("individual.ssn_last_4", "The last four digits of your social security number"),
    ("individual.email", "Your e-mail address"),
    ("individual.phone", "Your phone number"),
    ("individual", "Your name and details"),
    ("company.verification", "A document that proves the company"),
    ("company.tax_id", "The company’s tax number"),
    ("company.address", "The company’s address"),
    ("company", "The company’s details"),
    ("representative", "Who represents the company"),
    ("owners", "Who owns the company"),
    ("directors", "Who directs the company"),
    ("person_", "Details of a person of the company"),
)
_DISABLED: tuple[tuple[str, str], ...] = (
    ("requirements.past_due", "Stripe waits for details that are overdue."),
    ("requirements.pending_verification", "Stripe is checking the details you gave."),
    ("under_review", "Stripe is looking into this account."),
    ("action_required", "Stripe waits for something from you."),
    ("platform_paused", "We paused this account. Write to us."),
    ("rejected", "Stripe closed this account and will not open it again. Choose another payout method."),
    ("listed", "Stripe is looking into this account."),
)


def wanted(names: tuple[str, ...]) -> list[str]:
    """Plain words for what Stripe wants, each once, in its order."""
    said = (next((words for start, words in _WANTED if name.startswith(start)), "More details") for name in names)
    return list(dict.fromkeys(said))


def disabled(reason: str) -> str:
    """Plain words for why an account is switched off; "" for one that is not."""
    if not reason:
        return ""
    return next((words for start, words in _DISABLED if reason.startswith(start)), "Stripe switched this account off.")

"""PayPal's error names in words a payee understands, and who can mend them (Payouts v1, as documented).

Also what Venmo says: it is the same interface. `{wallet}` stands for where the payee takes the money.
"""

from __future__ import annotations

from app.rails.base import Blame
from app.rails.reasons import Reason


def _payee(message: str, cure: str) -> Reason:
    return Reason(message, cure, Blame.PAYEE)


def _payer(message: str, cure: str) -> Reason:
    return Reason(message, cure, Blame.PAYER)


_ANOTHER = "Give another {wallet} account, or another payout method."
_SIGN_IN = "Sign in to {wallet} and do what it asks for, or give another account."
_SENDER = _payer(
    "The account the payouts are made from may not send at the moment.",
    "Sign in to PayPal with the paying account and do what it asks for, then send it again.",
)
_RIGHTS = _payer(
    "PayPal does not let us send payouts.",
    "Check the credentials, and that Payouts is switched on for the application, then send it again.",
)
_LATER = Reason("PayPal could not do it just then.", "Nothing to do: it can be sent again later.", Blame.RETRY)
_NEVER = Reason(
    "{wallet} does not carry out this payment.", "Choose another payout method for this payee.", Blame.PERMANENT
)
_OURS = Reason("PayPal could not use our instruction.", "Choose another payout method for this payee.", Blame.PERMANENT)
_LIMITED = _payee("The {wallet} account is limited.", _SIGN_IN)
_REGION = _payee(
    "{wallet} may not pay into this account where it is registered.", "Give another payout method, e.g. a bank account."
)

REASONS: dict[str, Reason] = {
    "RECEIVER_UNREGISTERED": _payee(
        "There is no {wallet} account under this address.",
        "Open a {wallet} account under the address you gave, or give the address of the one you have.",
    ),
    "RECEIVER_UNCONFIRMED": _payee(
        "The address of the {wallet} account is not confirmed.",
        "Sign in to {wallet} and confirm the address you are paid to.",
    ),
    "RECEIVER_ACCOUNT_LOCKED": _payee("The {wallet} account is locked.", _SIGN_IN),
    "RECEIVER_ACCOUNT_LIMITATION": _LIMITED,
    "RECEIVER_STATE_RESTRICTED": _LIMITED,
    "RECEIVER_YOUTH_ACCOUNT": _payee("The {wallet} account belongs to a minor.", _ANOTHER),
    "RECEIVER_REFUSED": _payee("The payment was refused in {wallet}.", "Accept the next one, or give another account."),
    "RECEIVING_LIMIT_EXCEEDED": _payee(
        "The {wallet} account may not receive this much.",
        "Sign in to {wallet} and lift the limit, usually by confirming who you are.",
    ),
    "RECEIVER_COUNTRY_NOT_ALLOWED": _REGION,
    "CURRENCY_NOT_SUPPORTED_FOR_RECEIVER": _payee(
        "The {wallet} account takes no money in this currency.",
        "Sign in to {wallet} and allow the currency, or give another payout method.",
    ),
    "INVALID_EMAIL": _payee("{wallet} does not know this address.", "Check the address letter by letter."),
    "SELF_PAY_NOT_ALLOWED": _payee("The address belongs to the account that pays.", "Give an address of your own."),
    "UNVERIFIED_RECIPIENT_NOT_SUPPORTED": _payee(
        "The {wallet} account is not verified.", "Sign in to {wallet} and verify the account."
    ),
    "INSUFFICIENT_FUNDS": _payer(
        "The account the payouts are made from has too little money.",
        "Top up the PayPal balance in this currency (amounts and fees), then send it again.",
    ),
    "NEGATIVE_BALANCE": _payer(
        "The account the payouts are made from is below zero.", "Settle the PayPal balance, then send it again."
    ),
    "NON_HOLDING_CURRENCY": _payer(
        "The account the payouts are made from holds no money in this currency.",
        "Open a balance in this currency at PayPal, then send it again.",
    ),
    "SPENDING_LIMIT_EXCEEDED": _payer(
        "The account the payouts are made from has reached its limit.",
        "Ask PayPal for a higher limit, or send it again later.",
    ),
    "POS_LIMIT_EXCEEDED": _payer(
        "The account the payouts are made from has reached its limit.",
        "Ask PayPal for a higher limit, or send it again later.",
    ),
    "BATCH_DENIED": _payer(
        "PayPal refused the whole batch; nothing of it was paid.",
        "Sign in to PayPal with the paying account and see why, then send it again.",
    ),
    **dict.fromkeys(
        ("AUTHENTICATION_FAILURE", "AUTHORIZATION_ERROR", "REQUIRED_SCOPE_MISSING", "REFUSED_ACCESS_DENIED"), _RIGHTS
    ),
    **dict.fromkeys(
        (
            "ACCOUNT_RESTRICTED", "ACCOUNT_UNCONFIRMED_EMAIL", "APPROVER_DENIED", "CIP_NOT_VERIFIED",
            "GAMER_FAILED_FUNDING_SOURCE_CHECK", "GAMING_INVALID_PAYMENT_FLOW", "SENDER_ACCOUNT_LOCKED",
            "SENDER_ACCOUNT_UNVERIFIED", "SENDER_EMAIL_UNCONFIRMED", "SENDER_LOCKED", "SENDER_RESTRICTED",
            "SENDER_STATE_RESTRICTED", "TRANSACTION_DECLINED_BY_TRAVEL_RULE", "USER_COUNTRY_NOT_ALLOWED",
            "USER_FUNDING_SOURCE_INELIGIBLE",
        ),
        _SENDER,
    ),
    **dict.fromkeys(
        (
            "CLOSED_MARKET", "CURRENCY_COMPLIANCE", "GAMER_FAILED_COUNTRY_OF_RESIDENCE_CHECK", "REGULATORY_BLOCKED",
            "RISK_DECLINE", "TRANSACTION_LIMIT_EXCEEDED",
        ),
        _NEVER,
    ),
    **dict.fromkeys(
        (
            "DUPLICATE_ITEM", "INVALID_RESOURCE_ID", "ITEM_ALREADY_CANCELLED", "ITEM_INCORRECT_STATUS",
            "SYNC_MODE_NOT_APPLICABLE", "VALIDATION_ERROR", "ZERO_AMOUNT",
        ),
        _OURS,
    ),
    **dict.fromkeys(
        (
            "BATCH_NOT_COMPLETED", "INTERNAL_ERROR", "ITEM_CANCELLATION_FAILED", "PREVIOUS_REQUEST_IN_PROGRESS",
            "RATE_LIMIT_REACHED", "RATE_LIMIT_VALIDATION_FAILURES", "REQUEST_TIMEOUT_EXCEEDED", "UNDEFINED",
        ),
        _LATER,
    ),
    "NOT_IN_BATCH": Reason(
        "PayPal has not got it: it was not part of the batch.",
        "Nothing to do: it can be sent again.",
        Blame.RETRY,
    ),
    "REGULATORY_PENDING": Reason(
        "PayPal is reviewing the payment.", "Nothing to do, unless {wallet} writes to you for documents.", None
    ),
    "PENDING_RECIPIENT_NON_HOLDING_CURRENCY_PAYMENT_PREFERENCE": Reason(
        "The payment waits in {wallet}: the account holds no balance in this currency.",
        "Sign in to {wallet} and accept the payment.",
        None,
    ),
}  # fmt: skip
# The call may be made again under the same key; in an item they say that it failed for certain.
TRY_AGAIN = frozenset(
    {
        "BATCH_NOT_COMPLETED", "INTERNAL_ERROR", "ITEM_CANCELLATION_FAILED", "PREVIOUS_REQUEST_IN_PROGRESS",
        "RATE_LIMIT_REACHED", "RATE_LIMIT_VALIDATION_FAILURES", "REQUEST_TIMEOUT_EXCEEDED",
    }
)  # fmt: skip
# Decided by what is in the request and nothing else: said again, it was said the first time.
BY_CONTENT = frozenset({"VALIDATION_ERROR", "DUPLICATE_ITEM", "ZERO_AMOUNT", "SYNC_MODE_NOT_APPLICABLE"})
_UNKNOWN = Reason("PayPal refused it.", "Choose another payout method, or ask PayPal.", Blame.PERMANENT)


def reason(code: str, wallet: str) -> Reason:
    """Who can mend an error, what it says and what to do; of a name PayPal does not document, that it was refused."""
    found = REASONS.get(code, _UNKNOWN)
    return Reason(found.message.format(wallet=wallet), found.cure.format(wallet=wallet), found.blame)

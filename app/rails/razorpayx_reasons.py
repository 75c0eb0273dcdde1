"""Why RazorpayX did not pay, in words the payee understands, and who can mend it."""

from __future__ import annotations

from app.rails.base import Blame
from app.rails.indian_transfers import Mode
from app.rails.reasons import Reason

_LATER = "Nothing to do for the payee: it can be sent again after half an hour."
_CLOSED = Reason("The account is closed.", "Add an account that is open.", Blame.PAYEE)
_FROZEN = Reason("The bank blocks this account.", "Speak to your bank, or add another account.", Blame.PAYEE)
_DORMANT = Reason(
    "The account has not been used for so long that it takes no money.",
    "Ask your bank to wake it up, or add another account.",
    Blame.PAYEE,
)
_NO_ACCOUNT = Reason(
    "The bank found no such account.", "Check the account number and the IFSC, character by character.", Blame.PAYEE
)
_IFSC = Reason("The IFSC belongs to no branch.", "Check the IFSC: it is printed on cheques and passbooks.", Blame.PAYEE)
_VPA = Reason("There is no such UPI address.", "Check the UPI address, or add a bank account.", Blame.PAYEE)
_REFUSED = Reason("The payee's bank refused it.", "Speak to your bank, or add another account.", Blame.PAYEE)
_TOO_MUCH = Reason(
    "The account takes no payment this large, or no more at the moment.",
    "Speak to your bank about the limit, or add another account.",
    Blame.PAYEE,
)
_BANK_DOWN = Reason("The payee's bank could not take it at the moment.", _LATER, Blame.RETRY)
_GATEWAY = Reason("The network between the banks did not work.", _LATER, Blame.RETRY)
_OTHER_MODE = Reason(
    "The account takes no IMPS.", "Nothing to do for the payee: sent again it goes by NEFT or RTGS.", Blame.RETRY
)
_NEFT_FULL = Reason(
    "The limit of NEFT for the day is used up.", "Nothing to do for the payee: sent again it goes another way.",
    Blame.RETRY,
)  # fmt: skip
_FUNDS = Reason(
    "Our RazorpayX account does not hold enough.",
    "Nothing to do for the payee: top up the RazorpayX account, then send it again.",
    Blame.PAYER,
)
_TROUBLE = Reason(
    "RazorpayX could not carry it out.",
    "Nothing to do for the payee: ask RazorpayX what happened, then send it again.",
    Blame.PAYER,
)
_OURS = Reason(
    "RazorpayX does not take these particulars.",
    "Nothing to do for the payee: what RazorpayX said is with the attempt.",
    Blame.PERMANENT,
)
_CANCELLED = Reason(
    "It was cancelled at RazorpayX.",
    "Nothing to do for the payee: ask who cancelled it before sending it again.",
    Blame.PAYER,
)
_REJECTED = Reason(
    "It was not approved at RazorpayX.",
    "Nothing to do for the payee: ask who rejected it before sending it again.",
    Blame.PAYER,
)

BY_REASON: dict[str, Reason] = {
    "amount_limit_exhausted_neft": _NEFT_FULL,
    "bank_account_closed": _CLOSED,
    "bank_account_frozen": _FROZEN,
    **dict.fromkeys(("bank_account_invalid", "beneficiary_account_invalid", "invalid_beneficiary"), _NO_ACCOUNT),
    "beneficiary_account_dormant": _DORMANT,
    **dict.fromkeys(
        (
            "beneficiary_bank_failure", "beneficiary_bank_offline", "beneficiary_bank_technical_error",
            "beneficiary_psp_offline", "npci_beneficiary_timeout",
        ),
        _BANK_DOWN,
    ),
    "beneficiary_bank_rejected": _REFUSED,
    "beneficiary_vpa_invalid": _VPA,
    **dict.fromkeys(
        ("gateway_down", "gateway_technical_error", "gateway_timeout", "server_error_temporary"), _GATEWAY
    ),
    "imps_not_allowed": _OTHER_MODE,
    "insufficient_funds": _FUNDS,
    "invalid_ifsc_code": _IFSC,
    "server_error": _TROUBLE,
    "transaction_limit_exceeded": _TOO_MUCH,
    "input_validation_failed": _OURS,
}  # fmt: skip
# Where the reason says nothing we know, the status still does.
BY_STATUS: dict[str, Reason] = {"cancelled": _CANCELLED, "rejected": _REJECTED}
# After these the same account is tried another way, in a new attempt.
NOT_BY: dict[str, Mode] = {"imps_not_allowed": Mode.IMPS, "amount_limit_exhausted_neft": Mode.NEFT}

# Why a payout that was taken has not moved yet, where somebody on our side can do something about it.
WAITING: dict[str, str] = {
    "low_balance": "Waits at RazorpayX until the account there is topped up.",
    "pending_approval": "Waits for somebody to approve it at RazorpayX.",
    "gateway_degraded": "Waits at RazorpayX: the network between the banks is slow.",
    "beneficiary_bank_down": "Waits at RazorpayX: the payee's bank does not answer.",
    "syncing_balance": "Waits at RazorpayX: the balance there is being read.",
    "bank_window_closed": "Goes out when banks work again.",
}


def explain(reason: str, status: str = "", words: str = "") -> Reason:
    """What a payout's status details say; a sentence that quotes RazorpayX for reasons nobody told us of."""
    known = BY_REASON.get(reason) or BY_STATUS.get(status)
    if known is not None:
        return known
    if words:
        return Reason(f"RazorpayX did not pay it: {words[:200].rstrip('. ')}.", _TROUBLE.cure, _TROUBLE.blame)
    return _TROUBLE

"""What M-Pesa's codes mean, who can mend it, the cure in the payee's words. Source: Safaricom's Daraja 3.0 pages."""

from __future__ import annotations

from app.rails.base import Blame, Outcome, Result

_NOBODY = "Nothing to do for the payee; we send it again."
_RESULTS: dict[str, tuple[Blame, str, str]] = {
    "1": (Blame.PAYER, "Our M-Pesa account has too little money.", _NOBODY),
    "2": (Blame.PERMANENT, "The amount is below what M-Pesa sends.", "Wait until more has come together."),
    "3": (Blame.PERMANENT, "The amount is above what M-Pesa sends at once.", "Ask for it in parts."),
    "4": (Blame.RETRY, "The daily limit of the number is reached.", "It can be sent again tomorrow."),
    "8": (Blame.PAYEE, "The M-Pesa balance would pass its limit.", "Use some of the balance, then ask again."),
    "2040": (Blame.PAYEE, "The number is not registered for M-Pesa.", "Register it, or give another number."),
    "SFC_IC0003": (Blame.PAYEE, "The number is not on M-Pesa.", "Check the number, digit by digit."),
    **dict.fromkeys(
        ("11", "21", "2001", "2006", "2028", "8006"),
        (Blame.PAYER, "Our M-Pesa account cannot send at the moment.", _NOBODY),
    ),
}
_OTHER = (Blame.PAYEE, "M-Pesa did not complete it.", "Check the number, or add another method.")
OURS = frozenset({"400.008.01", "400.008.02"})  # our key and secret are refused
DUPLICATE = "500.002.1001"
# Printed alike in three public places; they change, so MPESA_CALLBACK_ADDRESSES replaces them.
ADDRESSES = (
    "196.201.214.200", "196.201.214.206", "196.201.213.114", "196.201.214.207", "196.201.214.208", "196.201.213.44",
    "196.201.212.127", "196.201.212.138", "196.201.212.129", "196.201.212.136", "196.201.212.74", "196.201.212.69",
)  # fmt: skip


def certain(code: str) -> bool:
    """Whether it says for sure that nothing was paid; what other codes mean is asked first."""
    return code in _RESULTS


def failed(key: str, reference: str, code: str) -> Result:
    """The result of an instruction that ended without paying."""
    blame, message, cure = _RESULTS.get(code, _OTHER)
    return Result(key, Outcome.FAILED, reference, code, message, cure, blame)


def repeated(code: str, message: str) -> bool:
    """Whether it says that this OriginatorConversationID was taken before; the code is printed for others too."""
    return code == DUPLICATE and "duplicate" in message.lower()

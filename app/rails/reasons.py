"""Why a bank sent money back, in words a payee understands. Codes: NACHA R, ISO 20022 external, Bacs ARUCS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.rails.base import Blame


@dataclass(frozen=True, slots=True)
class Reason:
    """`message` says what happened, `cure` what to do about it, `blame` who can. None: nobody failed, it goes on."""

    message: str
    cure: str
    blame: Blame | None


_CLOSED = Reason("The account is closed.", "Add an account that is open.", Blame.PAYEE)
_NO_ACCOUNT = Reason(
    "The bank found no such account.", "Check the account number and bank code, digit by digit.", Blame.PAYEE
)
_MOVED = Reason("The account moved to another branch or bank.", "Ask your bank for the new details.", Blame.PAYEE)
_FROZEN = Reason("The bank blocks this account.", "Speak to your bank, or add another account.", Blame.PAYEE)
_REFUSED = Reason("The bank or account holder refused it.", "Speak to your bank, or add another account.", Blame.PAYEE)
_NAME = Reason(
    "The name does not fit the account.", "Give the account holder's name as the bank knows it.", Blame.PAYEE
)
_DETAILS = Reason("The bank details are not complete or not right.", "Check the account details.", Blame.PAYEE)
_DECEASED = Reason("The account holder has died.", "The estate has to give other instructions.", Blame.PERMANENT)
_FUNDS = Reason("Our account could not cover it.", "Nothing to do for the payee; we send it again.", Blame.PAYER)
_OURS = Reason("The bank could not use our instruction.", "Nothing to do for the payee; we mend it.", Blame.PAYER)
_RECALLED = Reason("It was called back.", "Ask who called it back before sending it again.", Blame.PAYER)
_ASK = Reason(
    "The bank took it for one that should not be paid.",
    "Ask the bank what became of it before it is sent again.",
    Blame.PAYER,
)
_DEBIT = Reason(
    "The bank gave a reason that no transfer to somebody can have.",
    "Ask the bank what it means before it is sent again.",
    Blame.PAYER,
)
_OTHER = Reason("The bank did not complete it.", "Check the account details, or add another account.", Blame.PAYEE)

_BY_CODE: dict[str, Reason] = {
    **dict.fromkeys(("R02", "AC04", "AC07", "B"), _CLOSED),
    **dict.fromkeys(("R03", "R04", "R28", "AC01", "AC02", "AC03", "RC01", "RC04", "BE06", "5"), _NO_ACCOUNT),
    **dict.fromkeys(("R12", "3"), _MOVED),
    **dict.fromkeys(("R16", "AC06"), _FROZEN),
    **dict.fromkeys(("R20", "R23", "MS02", "MS03", "AG01"), _REFUSED),
    **dict.fromkeys(("R22", "BE01", "BE04", "BE05"), _NAME),
    **dict.fromkeys(("R13", "R17", "R34", "0"), _DETAILS),
    **dict.fromkeys(("R14", "R15", "MD07", "2"), _DECEASED),
    **dict.fromkeys(("AM04",), _FUNDS),
    **dict.fromkeys(("R18", "R19", "R21", "R25", "R26", "R27", "FF01"), _OURS),
    **dict.fromkeys(("R06", "CUST", "TECH", "C"), _RECALLED),
    **dict.fromkeys(("R24", "R31", "AM05", "DUPL"), _ASK),
    **dict.fromkeys(("R01", "R07", "R08", "R09", "R10", "R29"), _DEBIT),  # reasons of debits
}
_BY_WORDS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"deceased|died"), _DECEASED),
    (re.compile(r"closed"), _CLOSED),
    (re.compile(r"insufficient|lack of funds|no funds"), _FUNDS),
    (re.compile(r"transferred|moved"), _MOVED),
    (re.compile(r"frozen|blocked"), _FROZEN),
    (
        re.compile(r"(no|invalid|unknown|incorrect|wrong) account|account.*(not found|does not exist|invalid)"),
        _NO_ACCOUNT,
    ),
    (re.compile(r"\bname\b"), _NAME),
    (re.compile(r"recall|called back|requested by remitter"), _RECALLED),
    (re.compile(r"refused|rejected by"), _REFUSED),
)


def explain(code: str, words: str = "") -> Reason:
    """The reason a bank's code or free text stands for; a general one that quotes the bank when neither is known."""
    known = _BY_CODE.get(code.strip().upper())
    if known is not None:
        return known
    lowered = words.lower()
    for pattern, reason in _BY_WORDS:
        if pattern.search(lowered):
            return reason
    if words:
        return Reason(f"The bank did not complete it: {words[:200]}", _OTHER.cure, _OTHER.blame)
    return _OTHER

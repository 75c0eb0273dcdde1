"""What becomes of an instruction, decided by the last four characters of the account. Listed in docs/simulator.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fate:
    """`ends` is paid, failed or "" (stays open); `returned` comes after; `refused`: the code of an instant no.
    `waits`: until the payee does something.
    """

    ends: str = "paid"
    code: str = ""
    refused: str = ""
    returned: bool = False
    silent: bool = False
    deliveries: int = 1
    late_news: bool = False
    waits: bool = False
    at_once: bool = False


FATES: dict[str, Fate] = {
    "0000": Fate(ends="failed", code="account_closed"),
    "0001": Fate(returned=True, code="account_closed"),
    "0002": Fate(silent=True),
    "0003": Fate(deliveries=3),
    "0004": Fate(refused="invalid_account"),
    "0005": Fate(ends=""),
    "0006": Fate(ends="failed", code="insufficient_funds"),
    "0007": Fate(ends="failed", code="bank_offline"),
    "0008": Fate(late_news=True),
    "0009": Fate(at_once=True),
    "0010": Fate(ends="", waits=True),
}
MESSAGES = {
    "account_closed": "The account is closed.",
    "invalid_account": "There is no such account.",
    "insufficient_funds": "The paying account has too little money.",
    "bank_offline": "The payee's bank does not answer.",
}


def fate_of(account: str) -> Fate:
    return FATES.get(account[-4:], Fate())

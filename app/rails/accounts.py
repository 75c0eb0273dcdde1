"""Where money really lies: our accounts at banks and providers, and which of them each rail pays from.

By name and not by object, so that an account outlives the rail, and a statement can be read for a rail that is off.
"""

from __future__ import annotations

from dataclasses import dataclass

BANK = "bank"


@dataclass(frozen=True, slots=True)
class MoneyAccount:
    """One of our accounts, in any number of currencies. `rails` pay from it; names need no rail yet."""

    name: str
    label: str
    rails: tuple[str, ...]


# A new account is one line; its name is the `rail` of its cash and clearing in the ledger.
ACCOUNTS: dict[str, MoneyAccount] = {
    account.name: account
    for account in (
        MoneyAccount(BANK, "Bank", ("bank_file", "check", "simulated")),
        MoneyAccount("stripe", "Stripe balance", ("stripe_connect",)),
        MoneyAccount("paypal", "PayPal balance", ("paypal", "venmo")),
        MoneyAccount("mpesa", "M-Pesa", ("mpesa",)),
        MoneyAccount("razorpayx", "RazorpayX", ("razorpayx",)),
    )
}
_OF_RAIL = {rail: account.name for account in ACCOUNTS.values() for rail in account.rails}


def account_of(rail: str) -> str:
    """The name of the account a rail pays from; the bank for one that is nowhere."""
    return _OF_RAIL.get(rail, BANK)


def shared(account: str) -> bool:
    """Whether several rails pay from it, so that no provider's balance is the account's alone."""
    return account == BANK


def sql(column: str) -> str:
    """`account_of` of a column, for set-based statements. Names are our own constants."""
    cases = " ".join(f"WHEN '{rail}' THEN '{name}'" for rail, name in sorted(_OF_RAIL.items()) if name != BANK)
    return f"(CASE {column} {cases} ELSE '{BANK}' END)"

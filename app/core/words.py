"""Amounts in English words, as a check spells them."""

from __future__ import annotations

from app.core.money import MAX_MINOR, Money, exponent

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_LAKHS = frozenset({"BDT", "INR", "LKR", "NPR", "PKR"})  # counted in lakh (100,000) and crore (100 lakh)
_GROUPS = ("", " thousand", " million", " billion", " trillion", " quadrillion")


def number_in_words(number: int) -> str:
    """1234 → "one thousand two hundred thirty-four". Raises ValueError below zero and beyond any amount of ours."""
    if not 0 <= number <= MAX_MINOR:
        raise ValueError(f"only 0 to {MAX_MINOR} can be spelled")
    if number == 0:
        return _ONES[0]
    groups: list[str] = []
    for name in _GROUPS:
        number, group = divmod(number, 1000)
        if group:
            groups.append(_below_thousand(group) + name)
    return " ".join(reversed(groups))


def number_in_lakhs(number: int) -> str:
    """12345678 → "one crore twenty-three lakh forty-five thousand six hundred seventy-eight". Raises as above."""
    crores, rest = divmod(number, 10_000_000)
    lakhs, rest = divmod(rest, 100_000)
    parts = [f"{number_in_lakhs(crores)} crore"] if crores else []
    parts += [f"{number_in_words(lakhs)} lakh"] if lakhs else []
    parts += [number_in_words(rest)] if rest or not parts else []
    return " ".join(parts)


def amount_in_words(amount: Money) -> str:
    """USD 1,234.50 → "One thousand two hundred thirty-four US dollars and 50/100".

    Decimals are a fraction, as banks read them; a currency without decimals has none. Raises ValueError below zero.
    """
    from babel.numbers import get_currency_name  # slow to import

    digits = exponent(amount.currency)
    whole, part = divmod(amount.minor, 10**digits)
    words = number_in_lakhs(whole) if amount.currency in _LAKHS else number_in_words(whole)
    name = get_currency_name(amount.currency, count=whole, locale="en")
    fraction = f" and {part:0{digits}d}/{10**digits}" if digits else ""
    return f"{words[0].upper()}{words[1:]} {name}{fraction}"


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        words.append(_TENS[tens] + (f"-{_ONES[ones]}" if ones else ""))
    elif rest:
        words.append(_ONES[rest])
    return " ".join(words)

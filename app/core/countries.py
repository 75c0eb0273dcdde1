"""Countries by their ISO 3166 code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

_NO_COUNTRY = frozenset("AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ".split())  # groups and made-up codes of the CLDR


@cache
def countries() -> Mapping[str, str]:
    """Code → English name. Babel's data is slow to load, so it is taken at the first call."""
    from babel import Locale

    names = {str(code): str(name) for code, name in Locale("en").territories.items()}
    return MappingProxyType(
        {code: names[code] for code in names if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY}
    )


def country_name(code: str) -> str:
    """In English; an unknown code is its own name."""
    return countries().get(code, code)

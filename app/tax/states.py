"""What a form of the IRS distinguishes."""

from __future__ import annotations

from enum import StrEnum


class Classification(StrEnum):
    """Line 3a of Form W-9. An LLC names how it is taxed."""

    INDIVIDUAL = "individual"
    C_CORPORATION = "c_corporation"
    S_CORPORATION = "s_corporation"
    PARTNERSHIP = "partnership"
    TRUST_ESTATE = "trust_estate"
    LLC_C = "llc_c"
    LLC_S = "llc_s"
    LLC_P = "llc_p"
    OTHER = "other"


class TinKind(StrEnum):
    SSN = "ssn"
    ITIN = "itin"
    EIN = "ein"

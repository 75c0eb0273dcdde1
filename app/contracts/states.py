from __future__ import annotations

from enum import StrEnum


class ContractStatus(StrEnum):
    """An e-signed contract runs from draft to sealed; one that was signed elsewhere is on file from the start."""

    DRAFT = "draft"
    SENT = "sent"
    VIEWED = "viewed"
    CONSENTED = "consented"
    SIGNED = "signed"  # by the payee; the organization's signature is missing
    COUNTERSIGNED = "countersigned"  # by everybody; the sealed PDF is being made
    SEALED = "sealed"
    ON_FILE = "on_file"
    DECLINED = "declined"
    EXPIRED = "expired"
    VOIDED = "voided"
    SUPERSEDED = "superseded"


S = ContractStatus
_ENDS = frozenset({S.EXPIRED, S.VOIDED, S.SUPERSEDED})
TRANSITIONS: dict[ContractStatus, frozenset[ContractStatus]] = {
    S.DRAFT: frozenset({S.SENT, S.VOIDED}),
    S.SENT: _ENDS | {S.VIEWED, S.DECLINED},
    S.VIEWED: _ENDS | {S.CONSENTED, S.DECLINED},
    S.CONSENTED: _ENDS | {S.SIGNED, S.COUNTERSIGNED, S.DECLINED},
    S.SIGNED: _ENDS | {S.COUNTERSIGNED},
    S.COUNTERSIGNED: frozenset({S.SEALED}),
    S.SEALED: frozenset({S.SUPERSEDED}),
    S.ON_FILE: frozenset({S.VOIDED, S.SUPERSEDED}),
    S.DECLINED: frozenset(),
    S.EXPIRED: frozenset(),
    S.VOIDED: frozenset(),
    S.SUPERSEDED: frozenset(),
}
# The payee has something to do.
TO_SIGN = frozenset({S.SENT, S.VIEWED, S.CONSENTED})
# Somebody still has to sign before it expires.
OPEN = TO_SIGN | {S.SIGNED}
IN_FORCE = frozenset({S.SEALED, S.ON_FILE})


class ContractForm(StrEnum):
    """How it came to be signed."""

    ESIGN = "esign"
    UPLOAD = "upload"
    LINK = "link"


class Party(StrEnum):
    PAYEE = "payee"
    ORGANIZATION = "organization"


class SigningOrder(StrEnum):
    PAYEE_FIRST = "payee_first"
    ORGANIZATION_FIRST = "organization_first"
    PAYEE_ONLY = "payee_only"

    @property
    def parties(self) -> tuple[Party, ...]:
        """Who signs, in order."""
        return {
            SigningOrder.PAYEE_FIRST: (Party.PAYEE, Party.ORGANIZATION),
            SigningOrder.ORGANIZATION_FIRST: (Party.ORGANIZATION, Party.PAYEE),
            SigningOrder.PAYEE_ONLY: (Party.PAYEE,),
        }[self]


class SignatureKind(StrEnum):
    TYPED = "typed"
    DRAWN = "drawn"


class FieldType(StrEnum):
    TEXT = "text"
    PARAGRAPH = "paragraph"
    AMOUNT = "amount"
    PERCENT = "percent"
    NUMBER = "number"
    DAY = "day"
    YES_NO = "yes_no"


class TemplateStatus(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"

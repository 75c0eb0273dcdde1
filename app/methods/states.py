from __future__ import annotations

from enum import StrEnum


class MethodStatus(StrEnum):
    """`cooling`: changed by the payee and not yet payable; the date is in `usable_from_at`."""

    ACTIVE = "active"
    DISABLED = "disabled"

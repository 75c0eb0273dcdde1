from __future__ import annotations

from enum import StrEnum


class OrganizationKind(StrEnum):
    BUYER = "BUYER"
    PROVIDER = "PROVIDER"
    HYBRID = "HYBRID"


class OrganizationStatus(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class Role(StrEnum):
    OWNER = "ORG_OWNER"
    ADMIN = "ORG_ADMIN"
    MANAGER = "ORG_MANAGER"
    CONSULTANT = "ORG_CONSULTANT"
    SUPPORT = "ORG_SUPPORT"
    LEARNER = "ORG_LEARNER"

    @property
    def rank(self) -> int:
        return RANKS[self]

    @property
    def label(self) -> str:
        return self.value.removeprefix("ORG_").capitalize()


RANKS: dict[Role, int] = {
    Role.OWNER: 100,
    Role.ADMIN: 80,
    Role.MANAGER: 60,
    Role.CONSULTANT: 40,
    Role.SUPPORT: 30,
    Role.LEARNER: 20,
}


class MemberStatus(StrEnum):
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"

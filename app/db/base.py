"""Base classes of tables. The base decides who sees the rows (row-level security, `app/db/rls.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.db.types import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Visibility(StrEnum):
    """Which policy a table gets."""

    GLOBAL = "global"  # no tenant in it; the class says why
    ORGANIZATION = "organization"  # staff of the organization
    PAYEE = "payee"  # staff of the organization, and that payee across organizations
    PAYEE_OWN = "payee_own"  # that payee, and staff of organizations that engage them
    CLIENT = "client"  # staff of the organization, and that client
    CONSULTATION = "consultation"  # the payee, the client, and staff of the organization and of the one that buys
    PLATFORM = "platform"  # the platform role only


@dataclass(frozen=True, slots=True)
class Protection:
    """How the database guards a table; see the class attributes of `Base`."""

    visibility: Visibility
    append_only: bool
    anyone_adds: bool


PROTECTION: dict[str, Protection] = {}  # by table name, filled as the models are defined


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        date: Date,
        UUID: Uuid,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }
    __visibility__: ClassVar[Visibility]
    __append_only__: ClassVar[bool] = False
    __anyone_adds__: ClassVar[bool] = False  # every scope may insert, even where it may not read

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = getattr(cls, "__table__", None)
        if isinstance(table, Table):
            PROTECTION[table.name] = Protection(cls.__visibility__, cls.__append_only__, cls.__anyone_adds__)
            cls.__finish_table__(table)

    @classmethod
    def __finish_table__(cls, table: Table) -> None:
        """Hook for base classes that add constraints to every table of theirs."""


class Identified(Base):
    __abstract__ = True
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, server_default=func.uuidv7(), sort_order=-10)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90)


class Appended(Base):
    """A row by the million that nothing points to: numbered by its table, which costs a tenth of a UUID."""

    __abstract__ = True
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, sort_order=-10)


class Record(Identified):
    """A global table; `__global_reason__` says why no tenant owns it."""

    __abstract__ = True
    __visibility__ = Visibility.GLOBAL
    __global_reason__: ClassVar[str]


class PlatformRecord(Identified):
    """Seen by the platform role only: infrastructure such as the outbox and received webhooks."""

    __abstract__ = True
    __visibility__ = Visibility.PLATFORM


class OrganizationRecord(Identified):
    """Belongs to one organization; its staff see it."""

    __abstract__ = True
    __visibility__ = Visibility.ORGANIZATION
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), sort_order=-9)


class PayeeRecord(Identified):
    """Belongs to a payee within an organization: staff of that organization and that payee see it.

    The composite key to engagements stops a row from joining two tenants: foreign keys bypass row-level security.
    """

    __abstract__ = True
    __visibility__ = Visibility.PAYEE
    organization_id: Mapped[UUID] = mapped_column(sort_order=-9)
    payee_id: Mapped[UUID] = mapped_column(sort_order=-8)

    @classmethod
    def __finish_table__(cls, table: Table) -> None:
        engagement_key(table)


def engagement_key(table: Table) -> None:
    """Tie (organization_id, payee_id) of `table` to an engagement."""
    table.append_constraint(
        ForeignKeyConstraint(
            ["organization_id", "payee_id"],
            ["engagements.organization_id", "engagements.payee_id"],
            name=f"fk_{table.name}_engagement",
        )
    )


class PayeeOwnRecord(Identified):
    """Belongs to a payee whatever the organization; staff of organizations that engage them may see it."""

    __abstract__ = True
    __visibility__ = Visibility.PAYEE_OWN
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("payees.id"), sort_order=-9)

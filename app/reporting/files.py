"""The files of a payee or an organization in one list, each with what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, literal, or_, select
from sqlalchemy.orm import Session

from app.contracts.models import Contract
from app.core.errors import NotFound
from app.db import paging
from app.deliverables.models import Deliverable, DeliverableSubmission
from app.files.models import SHOWN, StoredFile
from app.messages.models import Message, Thread
from app.organizations.models import Organization
from app.payables.models import PaymentRequest
from app.payables.states import RequestStatus
from app.payees.models import Payee
from app.projects.models import Project

PAGE = 30


class Belongs(StrEnum):
    """What a file came with."""

    BILL = "bill"
    MESSAGE = "message"
    PROJECT = "project"
    DELIVERABLE = "deliverable"
    CONTRACT = "contract"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FileFilter:
    """`organization_id` is what staff see: nothing of bills that were not sent. `search`: a part of the name."""

    organization_id: UUID | None = None
    payee_id: UUID | None = None
    payer_id: UUID | None = None  # of a payee's files, those for this organization
    belongs: Belongs | None = None
    search: str = ""


_KIND: ColumnElement[str] = case(
    (PaymentRequest.id.is_not(None), literal(Belongs.BILL.value)),
    (Message.id.is_not(None), literal(Belongs.MESSAGE.value)),
    (Project.id.is_not(None), literal(Belongs.PROJECT.value)),
    (Deliverable.id.is_not(None), literal(Belongs.DELIVERABLE.value)),
    (Contract.id.is_not(None), literal(Belongs.CONTRACT.value)),
    else_=literal(Belongs.OTHER.value),
)


def _files(wanted: FileFilter) -> paging.AnySelect:
    query: paging.AnySelect = (
        select(
            StoredFile.id, StoredFile.name, StoredFile.content_type, StoredFile.size_bytes, StoredFile.uploaded_by,
            StoredFile.created_at, StoredFile.storage_key, StoredFile.content_sha256, StoredFile.purpose,
            StoredFile.organization_id, Organization.name.label("organization_name"), StoredFile.payee_id,
            Payee.name.label("payee_name"),
            func.coalesce(DeliverableSubmission.deliverable_id, StoredFile.subject_id).label("subject_id"),
            _KIND.label("belongs"),
            func.coalesce(PaymentRequest.invoice_number, PaymentRequest.reference, Thread.subject, Project.title,
                          Deliverable.title, Contract.title).label("title"),
            Thread.id.label("thread_id"),
        )
        .join(Organization, Organization.id == StoredFile.organization_id)
        .outerjoin(Payee, Payee.id == StoredFile.payee_id)
        .outerjoin(PaymentRequest, PaymentRequest.id == StoredFile.subject_id)
        .outerjoin(Message, Message.id == StoredFile.subject_id)
        .outerjoin(Thread, Thread.id == Message.thread_id)
        .outerjoin(Project, Project.id == StoredFile.subject_id)
        .outerjoin(DeliverableSubmission, DeliverableSubmission.id == StoredFile.subject_id)
        .outerjoin(
            Deliverable, Deliverable.id == func.coalesce(DeliverableSubmission.deliverable_id, StoredFile.subject_id)
        )
        .outerjoin(Contract, Contract.id == StoredFile.subject_id)
        .where(StoredFile.purpose.in_(SHOWN))
    )  # fmt: skip
    if wanted.organization_id is not None:
        query = query.where(
            StoredFile.organization_id == wanted.organization_id,
            StoredFile.subject_id.is_not(None),
            or_(PaymentRequest.id.is_(None), PaymentRequest.status != RequestStatus.DRAFT),
        )
    if wanted.payee_id is not None:
        query = query.where(StoredFile.payee_id == wanted.payee_id)
    if wanted.payer_id is not None:
        query = query.where(StoredFile.organization_id == wanted.payer_id)
    if wanted.belongs is not None:
        query = query.where(_KIND.in_((wanted.belongs.value,)))
    if wanted.search:
        query = query.where(StoredFile.name.icontains(wanted.search, autoescape=True))
    return query


def files(session: Session, wanted: FileFilter, cursor: str | None = None, limit: int = PAGE) -> paging.Page:
    """Newest first: id, name, content_type, size_bytes, uploaded_by, created_at, organization_id, organization_name,
    payee_id, payee_name, belongs, subject_id, title of what it belongs to, thread_id, storage_key.
    """
    key = paging.Key((StoredFile.created_at, StoredFile.id), ("created_at", "id"))
    return paging.fetch(session, _files(wanted), key, cursor, limit)


def file(session: Session, file_id: UUID, wanted: FileFilter) -> paging.AnyRow:
    """One of them, with the same columns. Raises NotFound for what the list would not show."""
    found = session.execute(_files(wanted).where(StoredFile.id == file_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such file.")
    return found

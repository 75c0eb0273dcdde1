"""Every table, for migrations and checks."""

from __future__ import annotations

from app.audit import models as audit
from app.billing import invoice_models
from app.billing import models as billing
from app.charges import client_models, kept_models
from app.charges import models as charges
from app.consultations import import_models as appointment_imports
from app.consultations import models as consultations
from app.consultations import profile_models
from app.contracts import models as contracts
from app.db import idempotency, numbering, outbox, schedule
from app.db.base import Base
from app.deliverables import models as deliverables
from app.earnings import models as earnings
from app.earnings import rate_models
from app.files import models as files
from app.identity import models as identity
from app.ledger import models as ledger
from app.messages import models as messages
from app.methods import connect_models
from app.methods import models as methods
from app.notify import models as notify
from app.organizations import invitation_models
from app.organizations import models as organizations
from app.payables import models as payables
from app.payees import application_models, directory_models
from app.payees import models as payees
from app.payouts import bank_models, run_models
from app.payouts import models as payouts
from app.payouts import tokens as payout_tokens
from app.projects import models as projects
from app.reconciliation import models as reconciliation
from app.sales import models as sales
from app.tax import models as tax
from app.webhooks import models as webhooks

MODULES = (
    application_models, appointment_imports, audit, bank_models, billing, charges, client_models, connect_models,
    consultations, contracts, deliverables, directory_models, earnings, files, idempotency, identity,
    invitation_models, invoice_models, kept_models, ledger, messages, methods, notify, numbering, organizations, outbox,
    payables, payees, payout_tokens, payouts, profile_models, projects, rate_models, reconciliation, run_models, sales,
    schedule, tax, webhooks,
)  # fmt: skip
metadata = Base.metadata

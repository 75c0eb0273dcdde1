"""Bank files: formats, who the payer is, what banks say of accounts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bank_profiles',
    sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('nacha', 'sepa', 'neft', name='profilekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('secrets_sealed', sa.Text(), nullable=True),
    sa.Column('shown', sa.Text(), server_default='', nullable=False),
    sa.Column('changed_by', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_bank_profiles_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_profiles')),
    sa.UniqueConstraint('organization_id', 'kind', name=op.f('uq_bank_profiles_organization_id_kind'))
    )
    op.add_column('methods', sa.Column('notice_code', sa.Text(), nullable=True))
    op.add_column('methods', sa.Column('notice_said', sa.Text(), nullable=True))
    op.add_column('methods', sa.Column('noticed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('payout_exports', sa.Column('format', sa.Enum('csv', 'nacha', 'pain.001.001.09', 'pain.001.001.03', 'neft', name='fileformat', native_enum=False, create_constraint=True, length=40), nullable=True))
    op.add_column('payout_exports', sa.Column('header_sealed', sa.Text(), nullable=True))
    op.add_column('payout_exports', sa.Column('remarks', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column('payout_exports', sa.Column('format_by', sa.Text(), nullable=True))
    op.add_column('payout_exports', sa.Column('format_by_account_id', sa.Uuid(), nullable=True))
    op.execute('ALTER TABLE bank_profiles ENABLE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE bank_profiles FORCE ROW LEVEL SECURITY')
    op.execute('CREATE POLICY bank_profiles_platform ON bank_profiles TO quittance_platform USING (true) WITH CHECK (true)')
    op.execute("CREATE POLICY bank_profiles_app ON bank_profiles TO quittance_app USING (organization_id = nullif(current_setting('app.organization', true), '')::uuid) WITH CHECK (organization_id = nullif(current_setting('app.organization', true), '')::uuid)")


def downgrade() -> None:
    op.drop_column('payout_exports', 'format_by_account_id')
    op.drop_column('payout_exports', 'format_by')
    op.drop_column('payout_exports', 'remarks')
    op.drop_column('payout_exports', 'header_sealed')
    op.drop_column('payout_exports', 'format')
    op.drop_column('methods', 'noticed_at')
    op.drop_column('methods', 'notice_said')
    op.drop_column('methods', 'notice_code')
    op.drop_table('bank_profiles')

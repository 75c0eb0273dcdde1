"""Rules the database keeps: entries sum to zero, the books only grow; the earning state view; payee search"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# One statement posts whole entries, so the check at the end of the statement sees all lines of each.
ZERO_SUM = """
CREATE FUNCTION ledger_zero_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'ledger entry does not sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_lines_zero_sum AFTER INSERT ON ledger_lines
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_zero_sum();
"""

ONLY_GROW = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_entries_only_grow BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_lines_only_grow BEFORE UPDATE OR DELETE ON ledger_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER earnings_only_grow BEFORE UPDATE OR DELETE ON earnings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

EARNING_STATES = """
CREATE VIEW earning_states WITH (security_invoker = true) AS
SELECT e.id AS earning_id, e.organization_id, e.payee_id,
       CASE WHEN h.earning_id IS NOT NULL THEN 'held'
            WHEN i.status = 'paid' AND r.earning_id IS NULL THEN 'paid'
            WHEN i.payout_id IS NOT NULL THEN 'reserved'
            WHEN r.earning_id IS NOT NULL THEN 'ready'
            ELSE 'reversed' END AS state,
       h.reason AS hold_reason, h.available_at, r.amount_minor AS ready_minor,
       i.payout_id, i.status AS payout_status
FROM earnings e
LEFT JOIN held_earnings h ON h.earning_id = e.id
LEFT JOIN ready_earnings r ON r.earning_id = e.id
LEFT JOIN LATERAL (
    SELECT p.id AS payout_id, p.status FROM payout_items pi JOIN payouts p ON p.id = pi.payout_id
    WHERE pi.earning_id = e.id AND p.status IN ('pending', 'approved', 'processing', 'on_hold', 'paid')
    ORDER BY p.id DESC LIMIT 1
) i ON true;
GRANT SELECT ON earning_states TO quittance_app, quittance_platform;
"""

# Trigram operators are not leakproof: under a policy they lose their index. This function reads the organization
# from the setting itself and filters by it, so it shows no more than the policy would.
SEARCH = """
CREATE FUNCTION search_payees(term text, most int DEFAULT 200) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT p.id FROM payees p
    WHERE p.name_search LIKE '%' || replace(replace(replace(lower(term), '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'
      AND (current_setting('role') = 'quittance_platform' OR EXISTS (
            SELECT FROM engagements e WHERE e.payee_id = p.id
            AND e.organization_id = nullif(current_setting('app.organization', true), '')::uuid))
    ORDER BY p.name_search, p.id LIMIT most
$$;
CREATE POLICY payees_search ON payees FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY engagements_search ON engagements FOR SELECT TO CURRENT_USER USING (true);
REVOKE ALL ON FUNCTION search_payees(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_payees(text, int) TO quittance_app, quittance_platform;
"""


def upgrade() -> None:
    for sql in (ZERO_SUM, ONLY_GROW, EARNING_STATES, SEARCH):
        op.execute(sql)


def downgrade() -> None:
    op.execute("DROP POLICY payees_search ON payees; DROP POLICY engagements_search ON engagements")
    op.execute("DROP FUNCTION search_payees(text, int)")
    op.execute("DROP VIEW earning_states")
    for table in ("ledger_entries", "ledger_lines", "earnings"):
        op.execute(f"DROP TRIGGER {table}_only_grow ON {table}")
    op.execute("DROP TRIGGER ledger_lines_zero_sum ON ledger_lines")
    op.execute("DROP FUNCTION refuse_change(); DROP FUNCTION ledger_zero_sum()")

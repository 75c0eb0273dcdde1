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

# A foreign key looks up its row for every row added and locks it: a third of the time of planning a large batch, and
# every posting of an organization would lock the same row. Tables that only grow, below rows that are never removed,
# are checked once a statement instead. Transition tables are read through policies, as the writer may.
# A session keeps the plan of a short check, perhaps from when the tables were empty: without sequential scans, and with
# a column that no index holds, nothing but the primary key is left to use. A long check is planned for its own size.
BELONG = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE astray boolean;
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM added LIMIT 501) AS looked_at) <= 500 THEN
        astray := EXISTS ({astray});
    ELSE
        PERFORM set_config('enable_seqscan', 'on', true);
        EXECUTE 'SELECT EXISTS ({astray})' INTO astray;
    END IF;
    IF astray THEN
        RAISE EXCEPTION '{says}' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""
KNOWN_KEYS = (
    BELONG.format(
        name="ledger_lines_belong",
        table="ledger_lines",
        says="a ledger line belongs to no entry of its organization",
        astray="SELECT FROM added a LEFT JOIN ledger_entries e ON e.id = a.entry_id"
        " WHERE e.kind IS NULL OR e.organization_id <> a.organization_id",
    )
    + BELONG.format(
        name="payout_items_belong",
        table="payout_items",
        says="an item belongs to no payout of its payee",
        astray="SELECT FROM (SELECT DISTINCT payout_id, organization_id, payee_id FROM added) a"
        " LEFT JOIN payouts p ON p.id = a.payout_id"
        " WHERE p.rail IS NULL OR p.organization_id <> a.organization_id OR p.payee_id <> a.payee_id",
    )
    + BELONG.format(
        name="payouts_belong",
        table="payouts",
        says="a payout names an engagement, method or batch that is not its own",
        astray="SELECT FROM added a"
        " LEFT JOIN engagements e ON e.organization_id = a.organization_id AND e.payee_id = a.payee_id"
        " LEFT JOIN methods m ON m.id = a.method_id LEFT JOIN batches b ON b.id = a.batch_id"
        " WHERE e.currency IS NULL OR m.rail IS NULL OR m.payee_id <> a.payee_id"
        " OR (a.batch_id IS NOT NULL AND (b.title IS NULL OR b.organization_id <> a.organization_id))",
    )
    + """
CREATE FUNCTION payout_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM methods m WHERE m.id = NEW.method_id AND m.payee_id = NEW.payee_id)
        OR (NEW.organization_id, NEW.payee_id) <> (OLD.organization_id, OLD.payee_id)
        OR NEW.batch_id IS DISTINCT FROM OLD.batch_id THEN
        RAISE EXCEPTION 'a payout keeps its payee and batch, and its method is its payee''s'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payouts_moved AFTER UPDATE OF organization_id, payee_id, method_id, batch_id ON payouts
    FOR EACH ROW EXECUTE FUNCTION payout_moved();

CREATE FUNCTION organization_known() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT organization_id AS id FROM added) a
               LEFT JOIN organizations o ON o.id = a.id WHERE o.id IS NULL AND a.id IS NOT NULL) THEN
        RAISE EXCEPTION '% names an unknown organization', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_organization AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION organization_known();
CREATE TRIGGER timeline_events_organization AFTER INSERT ON timeline_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION organization_known();

CREATE FUNCTION refuse_removal_with_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_entries WHERE organization_id = OLD.id) THEN
        RAISE EXCEPTION 'an organization with books stays' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER organizations_with_books_stay BEFORE DELETE ON organizations
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_with_books();
"""
)

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
CREATE TRIGGER payouts_stay BEFORE DELETE ON payouts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER engagements_stay BEFORE DELETE ON engagements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER methods_stay BEFORE DELETE ON methods FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER batches_stay BEFORE DELETE ON batches FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
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

# Neither trigram operators nor lower() are leakproof: under a policy they lose their index. This function reads the
# organization from the setting itself and filters by it, so it shows no more than the policy would. What the
# organization's own reference says comes first. Of a word that thousands have in their names, any 2,000 are sorted.
SEARCH = """
CREATE FUNCTION search_payees(term text, most int DEFAULT 200) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    (SELECT e.payee_id FROM engagements e WHERE lower(e.reference) = lower(term)
        AND e.organization_id = nullif(current_setting('app.organization', true), '')::uuid)
    UNION ALL
    (SELECT found.id FROM (SELECT p.id, p.name_search FROM payees p
    WHERE p.name_search LIKE '%' || replace(replace(replace(lower(term), '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'
      AND (current_setting('role') = 'quittance_platform' OR EXISTS (
            SELECT FROM engagements e WHERE e.payee_id = p.id
            AND e.organization_id = nullif(current_setting('app.organization', true), '')::uuid))
        LIMIT 10 * most) AS found
    ORDER BY found.name_search, found.id LIMIT most)
    LIMIT most
$$;
CREATE POLICY payees_search ON payees FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY engagements_search ON engagements FOR SELECT TO CURRENT_USER USING (true);
REVOKE ALL ON FUNCTION search_payees(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_payees(text, int) TO quittance_app, quittance_platform;
"""


def upgrade() -> None:
    for sql in (ZERO_SUM, KNOWN_KEYS, ONLY_GROW, EARNING_STATES, SEARCH):
        op.execute(sql)


def downgrade() -> None:
    op.execute("DROP POLICY payees_search ON payees; DROP POLICY engagements_search ON engagements")
    op.execute("DROP FUNCTION search_payees(text, int)")
    op.execute("DROP VIEW earning_states")
    for table in ("payouts", "engagements", "methods", "batches"):
        op.execute(f"DROP TRIGGER {table}_stay ON {table}")
    op.execute("DROP TRIGGER payouts_moved ON payouts; DROP TRIGGER payouts_belong ON payouts")
    op.execute("DROP FUNCTION payout_moved(); DROP FUNCTION payouts_belong()")
    for table in ("ledger_entries", "ledger_lines", "earnings"):
        op.execute(f"DROP TRIGGER {table}_only_grow ON {table}")
    op.execute("DROP TRIGGER ledger_lines_zero_sum ON ledger_lines")
    op.execute("DROP TRIGGER organizations_with_books_stay ON organizations")
    op.execute("DROP TRIGGER timeline_events_organization ON timeline_events")
    op.execute("DROP TRIGGER ledger_entries_organization ON ledger_entries")
    op.execute("DROP TRIGGER payout_items_belong ON payout_items; DROP TRIGGER ledger_lines_belong ON ledger_lines")
    op.execute("DROP FUNCTION refuse_removal_with_books(); DROP FUNCTION organization_known()")
    op.execute("DROP FUNCTION payout_items_belong(); DROP FUNCTION ledger_lines_belong()")
    op.execute("DROP FUNCTION refuse_change(); DROP FUNCTION ledger_zero_sum()")

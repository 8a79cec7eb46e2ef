-- What was found out about changes whose outcome was unknown. Each is an entry of the log of changes, written once.

CREATE TABLE audit_settlements (
    id          uuid        NOT NULL,
    settled     text        NOT NULL CHECK (settled IN ('done', 'not-done', 'undetermined')),
    seen        json        NOT NULL,
    class       text        NOT NULL CHECK (class = 'changes'),
    slot        int         NOT NULL,
    leaf        bigint      NOT NULL,
    leaf_hash   bytea       NOT NULL CHECK (length(leaf_hash) = 32),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (id, class, recorded_at)
) PARTITION BY LIST (class);
CREATE TABLE audit_settlements_changes PARTITION OF audit_settlements
    FOR VALUES IN ('changes') PARTITION BY RANGE (recorded_at);
CREATE INDEX audit_settlements_leaf ON audit_settlements (slot, leaf);

CREATE TRIGGER audit_settlements_keep BEFORE UPDATE OR DELETE ON audit_settlements
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

CREATE OR REPLACE FUNCTION audit_prepare(month timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    first  timestamptz := date_trunc('month', month, 'UTC');
    parent text;
    part   text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['audit_records_changes', 'audit_records_reads', 'audit_intents_changes',
                                  'audit_record_tasks_changes', 'audit_record_tasks_reads',
                                  'audit_settlements_changes'] LOOP
        part := parent || to_char(first AT TIME ZONE 'UTC', '_YYYY_MM');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                part, parent, first, first + interval '1 month');
            PERFORM audit_protect(part::regclass);
        END IF;
    END LOOP;
END
$$;

DO $$
BEGIN
    CREATE TABLE audit_settlements_changes_other PARTITION OF audit_settlements_changes DEFAULT;
    PERFORM audit_protect('audit_settlements_changes_other'::regclass);
    PERFORM audit_protect('audit_settlements_changes'::regclass);
    PERFORM audit_protect('audit_settlements'::regclass);
END
$$;

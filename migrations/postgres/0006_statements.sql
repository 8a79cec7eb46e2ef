-- Signed statements over all logs: which logs there were, with their sizes and roots.

CREATE TABLE audit_statements (
    made_at timestamptz NOT NULL PRIMARY KEY,
    note    text        NOT NULL
);

CREATE TRIGGER audit_statements_keep BEFORE UPDATE OR DELETE ON audit_statements
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
DO $$
BEGIN
    PERFORM audit_protect('audit_statements'::regclass);
END
$$;

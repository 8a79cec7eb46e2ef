-- Signed statements over all logs: which logs there were, with their sizes and roots. Times are microseconds since 1970, UTC.

CREATE TABLE audit_statements (
    made_at INTEGER NOT NULL PRIMARY KEY,
    note    TEXT    NOT NULL
) STRICT;

CREATE TRIGGER audit_statements_no_update BEFORE UPDATE ON audit_statements
BEGIN
    SELECT RAISE(ABORT, 'audit_statements is append-only');
END;
CREATE TRIGGER audit_statements_no_delete BEFORE DELETE ON audit_statements
BEGIN
    SELECT RAISE(ABORT, 'audit_statements is append-only');
END;
CREATE TRIGGER audit_statements_no_replace BEFORE INSERT ON audit_statements WHEN EXISTS (
    SELECT 1 FROM audit_statements WHERE made_at = NEW.made_at)
BEGIN
    SELECT RAISE(IGNORE);
END;

-- What was found out about changes whose outcome was unknown. Each is an entry of the log of changes, written once.

CREATE TABLE audit_settlements (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    settled     TEXT    NOT NULL CHECK (settled IN ('done', 'not-done', 'undetermined')),
    seen        TEXT    NOT NULL CHECK (json_valid(seen)),
    class       TEXT    NOT NULL CHECK (class = 'changes'),
    slot        INTEGER NOT NULL,
    leaf        INTEGER NOT NULL,
    leaf_hash   BLOB    NOT NULL CHECK (length(leaf_hash) = 32),
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX audit_settlements_leaf ON audit_settlements (slot, class, leaf);

CREATE TRIGGER audit_settlements_no_update BEFORE UPDATE ON audit_settlements
BEGIN
    SELECT RAISE(ABORT, 'audit_settlements is append-only');
END;
CREATE TRIGGER audit_settlements_no_delete BEFORE DELETE ON audit_settlements
BEGIN
    SELECT RAISE(ABORT, 'audit_settlements is append-only');
END;
-- INSERT OR REPLACE deletes without asking the triggers above, so a row that exists is never inserted again; neither is
-- one that would take an entry's place in its log.
CREATE TRIGGER audit_settlements_no_replace BEFORE INSERT ON audit_settlements WHEN EXISTS (
    SELECT 1 FROM audit_settlements WHERE id = NEW.id OR (slot = NEW.slot AND class = NEW.class AND leaf = NEW.leaf))
BEGIN
    SELECT RAISE(IGNORE);
END;

-- The log's beginning can be dropped, and holds keep it.

-- What became of a log's first entries: how many were dropped, when the last of them was committed, and the hashes of those
-- that lie in a tile of level 0 which was not full then. With them a log of which nothing else is left can be gone on with.
CREATE TABLE audit_dropped (
    slot        INTEGER NOT NULL,
    class       TEXT    NOT NULL,
    start       INTEGER NOT NULL,
    hashes      BLOB    NOT NULL CHECK (length(hashes) = 32 * (start % 256)),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (slot, class, start)
) STRICT;

-- Who wants a part of the log kept. A hold is added by one row and released by another; the newest row of a name counts.
-- Times are microseconds since 1970, UTC.
CREATE TABLE audit_holds (
    number   INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL CHECK (last > first),
    reason   TEXT    NOT NULL,
    who      TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    released INTEGER NOT NULL
) STRICT;

CREATE TRIGGER audit_dropped_no_update BEFORE UPDATE ON audit_dropped
BEGIN
    SELECT RAISE(ABORT, 'audit_dropped is append-only');
END;
CREATE TRIGGER audit_dropped_no_delete BEFORE DELETE ON audit_dropped
BEGIN
    SELECT RAISE(ABORT, 'audit_dropped is append-only');
END;
CREATE TRIGGER audit_dropped_no_replace BEFORE INSERT ON audit_dropped WHEN EXISTS (
    SELECT 1 FROM audit_dropped WHERE slot = NEW.slot AND class = NEW.class AND start = NEW.start)
BEGIN
    SELECT RAISE(IGNORE);
END;
CREATE TRIGGER audit_holds_no_update BEFORE UPDATE ON audit_holds
BEGIN
    SELECT RAISE(ABORT, 'audit_holds is append-only');
END;
CREATE TRIGGER audit_holds_no_delete BEFORE DELETE ON audit_holds
BEGIN
    SELECT RAISE(ABORT, 'audit_holds is append-only');
END;
CREATE TRIGGER audit_holds_no_replace BEFORE INSERT ON audit_holds WHEN EXISTS (
    SELECT 1 FROM audit_holds WHERE number = NEW.number)
BEGIN
    SELECT RAISE(IGNORE);
END;

-- The log becomes provable: every entry has a place in a log (slot, class, leaf) and the hash of its content, full tiles of
-- hashes are kept beside it, and so are the signed checkpoints.
--
-- Records from before keep their content; their leaf is null, nothing proves them.

ALTER TABLE audit_records ADD COLUMN class TEXT NOT NULL DEFAULT 'reads' CHECK (class IN ('changes', 'reads'));
ALTER TABLE audit_records ADD COLUMN slot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit_records ADD COLUMN leaf INTEGER;
ALTER TABLE audit_records ADD COLUMN leaf_hash BLOB CHECK (leaf_hash IS NULL OR length(leaf_hash) = 32);
ALTER TABLE audit_records ADD COLUMN recorded_at INTEGER NOT NULL DEFAULT 0;

ALTER TABLE audit_intents ADD COLUMN class TEXT NOT NULL DEFAULT 'changes' CHECK (class = 'changes');
ALTER TABLE audit_intents ADD COLUMN slot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit_intents ADD COLUMN leaf INTEGER;
ALTER TABLE audit_intents ADD COLUMN leaf_hash BLOB CHECK (leaf_hash IS NULL OR length(leaf_hash) = 32);
ALTER TABLE audit_intents ADD COLUMN recorded_at INTEGER NOT NULL DEFAULT 0;

CREATE UNIQUE INDEX audit_records_leaf ON audit_records (slot, class, leaf);
CREATE UNIQUE INDEX audit_intents_leaf ON audit_intents (slot, class, leaf);

-- 256 hashes each: of entries (level 0), or of the tiles of the level below. Only full ones are kept.
CREATE TABLE audit_tiles (
    slot   INTEGER NOT NULL,
    class  TEXT    NOT NULL,
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB    NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (slot, class, level, number)
) STRICT;

-- Signed notes, as they were written elsewhere too. Times are microseconds since 1970, UTC.
CREATE TABLE audit_checkpoints (
    slot    INTEGER NOT NULL,
    class   TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    note    TEXT    NOT NULL,
    PRIMARY KEY (slot, class, size, made_at)
) STRICT;

CREATE TRIGGER audit_tiles_no_update BEFORE UPDATE ON audit_tiles
BEGIN
    SELECT RAISE(ABORT, 'audit_tiles is append-only');
END;
CREATE TRIGGER audit_tiles_no_delete BEFORE DELETE ON audit_tiles
BEGIN
    SELECT RAISE(ABORT, 'audit_tiles is append-only');
END;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;

-- INSERT OR REPLACE deletes without asking the triggers above, so a row that exists is never inserted again; neither is
-- one that would take an entry's place in its log.
DROP TRIGGER audit_records_no_replace;
DROP TRIGGER audit_intents_no_replace;
CREATE TRIGGER audit_records_no_replace BEFORE INSERT ON audit_records WHEN EXISTS (
    SELECT 1 FROM audit_records WHERE id = NEW.id OR (slot = NEW.slot AND class = NEW.class AND leaf = NEW.leaf))
BEGIN
    SELECT RAISE(IGNORE);
END;
CREATE TRIGGER audit_intents_no_replace BEFORE INSERT ON audit_intents WHEN EXISTS (
    SELECT 1 FROM audit_intents WHERE id = NEW.id OR (slot = NEW.slot AND class = NEW.class AND leaf = NEW.leaf))
BEGIN
    SELECT RAISE(IGNORE);
END;
CREATE TRIGGER audit_tiles_no_replace BEFORE INSERT ON audit_tiles WHEN EXISTS (
    SELECT 1 FROM audit_tiles
    WHERE slot = NEW.slot AND class = NEW.class AND level = NEW.level AND number = NEW.number)
BEGIN
    SELECT RAISE(IGNORE);
END;
CREATE TRIGGER audit_checkpoints_no_replace BEFORE INSERT ON audit_checkpoints WHEN EXISTS (
    SELECT 1 FROM audit_checkpoints
    WHERE slot = NEW.slot AND class = NEW.class AND size = NEW.size AND made_at = NEW.made_at)
BEGIN
    SELECT RAISE(IGNORE);
END;

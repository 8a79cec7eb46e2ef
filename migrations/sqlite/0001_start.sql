-- The audit log. Only ever added to: triggers refuse everything else, whoever asks.
-- Ids are UUIDs of version 7 as 16 bytes, so their order is the order of time. Times are microseconds since 1970, UTC.

CREATE TABLE audit_records (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    time                INTEGER NOT NULL,
    account             TEXT    NOT NULL,
    team                TEXT    NOT NULL,
    caller              TEXT    NOT NULL,
    key_id              TEXT    NOT NULL,
    address             TEXT    NOT NULL,
    family              TEXT    NOT NULL,
    version             TEXT    NOT NULL,
    action              TEXT    NOT NULL,
    region              TEXT    NOT NULL,
    task_ids            TEXT    NOT NULL CHECK (json_valid(task_ids)),
    outcome             TEXT    NOT NULL CHECK (outcome IN ('refused', 'ok', 'failed', 'unknown')),
    reason              TEXT,
    caller_gone         INTEGER NOT NULL,
    settled             TEXT    CHECK (settled IN ('done', 'not-done', 'undetermined')),
    request_id          TEXT    NOT NULL,
    upstream_request_id TEXT,
    upstream_code       TEXT,
    waited_ms           INTEGER NOT NULL,
    detail              TEXT    NOT NULL CHECK (json_valid(detail))
) STRICT;

CREATE INDEX audit_records_caller ON audit_records (caller, id);
CREATE INDEX audit_records_team ON audit_records (team, id);
CREATE INDEX audit_records_action ON audit_records (action, id);
CREATE INDEX audit_records_outcome ON audit_records (outcome, id);
CREATE INDEX audit_records_key ON audit_records (key_id, id);
CREATE INDEX audit_records_reason ON audit_records (reason, id) WHERE reason IS NOT NULL;
CREATE INDEX audit_records_request ON audit_records (request_id);
CREATE INDEX audit_records_upstream_request ON audit_records (upstream_request_id) WHERE upstream_request_id IS NOT NULL;

-- What was written before a change was sent. The columns are those of audit_records.
CREATE TABLE audit_intents (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    time                INTEGER NOT NULL,
    account             TEXT    NOT NULL,
    team                TEXT    NOT NULL,
    caller              TEXT    NOT NULL,
    key_id              TEXT    NOT NULL,
    address             TEXT    NOT NULL,
    family              TEXT    NOT NULL,
    version             TEXT    NOT NULL,
    action              TEXT    NOT NULL,
    region              TEXT    NOT NULL,
    task_ids            TEXT    NOT NULL CHECK (json_valid(task_ids)),
    outcome             TEXT    NOT NULL CHECK (outcome = 'open'),
    reason              TEXT,
    caller_gone         INTEGER NOT NULL,
    settled             TEXT    CHECK (settled IS NULL),
    request_id          TEXT    NOT NULL,
    upstream_request_id TEXT,
    upstream_code       TEXT,
    waited_ms           INTEGER NOT NULL,
    detail              TEXT    NOT NULL CHECK (json_valid(detail))
) STRICT;

-- The tasks of records and of intents, in an order that a page of one task's records can be read from.
CREATE TABLE audit_record_tasks (
    task_id   TEXT NOT NULL,
    record_id BLOB NOT NULL,
    PRIMARY KEY (task_id, record_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_records_no_update BEFORE UPDATE ON audit_records
BEGIN
    SELECT RAISE(ABORT, 'audit_records is append-only');
END;
CREATE TRIGGER audit_records_no_delete BEFORE DELETE ON audit_records
BEGIN
    SELECT RAISE(ABORT, 'audit_records is append-only');
END;
CREATE TRIGGER audit_intents_no_update BEFORE UPDATE ON audit_intents
BEGIN
    SELECT RAISE(ABORT, 'audit_intents is append-only');
END;
CREATE TRIGGER audit_intents_no_delete BEFORE DELETE ON audit_intents
BEGIN
    SELECT RAISE(ABORT, 'audit_intents is append-only');
END;
CREATE TRIGGER audit_record_tasks_no_update BEFORE UPDATE ON audit_record_tasks
BEGIN
    SELECT RAISE(ABORT, 'audit_record_tasks is append-only');
END;
CREATE TRIGGER audit_record_tasks_no_delete BEFORE DELETE ON audit_record_tasks
BEGIN
    SELECT RAISE(ABORT, 'audit_record_tasks is append-only');
END;

-- INSERT OR REPLACE deletes without asking the triggers above, so a row that exists is never inserted again.
CREATE TRIGGER audit_records_no_replace BEFORE INSERT ON audit_records WHEN EXISTS (SELECT 1 FROM audit_records WHERE id = NEW.id)
BEGIN
    SELECT RAISE(IGNORE);
END;
CREATE TRIGGER audit_intents_no_replace BEFORE INSERT ON audit_intents WHEN EXISTS (SELECT 1 FROM audit_intents WHERE id = NEW.id)
BEGIN
    SELECT RAISE(IGNORE);
END;

-- Changes under way: each row is the lease of its task. A change that addresses no task has one row without one.
CREATE TABLE open_changes (
    intent_id BLOB NOT NULL REFERENCES audit_intents (id),
    account   TEXT NOT NULL,
    task_id   TEXT,
    UNIQUE (account, task_id)
) STRICT;
CREATE INDEX open_changes_intent ON open_changes (intent_id);

-- Who owns a task, and a counter that moves when a change of it begins and when it ends.
CREATE TABLE tasks (
    account TEXT    NOT NULL,
    task_id TEXT    NOT NULL,
    team    TEXT,
    changes INTEGER NOT NULL,
    PRIMARY KEY (account, task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_team ON tasks (account, team, task_id) WHERE team IS NOT NULL;

-- Changes that are recognised when they arrive again, and the cloud's answer to them.
CREATE TABLE remembered (
    key        BLOB    NOT NULL PRIMARY KEY,
    content    BLOB    NOT NULL,
    intent_id  BLOB    NOT NULL,
    answer     BLOB,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX remembered_intent ON remembered (intent_id);
CREATE INDEX remembered_expiry ON remembered (expires_at);

CREATE TABLE issued_keys (
    key_id        TEXT    NOT NULL PRIMARY KEY,
    caller        TEXT    NOT NULL,
    sealed_secret BLOB    NOT NULL,
    sealed_with   TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    revoked_at    INTEGER,
    last_used_at  INTEGER
) STRICT;

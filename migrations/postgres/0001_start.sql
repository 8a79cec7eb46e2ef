-- The audit log. Only ever added to: triggers refuse everything else, whoever asks.
-- Ids are UUIDs of version 7, so their order is the order of time and a range of ids is a range of days.

CREATE TABLE audit_records (
    id                  uuid        PRIMARY KEY,
    time                timestamptz NOT NULL,
    account             text        NOT NULL,
    team                text        NOT NULL,
    caller              text        NOT NULL,
    key_id              text        NOT NULL,
    address             text        NOT NULL,
    family              text        NOT NULL,
    version             text        NOT NULL,
    action              text        NOT NULL,
    region              text        NOT NULL,
    task_ids            text[]      NOT NULL,
    outcome             text        NOT NULL CHECK (outcome IN ('refused', 'ok', 'failed', 'unknown')),
    reason              text,
    caller_gone         boolean     NOT NULL,
    settled             text        CHECK (settled IN ('done', 'not-done', 'undetermined')),
    request_id          text        NOT NULL,
    upstream_request_id text,
    upstream_code       text,
    waited_ms           bigint      NOT NULL,
    detail              json        NOT NULL
);

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
    id                  uuid        PRIMARY KEY,
    time                timestamptz NOT NULL,
    account             text        NOT NULL,
    team                text        NOT NULL,
    caller              text        NOT NULL,
    key_id              text        NOT NULL,
    address             text        NOT NULL,
    family              text        NOT NULL,
    version             text        NOT NULL,
    action              text        NOT NULL,
    region              text        NOT NULL,
    task_ids            text[]      NOT NULL,
    outcome             text        NOT NULL CHECK (outcome = 'open'),
    reason              text,
    caller_gone         boolean     NOT NULL,
    settled             text        CHECK (settled IS NULL),
    request_id          text        NOT NULL,
    upstream_request_id text,
    upstream_code       text,
    waited_ms           bigint      NOT NULL,
    detail              json        NOT NULL
);

-- The tasks of records and of intents, in an order that a page of one task's records can be read from.
CREATE TABLE audit_record_tasks (
    task_id   text NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (task_id, record_id)
);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_records_keep BEFORE UPDATE OR DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_records_keep_all BEFORE TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_intents_keep BEFORE UPDATE OR DELETE ON audit_intents
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_intents_keep_all BEFORE TRUNCATE ON audit_intents
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_record_tasks_keep BEFORE UPDATE OR DELETE ON audit_record_tasks
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_record_tasks_keep_all BEFORE TRUNCATE ON audit_record_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- Also in sessions that replicate, where ordinary triggers rest.
ALTER TABLE audit_records ENABLE ALWAYS TRIGGER audit_records_keep;
ALTER TABLE audit_records ENABLE ALWAYS TRIGGER audit_records_keep_all;
ALTER TABLE audit_intents ENABLE ALWAYS TRIGGER audit_intents_keep;
ALTER TABLE audit_intents ENABLE ALWAYS TRIGGER audit_intents_keep_all;
ALTER TABLE audit_record_tasks ENABLE ALWAYS TRIGGER audit_record_tasks_keep;
ALTER TABLE audit_record_tasks ENABLE ALWAYS TRIGGER audit_record_tasks_keep_all;

-- Changes under way: each row is the lease of its task. A change that addresses no task has one row without one.
CREATE TABLE open_changes (
    intent_id uuid NOT NULL REFERENCES audit_intents (id),
    account   text NOT NULL,
    task_id   text,
    UNIQUE (account, task_id)
);
CREATE INDEX open_changes_intent ON open_changes (intent_id);

-- Who owns a task, and a counter that moves when a change of it begins and when it ends.
CREATE TABLE tasks (
    account text   NOT NULL,
    task_id text   NOT NULL,
    team    text,
    changes bigint NOT NULL,
    PRIMARY KEY (account, task_id)
);
CREATE INDEX tasks_team ON tasks (account, team, task_id) WHERE team IS NOT NULL;

-- Changes that are recognised when they arrive again, and the cloud's answer to them.
CREATE TABLE remembered (
    key        bytea       PRIMARY KEY,
    content    bytea       NOT NULL,
    intent_id  uuid        NOT NULL,
    answer     bytea,
    expires_at timestamptz NOT NULL
);
CREATE INDEX remembered_intent ON remembered (intent_id);
CREATE INDEX remembered_expiry ON remembered (expires_at);

CREATE TABLE issued_keys (
    key_id        text        PRIMARY KEY,
    caller        text        NOT NULL,
    sealed_secret bytea       NOT NULL,
    sealed_with   text        NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);

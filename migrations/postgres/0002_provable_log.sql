-- The log becomes provable: every entry has a place in a log (slot, class, leaf) and the hash of its content, full tiles of
-- hashes are kept beside it, and so are the signed checkpoints. Entries stand in partitions by class and by the month in
-- which they were committed.
--
-- Records from before keep their content; their leaf is null, nothing proves them.

ALTER TABLE open_changes DROP CONSTRAINT open_changes_intent_id_fkey;
ALTER TABLE audit_records RENAME TO audit_records_before;
ALTER TABLE audit_intents RENAME TO audit_intents_before;
ALTER TABLE audit_record_tasks RENAME TO audit_record_tasks_before;

CREATE TABLE audit_records (
    id                  uuid        NOT NULL,
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
    detail              json        NOT NULL,
    class               text        NOT NULL CHECK (class IN ('changes', 'reads')),
    slot                int         NOT NULL,
    leaf                bigint,
    leaf_hash           bytea       CHECK (length(leaf_hash) = 32),
    recorded_at         timestamptz NOT NULL,
    PRIMARY KEY (id, class, recorded_at)
) PARTITION BY LIST (class);

-- What was written before a change was sent. The columns are those of audit_records.
CREATE TABLE audit_intents (
    id                  uuid        NOT NULL,
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
    detail              json        NOT NULL,
    class               text        NOT NULL CHECK (class = 'changes'),
    slot                int         NOT NULL,
    leaf                bigint,
    leaf_hash           bytea       CHECK (length(leaf_hash) = 32),
    recorded_at         timestamptz NOT NULL,
    PRIMARY KEY (id, class, recorded_at)
) PARTITION BY LIST (class);

-- The tasks of records and of intents, in an order that a page of one task's records can be read from.
CREATE TABLE audit_record_tasks (
    task_id     text        NOT NULL,
    record_id   uuid        NOT NULL,
    class       text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (task_id, record_id, class, recorded_at)
) PARTITION BY LIST (class);

-- 256 hashes each: of entries (level 0), or of the tiles of the level below. Only full ones are kept.
CREATE TABLE audit_tiles (
    slot   int    NOT NULL,
    class  text   NOT NULL,
    level  int    NOT NULL,
    number bigint NOT NULL,
    hashes bytea  NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (slot, class, level, number)
);

-- Signed notes, as they were written elsewhere too.
CREATE TABLE audit_checkpoints (
    slot    int         NOT NULL,
    class   text        NOT NULL,
    size    bigint      NOT NULL,
    made_at timestamptz NOT NULL,
    note    text        NOT NULL,
    PRIMARY KEY (slot, class, size, made_at)
);

CREATE TABLE audit_records_changes PARTITION OF audit_records FOR VALUES IN ('changes') PARTITION BY RANGE (recorded_at);
CREATE TABLE audit_records_reads PARTITION OF audit_records FOR VALUES IN ('reads') PARTITION BY RANGE (recorded_at);
CREATE TABLE audit_intents_changes PARTITION OF audit_intents FOR VALUES IN ('changes') PARTITION BY RANGE (recorded_at);
CREATE TABLE audit_record_tasks_changes PARTITION OF audit_record_tasks FOR VALUES IN ('changes') PARTITION BY RANGE (recorded_at);
CREATE TABLE audit_record_tasks_reads PARTITION OF audit_record_tasks FOR VALUES IN ('reads') PARTITION BY RANGE (recorded_at);

-- The triggers and indexes of a table are those of its partitions too, those that rest on a statement excepted.
CREATE TRIGGER audit_records_keep BEFORE UPDATE OR DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_intents_keep BEFORE UPDATE OR DELETE ON audit_intents
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_record_tasks_keep BEFORE UPDATE OR DELETE ON audit_record_tasks
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_tiles_keep BEFORE UPDATE OR DELETE ON audit_tiles
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_checkpoints_keep BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

-- A table cannot be emptied, and its triggers hold also in sessions that replicate, where ordinary ones rest.
CREATE FUNCTION audit_protect(protected regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found name;
BEGIN
    EXECUTE format('CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON %s FOR EACH STATEMENT
        EXECUTE FUNCTION audit_is_append_only()', protected);
    FOR found IN SELECT tgname FROM pg_trigger WHERE tgrelid = protected AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', protected, found);
    END LOOP;
END
$$;

-- Makes the partitions of the month in which a time lies. What has none falls into a partition without bounds, so an entry is
-- never refused for want of one.
CREATE FUNCTION audit_prepare(month timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    first  timestamptz := date_trunc('month', month, 'UTC');
    parent text;
    part   text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['audit_records_changes', 'audit_records_reads', 'audit_intents_changes',
                                  'audit_record_tasks_changes', 'audit_record_tasks_reads'] LOOP
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
DECLARE
    parent text;
    month  timestamptz;
BEGIN
    FOREACH parent IN ARRAY ARRAY['audit_records_changes', 'audit_records_reads', 'audit_intents_changes',
                                  'audit_record_tasks_changes', 'audit_record_tasks_reads'] LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', parent || '_other', parent);
        PERFORM audit_protect((parent || '_other')::regclass);
        PERFORM audit_protect(parent::regclass);
    END LOOP;
    FOREACH parent IN ARRAY ARRAY['audit_records', 'audit_intents', 'audit_record_tasks', 'audit_tiles', 'audit_checkpoints'] LOOP
        PERFORM audit_protect(parent::regclass);
    END LOOP;
    FOR month IN SELECT DISTINCT date_trunc('month', time, 'UTC') FROM audit_records_before
           UNION SELECT DISTINCT date_trunc('month', time, 'UTC') FROM audit_intents_before LOOP
        PERFORM audit_prepare(month);
    END LOOP;
END
$$;

INSERT INTO audit_records
    SELECT b.*, CASE WHEN b.family = 'gateway' OR b.detail ->> 'kind' IN ('change', 'destructive', 'purchase')
                     THEN 'changes' ELSE 'reads' END, 0, NULL, NULL, b.time
    FROM audit_records_before b;
INSERT INTO audit_intents SELECT b.*, 'changes', 0, NULL, NULL, b.time FROM audit_intents_before b;
INSERT INTO audit_record_tasks
    SELECT t.task_id, t.record_id, r.class, r.recorded_at FROM audit_record_tasks_before t JOIN audit_records r ON r.id = t.record_id
    UNION
    SELECT t.task_id, t.record_id, 'changes', i.time FROM audit_record_tasks_before t JOIN audit_intents_before i ON i.id = t.record_id;

DROP TABLE audit_records_before;
DROP TABLE audit_intents_before;
DROP TABLE audit_record_tasks_before;

CREATE INDEX audit_records_leaf ON audit_records (slot, leaf);
CREATE INDEX audit_intents_leaf ON audit_intents (slot, leaf);
CREATE INDEX audit_records_caller ON audit_records (caller, id);
CREATE INDEX audit_records_team ON audit_records (team, id);
CREATE INDEX audit_records_action ON audit_records (action, id);
CREATE INDEX audit_records_outcome ON audit_records (outcome, id);
CREATE INDEX audit_records_key ON audit_records (key_id, id);
CREATE INDEX audit_records_reason ON audit_records (reason, id) WHERE reason IS NOT NULL;
CREATE INDEX audit_records_request ON audit_records (request_id);
CREATE INDEX audit_records_upstream_request ON audit_records (upstream_request_id) WHERE upstream_request_id IS NOT NULL;

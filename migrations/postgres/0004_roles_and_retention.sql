-- The log's beginning can be dropped, by whoever owns the tables, a month at a time; and holds keep it.

-- What became of a log's first entries: how many were dropped, when the last of them was committed, and the hashes of those
-- that lie in a tile of level 0 which was not full then. With them a log of which nothing else is left can be gone on with.
CREATE TABLE audit_dropped (
    slot        int         NOT NULL,
    class       text        NOT NULL,
    start       bigint      NOT NULL,
    hashes      bytea       NOT NULL CHECK (length(hashes) = 32 * (start % 256)),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (slot, class, start)
);

-- Who wants a part of the log kept. A hold is added by one row and released by another; the newest row of a name counts.
CREATE TABLE audit_holds (
    number   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text        NOT NULL,
    first    timestamptz NOT NULL,
    last     timestamptz NOT NULL CHECK (last > first),
    reason   text        NOT NULL,
    who      text        NOT NULL,
    at       timestamptz NOT NULL,
    released boolean     NOT NULL
);

CREATE TRIGGER audit_dropped_keep BEFORE UPDATE OR DELETE ON audit_dropped
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_holds_keep BEFORE UPDATE OR DELETE ON audit_holds
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
DO $$
BEGIN
    PERFORM audit_protect('audit_dropped'::regclass);
    PERFORM audit_protect('audit_holds'::regclass);
END
$$;

-- Drops what was committed in whole months before a time, of one class: partitions as they are, and out of the partition
-- without bounds what belongs there. Nobody but the owner may call it, and nobody but the owner could do what it does.
CREATE FUNCTION audit_drop(dropped text, before timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part  record;
    found name;
BEGIN
    FOR part IN
        SELECT c.oid::regclass AS name, c.relname, pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' AS has_no_bounds
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        JOIN pg_inherits g ON g.inhrelid = p.oid
        WHERE g.inhparent::regclass::text LIKE 'audit\_%' AND p.relname = g.inhparent::regclass::text || '_' || dropped
    LOOP
        IF part.has_no_bounds THEN
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', part.name);
            EXECUTE format('DELETE FROM %s WHERE recorded_at < %L', part.name, before);
            FOR found IN SELECT tgname FROM pg_trigger WHERE tgrelid = part.name AND NOT tgisinternal LOOP
                EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', part.name, found);
            END LOOP;
        ELSIF to_timestamp(right(part.relname, 7), 'YYYY_MM') + interval '1 month' <= before THEN
            EXECUTE format('DROP TABLE %s', part.name);
        END IF;
    END LOOP;
END
$$;

-- Functions mean the same whoever calls them: names are looked up where they were made, months are those of UTC. The owner
-- decides who may call them.
DO $$
DECLARE
    function text;
BEGIN
    FOREACH function IN ARRAY ARRAY['audit_prepare(timestamptz)', 'audit_protect(regclass)', 'audit_is_append_only()',
                                    'audit_drop(text, timestamptz)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', function, current_schema());
        EXECUTE format('ALTER FUNCTION %s SET timezone = %L', function, 'UTC');
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
    END LOOP;
END
$$;

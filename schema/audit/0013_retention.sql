-- How a month leaves the log: as a whole, after its time, unless a legal hold keeps it, and never without a row of the
-- chain that says so. The application may call this and place holds; the term and the end of a hold are the owner's:
--     UPDATE audit.retention SET months = 120;
--     DELETE FROM audit.holds WHERE month = '2019-03-01';

CREATE TABLE audit.retention (
    is_set boolean PRIMARY KEY DEFAULT true CHECK (is_set), -- one row
    months integer NOT NULL CHECK (months > 0)              -- whole months after a month's end
);
INSERT INTO audit.retention (months) VALUES (84);

CREATE TABLE audit.holds (
    month  date        PRIMARY KEY CHECK (extract(day FROM month) = 1),
    reason text        NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);

-- What the chain loses with this month, as [[first, last, digest of the last in hexadecimal], ...]: its own rows, and
-- the runs that only a row of this month tells of. Refuses a month that may not be dropped.
CREATE FUNCTION audit.month_runs(month date) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    partition CONSTANT text := to_char(month, '"events_"YYYY_MM');
    term CONSTANT integer := (SELECT months FROM audit.retention);
    runs jsonb;
BEGIN
    IF month + make_interval(months => term + 1) > now() AT TIME ZONE 'UTC' THEN
        RAISE EXCEPTION '% is kept: it did not end % months ago', to_char(month, 'YYYY-MM'), term
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM audit.holds WHERE holds.month = month_runs.month) THEN
        RAISE EXCEPTION '% is under legal hold', to_char(month, 'YYYY-MM') USING ERRCODE = 'restrict_violation';
    END IF;
    IF extract(day FROM month) <> 1 OR to_regclass('audit.' || partition) IS NULL THEN
        RAISE EXCEPTION 'the log has no month %', to_char(month, 'YYYY-MM') USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format(
        'WITH islands AS (
            SELECT min(seq) AS first, max(seq) AS last
            FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM audit.%1$I) AS numbered
            GROUP BY island
        ), gone AS (
            SELECT first, jsonb_build_array(first, last, encode(hash, ''hex'')) AS run
            FROM islands JOIN audit.%1$I ON seq = last
            UNION ALL
            SELECT (run->>0)::bigint, run
            FROM audit.%1$I, jsonb_array_elements(details->''runs'') AS run WHERE name = ''audit.month_dropped''
        )
        SELECT coalesce(jsonb_agg(run ORDER BY first), ''[]'') FROM gone', partition) INTO runs;
    RETURN runs;
END
$$;

-- Adds the row that tells of it, whose canonical text without its digest is `told`, and drops the month: both or neither.
-- The digest is made here, so that what is said to have been dropped is what the chain says.
CREATE FUNCTION audit.drop_month(month date, told text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s'
AS $$
DECLARE
    event CONSTANT jsonb := told::jsonb;
    seq bigint;
    hash bytea;
    at CONSTANT timestamptz := event->>'at';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('vaultstream.audit.chain', 0)); -- the one writer of the chain
    LOCK TABLE audit.holds IN SHARE MODE; -- a hold is either seen below or placed after the drop
    SELECT events.seq, events.hash INTO seq, hash FROM audit.events ORDER BY events.seq DESC LIMIT 1;
    seq := coalesce(seq, 0);
    hash := coalesce(hash, decode(repeat('00', 32), 'hex'));
    IF event->>'name' IS DISTINCT FROM 'audit.month_dropped'
        OR event->'seq' IS DISTINCT FROM to_jsonb(seq + 1)
        OR event->'details'->'runs' IS DISTINCT FROM audit.month_runs(month)
        OR at IS NULL OR at < (month + interval '1 month') AT TIME ZONE 'UTC' -- it would go with what it tells of
    THEN
        RAISE EXCEPTION 'this is not what the chain loses with %', to_char(month, 'YYYY-MM')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO audit.events
    SELECT seq + 1, sha256(hash || convert_to(told, 'UTF8')), e.id, e.at, e.name, e.subject, e.item_id,
        e.version_number, e.ip, e.agent, e.request_id, e.decision, e.reason, e.details, e.received_at
    FROM jsonb_to_record(event) AS e(
        id text, at timestamptz, name text, subject text, item_id text, version_number bigint, ip text, agent text,
        request_id text, decision text, reason text, details jsonb, received_at timestamptz);
    EXECUTE format('DROP TABLE audit.%I', to_char(month, '"events_"YYYY_MM'));
END
$$;

REVOKE ALL ON FUNCTION audit.month_runs(date), audit.drop_month(date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.month_runs(date), audit.drop_month(date, text) TO vaultstream_app;
GRANT INSERT, SELECT ON audit.holds TO vaultstream_app;

-- The audit log: one row per deed, added once, never changed.
-- Written for PostgreSQL 18 without extensions. The schema "audit" exists already.

CREATE TABLE audit.events (
    id             text        NOT NULL,
    at             timestamptz NOT NULL,
    name           text        NOT NULL,
    subject        text        NOT NULL,
    item_id        text,
    version_number bigint,
    ip             text        NOT NULL, -- as reported; text, since an unreadable address must not keep a deed out
    agent          text        NOT NULL,
    request_id     text        NOT NULL,
    decision       text        NOT NULL CHECK (decision IN ('ALLOWED', 'DENIED')),
    reason         text,
    details        jsonb       NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    -- An event carries its own time, so the same id always comes with the same "at": this pair is exactly-once.
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);

CREATE INDEX events_at ON audit.events (at DESC);
CREATE INDEX events_subject_at ON audit.events (subject, at DESC);
CREATE INDEX events_item_at ON audit.events (item_id, at DESC);
CREATE INDEX events_details ON audit.events USING gin (details jsonb_path_ops);

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

-- Statement triggers are not inherited, so each partition gets its own. ALWAYS: they also fire where
-- session_replication_role silences ordinary triggers.
CREATE PROCEDURE audit.guard(partition regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', partition);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', partition);
END
$$;

-- Holds what no month's partition takes, so that no event is ever refused for its time. Rows here are an alarm.
CREATE TABLE audit.events_default PARTITION OF audit.events DEFAULT;

CALL audit.guard('audit.events');
CALL audit.guard('audit.events_default');

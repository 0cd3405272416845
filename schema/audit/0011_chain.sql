-- The chain: each row has the next number and a digest over its own text and the digest of the row before it
-- (schema/audit-chain.md). Both are made by whoever adds rows, one at a time; what they say is proved from outside.

-- Rows from before the chain cannot be given a place in it without changing them: they are kept as they are, apart.
DO $$
DECLARE
    partition regclass;
BEGIN
    IF EXISTS (SELECT FROM audit.events) THEN
        CREATE SCHEMA audit_unchained;
        REVOKE ALL ON SCHEMA audit_unchained FROM PUBLIC;
        FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit.events'::regclass LOOP
            EXECUTE format('ALTER TABLE %s SET SCHEMA audit_unchained', partition);
        END LOOP;
        ALTER TABLE audit.events SET SCHEMA audit_unchained;
        REVOKE INSERT ON audit_unchained.events FROM vaultstream_app;
    ELSE
        DROP TABLE audit.events;
    END IF;
END
$$;

CREATE TABLE audit.events (
    seq            bigint      NOT NULL CHECK (seq > 0), -- without a gap, in the order in which deeds became known
    hash           bytea       NOT NULL CHECK (length(hash) = 32),
    id             text        NOT NULL,
    at             timestamptz NOT NULL,
    name           text        NOT NULL,
    subject        text        NOT NULL,
    item_id        text,
    version_number bigint,
    ip             text        NOT NULL, -- sealed for its person, as is the agent
    agent          text        NOT NULL,
    request_id     text        NOT NULL,
    decision       text        NOT NULL CHECK (decision IN ('ALLOWED', 'DENIED')),
    reason         text,
    details        jsonb       NOT NULL,
    received_at    timestamptz NOT NULL,
    -- An event carries its own time, so the same id always comes with the same "at": this pair is exactly-once.
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);

-- Every list of a page is in the order of time, and ends with the number, so that it has one order only.
CREATE INDEX events_at ON audit.events (at, seq);
CREATE INDEX events_subject_at ON audit.events (subject, at, seq);
CREATE INDEX events_item_at ON audit.events (item_id, at, seq);
CREATE INDEX events_details ON audit.events USING gin (details jsonb_path_ops);
CREATE INDEX events_name ON audit.events (name, at, seq);
CREATE INDEX events_seq ON audit.events (seq);

-- Holds what no month's partition takes, so that no event is ever refused for its time. Rows here are an alarm.
CREATE TABLE audit.events_default PARTITION OF audit.events DEFAULT;

CALL audit.guard('audit.events');
CALL audit.guard('audit.events_default');
SELECT audit.make_partitions(3);

GRANT INSERT, SELECT ON audit.events TO vaultstream_app;

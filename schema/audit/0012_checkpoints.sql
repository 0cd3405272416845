-- Where the chain stood, signed (schema/audit-chain.md). The same line is an object under Object Lock, which is the
-- copy that proves; this one is at hand for exports.

CREATE TABLE audit.checkpoints (
    seq  bigint      PRIMARY KEY CHECK (seq > 0),
    at   timestamptz NOT NULL,
    line text        NOT NULL -- as signed, with its signature
);

CALL audit.guard('audit.checkpoints');
GRANT INSERT, SELECT ON audit.checkpoints TO vaultstream_app;

-- The search index: one row per folder or file, made from the table and made anew from it at any time. It holds no
-- deed and proves nothing, so that, unlike the log, it is changed; it lies in a schema of its own.
-- Names are folded and grams are cut by the application (src/vaultstream/search.py): no extension is needed.

CREATE SCHEMA search;

CREATE TABLE search.items (
    id           text        PRIMARY KEY,
    owner_id     text        NOT NULL,
    parent_id    text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('FILE', 'FOLDER')),
    name         text        COLLATE "C" NOT NULL, -- folded; "C" sorts as the table does and lets a btree find prefixes
    grams        text[]      NOT NULL, -- every two and every three characters in a row of the name
    content_type text        COLLATE "C",
    tags         text[]      NOT NULL,
    scan_status  text,
    size_bytes   bigint      NOT NULL,
    updated_at   timestamptz NOT NULL,
    is_trashed   boolean     NOT NULL, -- by itself; what lies under it is not marked
    stamp        bigint      NOT NULL  -- the item's own count of writes: an older state never replaces a newer one
);

CREATE INDEX items_name ON search.items (owner_id, name, id);
CREATE INDEX items_updated ON search.items (owner_id, updated_at);
CREATE INDEX items_grams ON search.items USING gin (grams);
CREATE INDEX items_tags ON search.items USING gin (tags);

REVOKE ALL ON SCHEMA search FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA search FROM PUBLIC;
GRANT USAGE ON SCHEMA search TO vaultstream_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON search.items TO vaultstream_app;

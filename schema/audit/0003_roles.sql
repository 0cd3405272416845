-- The application may add events and read them; everything else stays with the owner.

-- Roles belong to the whole server: another database's migration, or an administrator, may have made it already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vaultstream_app') THEN
        CREATE ROLE vaultstream_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'this role may not create roles: let an administrator run CREATE ROLE vaultstream_app LOGIN'
            USING ERRCODE = 'insufficient_privilege';
END
$$;

REVOKE ALL ON SCHEMA audit FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA audit FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA audit FROM PUBLIC;

GRANT USAGE ON SCHEMA audit TO vaultstream_app;
GRANT INSERT, SELECT ON audit.events TO vaultstream_app;
GRANT EXECUTE ON FUNCTION audit.make_partitions(integer) TO vaultstream_app;

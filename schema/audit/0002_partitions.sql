-- Months in UTC, made ahead of time.

-- Makes what is missing from last month (for late arrivals) to `months_ahead` months from now; returns the names of
-- the partitions it made. A month whose rows already lie in the default partition stays there, with a warning:
-- they could not be moved without deleting them.
-- A new partition waits for everyone who reads the log, and everyone waits behind it, hence the short lock_timeout.
-- The application's role may call it but owns nothing, hence SECURITY DEFINER with a fixed search path.
CREATE FUNCTION audit.make_partitions(months_ahead integer) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s'
AS $$
DECLARE
    this_month CONSTANT timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    month timestamp;
    partition text;
BEGIN
    IF months_ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'months_ahead is 0 to 24, not %', months_ahead USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR step IN -1 .. months_ahead LOOP
        month := this_month + make_interval(months => step);
        partition := to_char(month, '"events_"YYYY_MM');
        CONTINUE WHEN to_regclass('audit.' || partition) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtextextended('audit.make_partitions', 0)); -- one maker at a time
        BEGIN
            EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.events FOR VALUES FROM (%L) TO (%L)',
                partition, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
            CALL audit.guard(('audit.' || partition)::regclass);
            RETURN NEXT partition;
        EXCEPTION
            WHEN duplicate_table THEN NULL; -- made while this one waited
            WHEN check_violation THEN
                RAISE WARNING 'audit.events_default already holds rows of %', partition;
        END;
    END LOOP;
END
$$;

SELECT audit.make_partitions(3);

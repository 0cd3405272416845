-- The application counts what found no month, for the alarm; what is to be done then is in docs/operations.md.
GRANT SELECT ON audit.events_default TO vaultstream_app;

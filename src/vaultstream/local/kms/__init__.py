"""KMS for one laptop: real keys in SQLite, wrapped at rest, behind the real wire protocol, loopback only."""

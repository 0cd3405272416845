"""S3 for one laptop: files and SQLite behind the real wire protocol, streamed, durable, loopback only."""

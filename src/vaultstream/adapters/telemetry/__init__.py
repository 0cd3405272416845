"""What the vault tells of itself: spans, logs, and their way out by OTLP."""

"""What the service keeps: keys, the audit chain, and later cases and decisions, in SQLite or PostgreSQL."""

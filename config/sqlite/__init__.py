"""SQLite as the portal uses it."""

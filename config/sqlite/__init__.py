"""The portal's SQLite backend."""

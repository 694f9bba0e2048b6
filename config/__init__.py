"""Settings and processes."""

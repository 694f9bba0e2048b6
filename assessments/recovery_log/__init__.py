"""The recovery log: starts, cancellations and erasures outside the database, which survive a restore."""

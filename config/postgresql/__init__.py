"""Time limits of the portal's PostgreSQL sessions."""

#: Milliseconds. A process that was stopped inside a transaction must not hold its locks, and waiting for a
#: lock longer than Ashby waits for an answer is of no use.
TIME_LIMITS = {"idle_in_transaction_session_timeout": 20_000, "lock_timeout": 10_000}

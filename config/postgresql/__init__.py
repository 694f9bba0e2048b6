"""PostgreSQL as the portal uses it."""

#: In milliseconds. A worker that was stopped in the middle of a transaction must not hold its rows, and
#: nobody waits longer for a row than Ashby waits for an answer.
TIME_LIMITS = {"idle_in_transaction_session_timeout": 20_000, "lock_timeout": 10_000}

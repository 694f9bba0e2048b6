"""One order's whole life, by push and by poll: through the portal, and through the bare chain beside it."""

"""People: their roles, signing in, two-factor authentication and sessions."""

"""The reference: a plain Django project of its own, for the same calls on the same database.

It has none of the portal's apps and middleware: Django's default middleware for an API, DRF, one look-up of
the key, and for a start one INSERT with its commit. Its process is started as the portal's web process is.
"""

"""Signing in: django-allauth's views and forms, in the admin's templates and below its path."""

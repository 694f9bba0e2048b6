"""The cache backend: Django's own for Redis, made to fail open."""

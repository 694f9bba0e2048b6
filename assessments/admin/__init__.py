"""The portal for people: orders, and what happened to them."""

from . import orders, records, watching

__all__ = ["orders", "records", "watching"]

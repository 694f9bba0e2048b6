"""The portal for people: orders, and what happened to them."""

from . import orders, reconciliations, records, watching

__all__ = ["orders", "reconciliations", "records", "watching"]

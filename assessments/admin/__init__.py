"""The portal for people: orders, and what happened to them."""

from . import erasure, orders, reconciliations, records, watching

__all__ = ["erasure", "orders", "reconciliations", "records", "watching"]

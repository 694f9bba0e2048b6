"""The portal for people: orders, and what happened to them."""

from . import orders, records

__all__ = ["orders", "records"]

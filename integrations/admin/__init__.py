"""The portal for people: who we talk to, and what they offer."""

from . import catalogue, organizations

__all__ = ["catalogue", "organizations"]

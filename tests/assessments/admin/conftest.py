"""The admin's tests start at the admin fixtures' time."""

from tests.fixtures.admin import clock

__all__ = ["clock"]

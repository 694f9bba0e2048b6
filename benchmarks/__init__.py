"""Compares the portal's speed with plain reference views in the same server: ``make bench``."""

"""The bare chain: what anyone would write first for the same job, in the reference's Django project.

Plain DRF views receive the start and the pushes, and a plain loop with ``requests`` places, polls and
delivers. It makes the same HTTP calls and writes the same rows as the portal, each step in one transaction.
It has no leases, retries, encryption or checks of what it reads.
"""

"""Who we talk to, and what they offer."""

from .catalogue import CustomField, Job, JobPackageMapping, Package
from .organizations import AshbyApiKey, Connection, Organization

__all__ = [
    "AshbyApiKey",
    "Connection",
    "CustomField",
    "Job",
    "JobPackageMapping",
    "Organization",
    "Package",
]

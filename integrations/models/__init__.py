"""Who we talk to, and what they offer."""

from integrations.models.accounts import MEMBER_ROLES, Membership, Role, SessionsEnded
from integrations.models.api_keys import AshbyApiKey, RetiringVerificationKey
from integrations.models.catalog import CustomField, Job, JobPackageMapping, Package
from integrations.models.connection_jobs import Errand
from integrations.models.connections import Connection
from integrations.models.organizations import Organization

from .audit import AuditEvent, AuditHead, Unchangeable

__all__ = [
    "MEMBER_ROLES",
    "AshbyApiKey",
    "AuditEvent",
    "AuditHead",
    "Connection",
    "CustomField",
    "Errand",
    "Job",
    "JobPackageMapping",
    "Membership",
    "Organization",
    "Package",
    "RetiringVerificationKey",
    "Role",
    "SessionsEnded",
    "Unchangeable",
]

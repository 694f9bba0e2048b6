"""Who we talk to, and what they offer."""

from .audit import AuditEvent, AuditHead, Unchangeable
from .catalogue import CustomField, Job, JobPackageMapping, Package
from .errands import Errand
from .memberships import MEMBER_ROLES, Membership, Role
from .organizations import AshbyApiKey, Connection, Organization
from .retiring import RetiringVerificationKey
from .sign_in import SessionsEnded

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

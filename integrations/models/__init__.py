"""Organizations, connections, catalogs, people and the audit log."""

from integrations.models.accounts import MEMBER_ROLES, Membership, Role
from integrations.models.api_keys import AshbyApiKey, PreviousVerificationKey
from integrations.models.audit import AuditChainHead, AuditLogEntry, ImmutableRecordError
from integrations.models.catalog import CustomField, Job, JobPackageMapping, Package
from integrations.models.connection_jobs import ConnectionJob
from integrations.models.connections import Connection
from integrations.models.organizations import Organization
from integrations.models.secret_fingerprints import SecretFingerprint

__all__ = ["MEMBER_ROLES", "AshbyApiKey", "AuditChainHead", "AuditLogEntry", "Connection", "ConnectionJob"]
__all__ += ["CustomField", "ImmutableRecordError", "Job", "JobPackageMapping", "Membership", "Organization"]
__all__ += ["Package", "PreviousVerificationKey", "Role", "SecretFingerprint"]

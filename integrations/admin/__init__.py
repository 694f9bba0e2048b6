"""The portal's pages: connections, people, and what each organization can order."""

from integrations.admin import accounts, api_keys, audit_log, connections, organizations, site
from integrations.admin.catalog import custom_fields, jobs, packages

__all__ = [
    "accounts",
    "api_keys",
    "audit_log",
    "connections",
    "custom_fields",
    "jobs",
    "organizations",
    "packages",
    "site",
]

"""The portal's pages: connections, people, and what each organization can order."""

from integrations.admin import accounts, api_keys, audit_log, connections, organizations  # noqa: F401
from integrations.admin.catalog import custom_fields, jobs, packages  # noqa: F401

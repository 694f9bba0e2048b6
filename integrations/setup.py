"""Setting up an organization: the steps, and which of them are done."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from .errands import last_errand, last_tested
from .models import AshbyApiKey, Connection, Errand, JobPackageMapping, Organization, Package


@dataclass(frozen=True)
class Step:
    """``name`` is its place on the page; ``is_optional``: the org works without it."""

    name: str
    title: str
    is_done: bool
    is_optional: bool = False


@dataclass(frozen=True)
class Setup:
    """An organization's set-up as it is now."""

    organization: Organization
    connection: Connection
    keys: list[AshbyApiKey]
    packages: list[Package]
    jobs: int
    mapped_jobs: int
    errands: dict[str, Errand | None]
    tested_at: datetime | None

    @property
    def selected_key(self) -> AshbyApiKey | None:
        return next((key for key in self.keys if key.is_selected), None)

    @property
    def offered(self) -> list[Package]:
        return [package for package in self.packages if package.is_offered]

    @property
    def default_package(self) -> Package | None:
        return next((package for package in self.offered if package.is_default), None)

    @property
    def steps(self) -> list[Step]:
        called = self.connection.ashby_called_at is not None
        return [
            Step("ashby-key", _("Ashby API key"), self.selected_key is not None),
            Step("verification-key", _("Verification key"), bool(self.connection.verification_key)),
            Step("base-url", _("Justifacts' staging base URL"), bool(self.connection.staging_base_url)),
            Step("test", _("Test the connection"), self.tested_at is not None),
            Step("packages", _("Packages"), bool(self.offered)),
            Step("jobs", _("Jobs"), bool(self.mapped_jobs or self.default_package), is_optional=True),
            Step("paste", _("What to paste into Ashby"), called),
            Step("first-call", _("The first call from Ashby"), called),
        ]

    @property
    def needed(self) -> int:
        return sum(not step.is_optional for step in self.steps)

    @property
    def done(self) -> int:
        return sum(step.is_done and not step.is_optional for step in self.steps)

    @property
    def is_complete(self) -> bool:
        return self.done == self.needed

    @property
    def next_step(self) -> Step | None:
        """The first that is not done."""
        return next((step for step in self.steps if not step.is_done and not step.is_optional), None)


def setup_of(organization: Organization) -> Setup:
    """Creates the organization's connection where there is none yet."""
    connection, _created = Connection.objects.get_or_create(organization=organization)
    organization.connection = connection
    return Setup(
        organization=organization,
        connection=connection,
        keys=list(organization.ashby_api_keys.all()),
        packages=list(organization.packages.all()),
        jobs=organization.jobs.count(),
        mapped_jobs=JobPackageMapping.objects.filter(job__organization=organization).count(),
        errands={kind.value: last_errand(organization, kind) for kind in Errand.Kind},
        tested_at=last_tested(organization),
    )

"""The steps of setting up an organization, and which of them are done."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from integrations.catalog.mapping import namesakes
from integrations.catalog.withdrawals import same_name
from integrations.models import (
    AshbyApiKey,
    Connection,
    ConnectionJob,
    JobPackageMapping,
    Organization,
    Package,
)
from integrations.onboarding.jobs import last_job, last_tested, unconfirmed_packages


@dataclass(frozen=True)
class Step:
    """``name`` is the anchor on the page. ``is_optional``: the organization can work without the step."""

    name: str
    title: str
    is_done: bool
    is_optional: bool = False


@dataclass(frozen=True)
class Withdrawal:
    """A package that Justifacts no longer lists and that a person may withdraw, with what depends on it.
    ``namesake``: an offered package of the same name."""

    package: Package
    is_default: bool
    mappings: list[JobPackageMapping]
    namesake: Package | None


@dataclass(frozen=True)
class Setup:
    """The present state of an organization's set-up."""

    organization: Organization
    connection: Connection
    keys: list[AshbyApiKey]
    packages: list[Package]
    jobs: int
    mapped_jobs: int
    connection_jobs: dict[str, ConnectionJob | None]
    tested_at: datetime | None
    withdrawals: list[Withdrawal]
    #: Packages that are no longer sold, each with the offered package of the same name.
    namesakes: list[tuple[Package, Package]]

    @property
    def selected_key(self) -> AshbyApiKey | None:
        return next((key for key in self.keys if key.is_selected), None)

    @property
    def offered(self) -> list[Package]:
        return [package for package in self.packages if package.is_offered]

    @property
    def default_package(self) -> Package | None:
        """The package for jobs without a mapping."""
        default = next((package.current for package in self.packages if package.is_default), None)
        return default if default and default.is_offered else None

    @property
    def steps(self) -> list[Step]:
        called = self.connection.last_inbound_call_at is not None
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
        """The first required step that is not done."""
        return next((step for step in self.steps if not step.is_done and not step.is_optional), None)


def setup_of(organization: Organization) -> Setup:
    """Return the set-up of the organization. Creates its connection if there is none."""
    connection, _created = Connection.objects.get_or_create(organization=organization)
    organization.connection = connection
    packages = list(organization.packages.select_related("replaced_by"))
    connection_jobs = {kind.value: last_job(organization, kind) for kind in ConnectionJob.Kind}
    same = namesakes(packages)
    return Setup(
        organization=organization,
        connection=connection,
        keys=list(organization.ashby_api_keys.all()),
        packages=packages,
        jobs=organization.jobs.count(),
        mapped_jobs=JobPackageMapping.objects.filter(job__organization=organization).count(),
        connection_jobs=connection_jobs,
        tested_at=last_tested(organization),
        withdrawals=_withdrawals(packages, connection_jobs[ConnectionJob.Kind.PACKAGES]),
        namesakes=[(package, same[package.pk]) for package in packages if package.pk in same],
    )


def _withdrawals(packages: list[Package], fetch: ConnectionJob | None) -> list[Withdrawal]:
    unconfirmed = unconfirmed_packages(fetch)
    if not unconfirmed:
        return []
    of = JobPackageMapping.objects.filter(package__in=packages)
    mappings = list(of.select_related("job", "package__replaced_by").order_by("job__title", "pk"))
    stay = [package for package in packages if package.is_offered and package not in unconfirmed]
    return [
        Withdrawal(
            package,
            is_default=any(each.is_default and each.current == package for each in packages),
            mappings=[mapping for mapping in mappings if mapping.package.current == package],
            namesake=next((each for each in stay if same_name(each.name) == same_name(package.name)), None),
        )
        for package in unconfirmed
    ]

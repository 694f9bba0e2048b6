"""The mapping preview: which packages recent orders would get under the present or a proposed mapping."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from assessments.models import Order
from integrations.catalog.mapping import rules_of
from integrations.catalog.package_rule import PackageRule, RuleRefusal
from integrations.models import Organization, Package

DAYS = 30


@dataclass(frozen=True)
class PreviewRow:
    """Recent orders of one job that got one package."""

    job: str
    got: Package
    count: int
    by_job: bool
    rule: PackageRule

    @property
    def would_get(self) -> Package | None:
        """The package, or None if the start would be refused. A recruiter's own choice stays, unless the
        mapping is strict."""
        return None if self.refusal else self._requested

    @property
    def refusal(self) -> RuleRefusal | None:
        return self.rule.refusal(self._requested)

    @property
    def _requested(self) -> Package | None:
        return self.rule.chosen if self.by_job else self.got.current

    @property
    def changes(self) -> bool:
        return self.would_get != self.got


def preview_mapping(
    organization: Organization, now: datetime, proposed: Mapping[str, PackageRule] | None = None
) -> list[PreviewRow]:
    """One row for each job, package and way of choosing, the rows that would change first. ``proposed`` maps
    Ashby's job ids to rules that replace the present ones. Writes nothing."""
    rules, other = rules_of(organization)
    rules = {**rules, **(proposed or {})}
    packages = {package.pk: package for package in organization.packages.all()}
    groups = (
        Order.objects.order_by()
        .filter(organization=organization, created_at__gte=now - timedelta(days=DAYS))
        .values("job_id", "package", "package_from_job_mapping")
        .annotate(count=Count("pk"), name=Max("job_name"))
    )
    rows = [
        PreviewRow(
            group["name"] or group["job_id"],
            packages[group["package"]],
            group["count"],
            group["package_from_job_mapping"],
            rules.get(group["job_id"], other),
        )
        for group in groups
    ]
    return sorted(rows, key=lambda row: (not row.changes, row.job.casefold(), -row.count))


@dataclass(frozen=True)
class Total:
    """How many orders one package got and would get. Without a package: how many starts would be refused."""

    package: Package | None
    got: int
    would_get: int


def totals(rows: Sequence[PreviewRow]) -> list[Total]:
    """One total for each package, by name, and the refused starts last."""
    got: Counter[Package | None] = Counter()
    would: Counter[Package | None] = Counter()
    for row in rows:
        got[row.got] += row.count
        would[row.would_get] += row.count
    packages = sorted(
        got.keys() | would.keys(), key=lambda package: (package is None, str(package).casefold())
    )
    return [Total(package, got[package], would[package]) for package in packages]

"""What the orders of the last days would have got under the mappings as they are, or as proposed."""

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
    """Orders of one job for one package."""

    job: str
    got: Package
    count: int
    by_job: bool
    rule: PackageRule

    @property
    def would_get(self) -> Package | None:
        """None: the start would be refused. A recruiter's own choice stays, unless the job is strict."""
        return None if self.refusal else self._asked

    @property
    def refusal(self) -> RuleRefusal | None:
        return self.rule.refusal(self._asked)

    @property
    def _asked(self) -> Package | None:
        return self.rule.chosen if self.by_job else self.got.current

    @property
    def changes(self) -> bool:
        return self.would_get != self.got


def preview_mapping(
    organization: Organization, now: datetime, proposed: Mapping[str, PackageRule] | None = None
) -> list[PreviewRow]:
    """One row a job, package and way of choosing; what would change comes first. ``proposed`` are rules
    that take the place of today's, by the job's id in Ashby; nothing is written."""
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
    """How many orders one package got, and would get; of no package: how many would be refused."""

    package: Package | None
    got: int
    would_get: int


def totals(rows: Sequence[PreviewRow]) -> list[Total]:
    """One a package, by its name; what would be refused comes last."""
    got: Counter[Package | None] = Counter()
    would: Counter[Package | None] = Counter()
    for row in rows:
        got[row.got] += row.count
        would[row.would_get] += row.count
    packages = sorted(
        got.keys() | would.keys(), key=lambda package: (package is None, str(package).casefold())
    )
    return [Total(package, got[package], would[package]) for package in packages]

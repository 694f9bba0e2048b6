"""The one rule that decides a job's package, for starts, pages and the mapping preview. No database
writes."""

from dataclasses import dataclass
from enum import Enum

from integrations.models import JobPackageMapping, Package


class RuleRefusal(Enum):
    """Why a start gets the answer 422."""

    NO_PACKAGE = "neither the job nor the organization has a package"
    NOT_OFFERED = "the package is disabled, or no longer sold"
    STRICT = "the job takes only its own package"


@dataclass(frozen=True)
class PackageRule:
    """A job's package: that of its mapping, otherwise the organization's default package."""

    mapping: JobPackageMapping | None
    default: Package | None

    @property
    def mapped(self) -> Package | None:
        """The package of the job's mapping, or its replacement."""
        return self.mapping.package.current if self.mapping else None

    @property
    def is_strict(self) -> bool:
        return self.mapping is not None and self.mapping.is_strict

    @property
    def chosen(self) -> Package | None:
        """The package that “Package for this job” means, whether or not it may be ordered."""
        if self.mapping:
            return self.mapped
        return self.default.current if self.default else None

    @property
    def package(self) -> Package | None:
        """The package that “Package for this job” orders. ``None``: such a start gets the answer 422."""
        return None if self.refusal(self.chosen) else self.chosen

    def refusal(self, package: Package | None) -> RuleRefusal | None:
        """Return why this package may not be ordered for the job, or ``None`` if it may."""
        if package is None:
            return RuleRefusal.NO_PACKAGE
        if not package.is_offered:
            return RuleRefusal.NOT_OFFERED
        # Comparing ids first saves most starts from loading the mapping's package.
        if self.mapping and self.mapping.is_strict and self.mapping.package_id != package.pk:
            return None if self.mapped == package else RuleRefusal.STRICT
        return None

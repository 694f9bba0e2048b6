"""The one rule by which a job gets its package: for starts, for pages and for dry runs. Pure."""

from dataclasses import dataclass
from enum import Enum

from integrations.models import JobPackageMapping, Package


class RuleRefusal(Enum):
    """Why a start is answered 422."""

    NO_PACKAGE = "neither the job nor the organization has a package"
    NOT_OFFERED = "the package is switched off, or no longer sold"
    STRICT = "the job takes only its own package"


@dataclass(frozen=True)
class PackageRule:
    """What holds for one job: its own package, if it has one, else the organization's default."""

    mapping: JobPackageMapping | None
    default: Package | None

    @property
    def mapped(self) -> Package | None:
        """The job's own package, or the package that replaces it."""
        return self.mapping.package.current if self.mapping else None

    @property
    def is_strict(self) -> bool:
        return self.mapping is not None and self.mapping.is_strict

    @property
    def chosen(self) -> Package | None:
        """What “Package for this job” stands for, whether or not it may be ordered."""
        if self.mapping:
            return self.mapped
        return self.default.current if self.default else None

    @property
    def package(self) -> Package | None:
        """What “Package for this job” orders; None: such a start is answered 422."""
        return None if self.refusal(self.chosen) else self.chosen

    def refusal(self, package: Package | None) -> RuleRefusal | None:
        """Why this package may not be started for the job; None where it may."""
        if package is None:
            return RuleRefusal.NO_PACKAGE
        if not package.is_offered:
            return RuleRefusal.NOT_OFFERED
        # By the id first: most starts need not load the job's own package.
        if self.mapping and self.mapping.is_strict and self.mapping.package_id != package.pk:
            return None if self.mapped == package else RuleRefusal.STRICT
        return None

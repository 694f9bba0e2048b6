"""What an organization can order: packages, jobs with their mappings, and custom fields."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext_lazy as _

from integrations.models.organizations import Organization
from integrations.partner_protocol.responses import CUSTOM_FIELD_TYPES, CustomFieldEntry


class Package(models.Model):
    """A kind of check that Justifacts sells to the organization (Ashby: *assessment type*)."""

    assessment_type_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="packages", verbose_name=_("organization")
    )
    justifacts_id = models.CharField(_("Justifacts' id"), max_length=200)
    name = models.CharField(_("name at Justifacts"), max_length=500)
    ashby_name = models.CharField(
        _("name in Ashby"), max_length=500, blank=True, help_text=_("Empty: the same name as at Justifacts.")
    )
    description = models.TextField(_("description"), blank=True)
    is_active = models.BooleanField(
        _("switched on"), default=True, help_text=_("Off: Ashby is not offered it.")
    )
    is_default = models.BooleanField(_("default package"), default=False)
    withdrawn_at = models.DateTimeField(_("no longer sold since"), null=True, blank=True, editable=False)
    #: Takes effect while this package is not offered; see ``current``.
    replaced_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaces", verbose_name=_("replaced by")
    )

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="package_once_per_org", fields=["organization", "justifacts_id"]),
            models.UniqueConstraint(
                name="one_default_package",
                fields=["organization"],
                condition=Q(is_default=True),
                violation_error_message=_("This organization has a default package already."),
            ),
            # ``clean`` checks that both packages belong to one organization and that replacements form no
            # circle: a constraint sees only one row.
            models.CheckConstraint(name="package_replaced_by_another", condition=~Q(replaced_by=F("pk"))),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if self.replaced_by is not None:
            self._check_replacement(self.replaced_by)
        if self.is_default and not self.current.is_offered and not self._loses_its_replacement():
            text = _("The package “%(package)s” is not offered; choose another default package.")
            raise ValidationError({"is_default": text % {"package": self}})

    def _loses_its_replacement(self) -> bool:
        """Whether a replacement is being removed. That is allowed even if the default is then not offered."""
        stored = Package.objects.filter(pk=self.pk).first()
        return stored is not None and stored.replaced_by_id != self.replaced_by_id and stored.is_default

    def _check_replacement(self, replacement: "Package") -> None:
        if replacement.organization_id != self.organization_id:
            raise ValidationError({"replaced_by": _("This package belongs to another organization.")})
        following: Package | None = replacement
        visited: set[int] = set()
        while following is not None and following.pk not in visited:
            if following.pk == self.pk:
                raise ValidationError({"replaced_by": _("A package cannot replace itself.")})
            visited.add(following.pk)
            following = following.replaced_by

    @property
    def label(self) -> str:
        """The name in Ashby."""
        return self.ashby_name or self.name

    @staticmethod
    def label_in_sql(path: str = "") -> Coalesce:
        """``label`` as an expression. ``path`` is the query path to the package, such as ``"package__"``."""
        return Coalesce(NullIf(f"{path}ashby_name", Value("")), f"{path}name")

    @property
    def label_and_id(self) -> str:
        """For sentences about two packages, which may have the same label."""
        return f"“{self.label}” ({self.justifacts_id})"

    @property
    def current(self) -> "Package":
        """The package to order instead of this one: itself while it is offered, otherwise its replacement,
        and so on. The last replacement may not be offered either."""
        package, visited = self, {self.pk}
        while not package.is_offered and package.replaced_by and package.replaced_by_id not in visited:
            package = package.replaced_by
            visited.add(package.pk)
        return package

    @property
    def is_offered(self) -> bool:
        return self.is_active and self.withdrawn_at is None


class Job(models.Model):
    """A job as Ashby knows it."""

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="jobs", verbose_name=_("organization")
    )
    ashby_id = models.CharField(_("Ashby's id"), max_length=200)
    title = models.CharField(_("title"), max_length=500, blank=True)
    status = models.CharField(_("status"), max_length=50, blank=True)
    requisition_id = models.CharField(_("requisition"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["title"]
        constraints = [models.UniqueConstraint(name="job_once_per_org", fields=["organization", "ashby_id"])]

    def __str__(self) -> str:
        return self.title or self.ashby_id


class JobPackageMapping(models.Model):
    """The package of a job when Ashby starts "Package for this job"."""

    job = models.OneToOneField(Job, models.CASCADE, related_name="mapping", verbose_name=_("job"))
    package = models.ForeignKey(Package, models.PROTECT, related_name="mappings", verbose_name=_("package"))
    is_strict = models.BooleanField(
        _("strict"), default=False, help_text=_("Refuse every other package for this job.")
    )

    class Meta:
        verbose_name = _("job package mapping")
        verbose_name_plural = _("job package mappings")
        ordering = ["job__title"]

    def __str__(self) -> str:
        return f"{self.job}: {self.package}"

    def clean(self) -> None:
        if self.job_id and self.package_id and self.job.organization_id != self.package.organization_id:
            raise ValidationError({"package": _("This package belongs to another organization.")})
        if self.package_id and not self.package.current.is_offered:
            text = _("The package “%(package)s” is not offered any more.")
            raise ValidationError({"package": text % {"package": self.package}})


class CustomField(models.Model):
    """A question that Ashby asks the recruiter when a check starts; Justifacts receives the answer."""

    field_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="custom_fields", verbose_name=_("organization")
    )
    name = models.CharField(_("name"), max_length=200)
    type = models.CharField(max_length=20, choices=[(name, name) for name in CUSTOM_FIELD_TYPES])
    possible_values = models.JSONField(
        default=list, blank=True, help_text=_('For the two ValueSelect types: [{"key": "…", "value": "…"}].')
    )
    is_required = models.BooleanField(_("required"), default=False)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(name="custom_field_name_once_per_org", fields=["organization", "name"]),
            models.CheckConstraint(name="custom_field_type_known", condition=Q(type__in=CUSTOM_FIELD_TYPES)),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        selects = self.type in ("ValueSelect", "MultiValueSelect")
        if selects and not self.possible_values:
            raise ValidationError({"possible_values": _("A field to choose from needs values.")})
        if self.possible_values and not selects:
            raise ValidationError({"possible_values": _("Only the two ValueSelect types take values.")})
        if not isinstance(self.possible_values, list) or not all(_is_choice(v) for v in self.possible_values):
            raise ValidationError({"possible_values": _('Write [{"key": "…", "value": "…"}].')})

    def as_json(self) -> dict[str, Any]:
        """One entry of ``assessment.customField.list``."""
        return CustomFieldEntry(
            id=str(self.field_id),
            name=self.name,
            type=self.type,
            possible_values=self.possible_values,
            is_required=self.is_required,
        ).as_json()


def _is_choice(value: Any) -> bool:
    are_texts = isinstance(value, dict) and all(isinstance(part, str) and part for part in value.values())
    return are_texts and set(value) == {"key", "value"}

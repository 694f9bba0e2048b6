"""What an organization can order: packages, for which jobs, and the custom fields asked for."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from integrations.protocol import CUSTOM_FIELD_TYPES

from .organizations import Organization


class Package(models.Model):
    """A kind of check that Justifacts sells to this org (Ashby: *assessment type*)."""

    assessment_type_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="packages")
    justifacts_id = models.CharField("Justifacts' id", max_length=200)
    name = models.CharField("name at Justifacts", max_length=500)
    ashby_name = models.CharField(
        "name in Ashby", max_length=500, blank=True, help_text="Empty: the same name as at Justifacts."
    )
    description = models.TextField(blank=True)
    is_active = models.BooleanField("switched on", default=True, help_text="Off: Ashby is not offered it.")
    is_default = models.BooleanField("default package", default=False)
    withdrawn_at = models.DateTimeField("no longer sold since", null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="package_once_per_org", fields=["organization", "justifacts_id"]),
            models.UniqueConstraint(
                name="one_default_package",
                fields=["organization"],
                condition=Q(is_default=True),
                violation_error_message="This organization has a default package already.",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if self.is_default and not self.is_offered:
            raise ValidationError(
                {"is_default": f"The package “{self}” is not offered; choose another default package."}
            )

    @property
    def label(self) -> str:
        return self.ashby_name or self.name

    @property
    def is_offered(self) -> bool:
        return self.is_active and self.withdrawn_at is None


class Job(models.Model):
    """A job as Ashby knows it."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="jobs")
    ashby_id = models.CharField("Ashby's id", max_length=200)
    title = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=50, blank=True)
    requisition_id = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(name="job_once_per_org", fields=["organization", "ashby_id"])]

    def __str__(self) -> str:
        return self.title or self.ashby_id


class JobPackageMapping(models.Model):
    """Which package a job gets when Ashby starts "Package for this job"."""

    job = models.OneToOneField(Job, models.CASCADE, related_name="mapping")
    package = models.ForeignKey(Package, models.PROTECT, related_name="mappings")
    is_strict = models.BooleanField(
        "strict", default=False, help_text="Refuse every other package for this job."
    )

    class Meta:
        ordering = ["job__title"]

    def __str__(self) -> str:
        return f"{self.job}: {self.package}"

    def clean(self) -> None:
        if self.job_id and self.package_id and self.job.organization_id != self.package.organization_id:
            raise ValidationError({"package": "This package belongs to another organization."})
        if self.package_id and not self.package.is_offered:
            raise ValidationError({"package": f"The package “{self.package}” is not offered any more."})


class CustomField(models.Model):
    """A question that Ashby asks the recruiter at Start Assessment; the answer goes to Justifacts."""

    field_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="custom_fields")
    name = models.CharField(max_length=200)
    type = models.CharField(max_length=20, choices=[(name, name) for name in CUSTOM_FIELD_TYPES])
    possible_values = models.JSONField(
        default=list, blank=True, help_text='For the two ValueSelect types: [{"key": "…", "value": "…"}].'
    )
    is_required = models.BooleanField("required", default=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
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
            raise ValidationError({"possible_values": "A field to choose from needs values."})
        if self.possible_values and not selects:
            raise ValidationError({"possible_values": "Only the two ValueSelect types take values."})
        if not isinstance(self.possible_values, list) or not all(_is_choice(v) for v in self.possible_values):
            raise ValidationError({"possible_values": 'Write [{"key": "…", "value": "…"}].'})

    def as_json(self) -> dict[str, Any]:
        """One entry of ``assessment.customField.list``."""
        values = {"possible_values": self.possible_values} if self.possible_values else {}
        return {
            "id": str(self.field_id),
            "name": self.name,
            "type": self.type,
            **values,
            "isRequired": self.is_required,
        }


def _is_choice(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"key", "value"}
        and all(isinstance(part, str) and part for part in value.values())
    )

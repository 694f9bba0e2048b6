"""Custom fields: what Ashby asks the recruiter besides, when a check is started."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.models import CustomField

from .scope import OfOrganizations, OrganizationFilter

#: Ashby's fifteen types (contract, section 1), as people call them.
TYPES = {
    "String": gettext_lazy("Text, one line"),
    "LongText": gettext_lazy("Text, several lines"),
    "Number": gettext_lazy("Number"),
    "Boolean": gettext_lazy("Yes or no"),
    "Date": gettext_lazy("Date"),
    "DateRange": gettext_lazy("Date range, from and to"),
    "ValueSelect": gettext_lazy("Choice of one"),
    "MultiValueSelect": gettext_lazy("Choice of several"),
    "Email": gettext_lazy("E-mail address"),
    "Phone": gettext_lazy("Phone number"),
    "Url": gettext_lazy("Web address"),
    "SocialLink": gettext_lazy("Social profile"),
    "Currency": gettext_lazy("Amount of money"),
    "Location": gettext_lazy("Place"),
    "Score": gettext_lazy("Score"),
}


class ChoicesField(forms.CharField):
    """One choice a line; “key: what people read”, or one text for both."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        lines = (
            choice["value"] if choice["key"] == choice["value"] else f"{choice['key']}: {choice['value']}"
            for choice in value
        )
        return "\n".join(lines)

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in (super().to_python(value) or "").splitlines()]
        return [_choice(line) for line in lines if line]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


def _choice(line: str) -> dict[str, str]:
    key, colon, label = (part.strip() for part in line.partition(": "))
    return {"key": key, "value": label} if colon and key and label else {"key": line, "value": line}


class CustomFieldForm(forms.ModelForm):
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=list(TYPES.items()))
    possible_values = ChoicesField(
        label=gettext_lazy("Choices"),
        required=False,
        help_text=gettext_lazy(
            "One a line, for the two types of choice only. Write “NY: New York” where Justifacts should get "
            "another text (NY) than the recruiter reads."
        ),
    )

    class Meta:
        model = CustomField
        fields = ["organization", "name", "type", "possible_values", "is_required", "position"]
        labels = {"name": gettext_lazy("Question"), "position": gettext_lazy("Order")}
        help_texts = {
            "name": gettext_lazy("As the recruiter reads it, for example “State of residence”."),
            "is_required": gettext_lazy("Ashby starts no check without an answer."),
            "position": gettext_lazy("Smaller numbers are asked first."),
        }

    def clean_possible_values(self) -> Any:
        keys = [choice["key"] for choice in self.cleaned_data["possible_values"]]
        if len(set(keys)) < len(keys):
            raise forms.ValidationError(_("Two choices are the same."))
        return self.cleaned_data["possible_values"]


@admin.register(CustomField)
class CustomFieldAdmin(OfOrganizations):
    form = CustomFieldForm
    list_display = ["name", "type_in_words", "choices", "is_required", "position", "organization"]
    list_filter = [OrganizationFilter]
    list_select_related = ["organization"]
    search_fields = ["name"]

    class Media:
        js = ["portal/custom_field.js"]

    @admin.display(description=gettext_lazy("type"), ordering="type")
    def type_in_words(self, field: CustomField) -> str:
        return str(TYPES[field.type])

    @admin.display(description=gettext_lazy("choices"))
    def choices(self, field: CustomField) -> str:
        return ", ".join(choice["value"] for choice in field.possible_values) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: CustomField | None = None) -> list[str]:
        return ["organization"] if obj else []

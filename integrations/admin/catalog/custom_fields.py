"""Custom fields: the questions that Ashby asks the recruiter when a check starts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin.base import OrganizationFilter, TenantModelAdmin
from integrations.models import CustomField

#: Ashby's fifteen types (``docs/protocol.md``): the name that people read, and what the recruiter enters.
TYPES = {
    "String": (gettext_lazy("Text, one line"), gettext_lazy("a name, a number with letters")),
    "LongText": (gettext_lazy("Text, several lines"), gettext_lazy("a remark")),
    "Number": (gettext_lazy("Number"), gettext_lazy("digits only")),
    "Boolean": (gettext_lazy("Yes or no"), gettext_lazy("a checkbox")),
    "Date": (gettext_lazy("Date"), gettext_lazy("one day")),
    "DateRange": (gettext_lazy("Date range"), gettext_lazy("from one day to another")),
    "ValueSelect": (gettext_lazy("Choice of one"), gettext_lazy("one of the choices below")),
    "MultiValueSelect": (gettext_lazy("Choice of several"), gettext_lazy("any of the choices below")),
    "Email": (gettext_lazy("E-mail address"), gettext_lazy("name@example.com")),
    "Phone": (gettext_lazy("Phone number"), gettext_lazy("with country code")),
    "Url": (gettext_lazy("Web address"), gettext_lazy("a link, https://…")),
    "SocialLink": (gettext_lazy("Social profile"), gettext_lazy("a link to LinkedIn or a similar site")),
    "Currency": (gettext_lazy("Amount of money"), gettext_lazy("an amount and its currency")),
    "Location": (gettext_lazy("Place"), gettext_lazy("a city, a region or a country")),
    "Score": (gettext_lazy("Score"), gettext_lazy("a rating on a scale")),
}
TYPE_CHOICES = [(name, format_lazy("{} – {}", label, hint)) for name, (label, hint) in TYPES.items()]


class ChoicesField(forms.CharField):
    """One choice a line: “key: label”, or one text for both."""

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
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=TYPE_CHOICES)
    possible_values = ChoicesField(
        label=gettext_lazy("Choices"),
        required=False,
        help_text=gettext_lazy(
            "One per line, for the two choice types only. Write “NY: New York” if Justifacts "
            "should receive a different text (NY) from the one the recruiter sees."
        ),
    )

    class Meta:
        model = CustomField
        fields = ["organization", "name", "type", "possible_values", "is_required", "position"]
        labels = {"name": gettext_lazy("Question"), "position": gettext_lazy("Order")}
        help_texts = {
            "name": gettext_lazy("As shown to the recruiter, for example “State of residence”."),
            "is_required": gettext_lazy("Ashby does not start a check without an answer."),
            "position": gettext_lazy("Smaller numbers are asked first."),
        }

    def clean_possible_values(self) -> Any:
        keys = [choice["key"] for choice in self.cleaned_data["possible_values"]]
        if len(set(keys)) < len(keys):
            raise forms.ValidationError(_("Two choices are the same."))
        return self.cleaned_data["possible_values"]


@admin.register(CustomField)
class CustomFieldAdmin(TenantModelAdmin):
    form = CustomFieldForm
    list_display = ["name", "type_name", "choices", "is_required", "position", "organization"]
    list_filter = [OrganizationFilter]
    list_select_related = ["organization"]
    search_fields = ["name"]

    class Media:
        css = {"all": ["portal/catalog.css"]}
        js = ["portal/custom_field.js"]

    @admin.display(description=gettext_lazy("type"), ordering="type")
    def type_name(self, field: CustomField) -> str:
        return str(TYPES[field.type][0])

    @admin.display(description=gettext_lazy("choices"))
    def choices(self, field: CustomField) -> str:
        return ", ".join(choice["value"] for choice in field.possible_values) or "–"

    def get_fields(self, request: HttpRequest, obj: CustomField | None = None) -> Any:
        return [*CustomFieldForm.Meta.fields, "in_ashby"] if obj else CustomFieldForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: CustomField | None = None) -> list[str]:
        return ["organization", "in_ashby"] if obj else []

    @admin.display(description=gettext_lazy("As shown to the recruiter"))
    def in_ashby(self, field: CustomField) -> str:
        """A preview of the saved question; Ashby's layout differs."""
        label, answer_hint = TYPES[field.type]
        if field.possible_values:
            choices = format_html_join("", "<li>{}</li>", ((one["value"],) for one in field.possible_values))
            answer = format_html("<ul>{}</ul>", choices)
        else:
            answer = format_html('<span class="asked-gives">{}: {}</span>', label, answer_hint)
        return format_html(
            '<div class="asked"><strong>{}</strong> <span class="asked-need">{}</span>{}</div>',
            field.name,
            _("required") if field.is_required else _("optional"),
            answer,
        )

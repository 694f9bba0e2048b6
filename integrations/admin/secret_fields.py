"""Form fields for secrets, which people can enter and not read."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from integrations.encryption.secrets import Secret, SecretUnreadable
from integrations.text import JOINERS, remove_invisible

# Text copied from e-mails and web pages contains invisible characters. A key has no joiners either.
_JOINERS = str.maketrans("", "", JOINERS)


class SecretField(forms.CharField):
    """Always shown empty; the help text shows the stored secret's last four characters. Left empty, the field
    keeps the stored secret. White space around a pasted key is removed."""

    widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"})

    def __init__(self, *, stored: Secret | None, **options: Any) -> None:
        self.stored = stored if stored else None
        options["required"] = options.get("required", False) and self.stored is None
        super().__init__(strip=True, **options)
        if self.stored:
            hint = _("Stored: %(stored)s. Leave empty to keep it.")
            self.help_text = f"{hint % {'stored': self.stored}} {self.help_text}"

    def to_python(self, value: Any) -> str:
        return super().to_python(remove_invisible(str(value)).translate(_JOINERS) if value else value) or ""

    def clean(self, value: Any) -> Secret | str:
        text = super().clean(value)
        if text:
            if not text.isascii() or any(each.isspace() or not each.isprintable() for each in text):
                raise ValidationError(_("A key contains no spaces and no special characters. Copy it again."))
            return Secret(text)
        if self.stored:
            try:
                self.stored.reveal()
            except SecretUnreadable:
                raise ValidationError(_("The stored key can no longer be read. Enter it again.")) from None
        return self.stored or ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data and str(data).strip())

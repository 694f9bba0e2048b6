"""Secrets in forms: written, never read back."""

from typing import Any

from django import forms

from integrations.fields import Secret


class SecretInput(forms.PasswordInput):
    """An empty password field; what is stored shows only as its last four characters, beside it."""

    def __init__(self) -> None:
        super().__init__(render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"})


class SecretField(forms.CharField):
    """Left empty, the stored secret stays. A paste may carry blanks and newlines."""

    widget = SecretInput

    def __init__(self, *, stored: Secret | None, **options: Any) -> None:
        self.stored = stored if stored else None
        options["required"] = options.get("required", False) and self.stored is None
        super().__init__(strip=True, **options)
        if self.stored:
            self.help_text = f"Stored: {self.stored}. Leave this empty to keep it. {self.help_text}"

    def clean(self, value: Any) -> Secret | str:
        text = super().clean(value)
        return Secret(text) if text else self.stored or ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data and str(data).strip())

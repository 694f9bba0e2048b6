"""The forms of the set-up page, one for each step."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.admin.secret_fields import SecretField
from integrations.connections.api_keys import add_ashby_key, save_with_verification_key, set_verification_key
from integrations.encryption.secrets import Secret
from integrations.models import Connection
from integrations.models.connections import validate_staging_base_url


class StepForm(forms.Form):
    """Changes one setting of a connection."""

    def __init__(self, connection: Connection, *args: Any, **kwargs: Any) -> None:
        self.connection = connection
        kwargs["auto_id"] = f"{type(self).__name__}_%s"
        super().__init__(*args, **kwargs)

    def save(self, who: str) -> str:
        """Save, and return a message for the person. Raises ``ValidationError``."""
        raise NotImplementedError


class AshbyKeyForm(StepForm):
    key = SecretField(stored=None, required=True, label=_("Ashby API key"))
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("To tell it apart from other keys. Leave empty to use today’s date."),
    )

    def save(self, who: str) -> str:
        key: Secret = self.cleaned_data["key"]
        added = add_ashby_key(self.connection, key.reveal(), self.cleaned_data["name"].strip(), who)
        return str(_("The Ashby API key “%(key)s” has been saved and is in use.")) % {"key": added}


class VerificationKeyForm(StepForm):
    verification_key = SecretField(stored=None, required=True, label=_("Verification key"))

    def save(self, who: str) -> str:
        set_verification_key(self.connection, self.cleaned_data["verification_key"], who)
        self.connection.full_clean()
        save_with_verification_key(self.connection)
        message = str(_("The verification key has been saved. Paste the same key into Ashby in step 7."))
        if before := self.connection.organization.previous_verification_keys.first():
            still = _("The previous key (%(key)s) keeps working until it is retired.")
            return f"{message} {still % {'key': before}}"
        return message


class BaseUrlForm(StepForm):
    staging_base_url = forms.CharField(
        label=_("Staging base URL of Justifacts"),
        max_length=500,
        validators=[validate_staging_base_url],
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "spellcheck": "false"}),
    )

    def __init__(self, connection: Connection, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"staging_base_url": connection.staging_base_url})
        super().__init__(connection, *args, **kwargs)

    def save(self, who: str) -> str:
        self.connection.staging_base_url = self.cleaned_data["staging_base_url"]
        self.connection.full_clean()
        self.connection.save()
        return str(_("Justifacts' staging base URL has been saved."))


STEP_FORMS: dict[str, type[StepForm]] = {
    "ashby-key": AshbyKeyForm,
    "verification-key": VerificationKeyForm,
    "base-url": BaseUrlForm,
}

"""Signing in; a forgotten password, and the first one: both by a link in a mail.

Nothing here tells whether an address or a user name has an account: the same words, the same status and
the same time, as a mail is sent by a worker.
"""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _

from integrations.client_address import client_address
from integrations.people import with_address
from integrations.sign_in_limits import Tries
from integrations.tasks import mail_password_link, nudge


class SignInForm(AdminAuthenticationForm):
    """Django's own, with a limit to guessing."""

    def clean(self) -> Any:
        address = client_address(self.request.META) if self.request else ""
        tries = Tries("sign in", self.cleaned_data.get("username") or "", address)
        if tries.are_used_up():
            raise ValidationError(
                _("Too many tries. Wait ten minutes, or have a link mailed: “Forgotten your password?”"),
                code="too_many_tries",
            )
        try:
            return super().clean()
        except ValidationError:
            tries.count()
            raise


class ForgottenPassword(views.PasswordResetView):
    form_class = PasswordResetForm

    def form_valid(self, form: Any) -> HttpResponse:
        email = form.cleaned_data["email"]
        tries = Tries("forgotten password", email, client_address(self.request.META))
        if not tries.are_used_up():
            tries.count()
            for person in with_address(email):
                nudge(mail_password_link, person.pk)
        return HttpResponseRedirect(reverse("password_reset_done"))


urlpatterns = [
    path("password_reset/", ForgottenPassword.as_view(), name="admin_password_reset"),
    path("password_reset/done/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("reset/done/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]

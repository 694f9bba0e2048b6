"""A forgotten password, and the first one: both by a link in a mail."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path, reverse


class MailedLinkForm(PasswordResetForm):
    """Invited people who have not chosen a password yet get a link too."""

    def get_users(self, email: str) -> Iterable[Any]:
        return User.objects.filter(email__iexact=email, is_active=True, is_staff=True)


class ForgottenPassword(views.PasswordResetView):
    form_class = MailedLinkForm

    def form_valid(self, form: Any) -> HttpResponse:
        """The link leads to the portal's public address, whatever name the caller used."""
        address = urlsplit(settings.PORTAL_BASE_URL)
        form.save(
            domain_override=address.netloc,
            use_https=address.scheme == "https",
            subject_template_name=self.subject_template_name,
            email_template_name=self.email_template_name,
            request=self.request,
        )
        return HttpResponseRedirect(reverse("password_reset_done"))


urlpatterns = [
    path("password_reset/", ForgottenPassword.as_view(), name="admin_password_reset"),
    path("password_reset/done/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("reset/done/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]

"""Notification settings: each person chooses their e-mail notifications and sees those that failed."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import NotificationPreference
from assessments.notifications.recipients import SEES_ORDERS, failed_notifications_for
from integrations.accounts.roles import organizations_of, sees_every_organization

#: The page names at most this many organizations.
_MOST_ORGANIZATIONS = 12
_MOST_FAILURES = 20


class NotificationPreferenceForm(forms.ModelForm):
    class Meta:
        model = NotificationPreference
        fields = ["connection", "attention", "digest"]
        help_texts = {
            "connection": gettext_lazy(
                "The portal cannot reach Ashby or Justifacts for five minutes, a key is refused, "
                "or the connection works again."
            ),
            "attention": gettext_lazy("A background check cannot continue until a person decides."),
            "digest": format_lazy(
                gettext_lazy(
                    "The digest comes at {hour} UTC. It lists what was started, completed or cancelled, "
                    "and what is pending. It leaves out organizations with nothing to report."
                ),
                hour=f"{settings.DAILY_DIGEST_HOUR_UTC:02}:00",
            ),
        }


def notification_settings(request: HttpRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = NotificationPreferenceForm(posted, instance=NotificationPreference.of(request.user))
    if form.is_valid():
        form.save()
        messages.success(request, _("Your notification settings have been saved."))
        return HttpResponseRedirect(reverse("notification_settings"))
    organizations = organizations_of(request.user, SEES_ORDERS)
    names = list(organizations.values_list("name", flat=True)[: _MOST_ORGANIZATIONS + 1])
    context = {
        **admin.site.each_context(request),
        "title": _("Notification settings"),
        "form": form,
        "sees_all": sees_every_organization(request.user, SEES_ORDERS),
        "organizations": names[:_MOST_ORGANIZATIONS],
        "and_more": len(names) > _MOST_ORGANIZATIONS,
        "failures": list(failed_notifications_for(request.user)[:_MOST_FAILURES]),
    }
    return render(request, "admin/notifications/settings.html", context)


urlpatterns = [path("", admin.site.admin_view(notification_settings), name="notification_settings")]

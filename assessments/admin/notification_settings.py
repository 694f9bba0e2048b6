"""My notices: each person chooses what they are told by mail, and sees what could not be sent."""

from typing import Any

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

#: As many are named; who has more knows that they do.
NAMED = 12
SHOWN = 20


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
                    "At {hour} UTC: what was started, completed or cancelled, and what is pending. "
                    "Organizations with nothing to report are left out."
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
    return render(request, "admin/notifications/settings.html", _context(request, form))


def _context(request: HttpRequest, form: NotificationPreferenceForm) -> dict[str, Any]:
    organizations = organizations_of(request.user, SEES_ORDERS)
    names = list(organizations.values_list("name", flat=True)[: NAMED + 1])
    return {
        **admin.site.each_context(request),
        "title": _("Notification settings"),
        "form": form,
        "sees_all": sees_every_organization(request.user, SEES_ORDERS),
        "organizations": names[:NAMED],
        "and_more": len(names) > NAMED,
        "troubles": list(failed_notifications_for(request.user)[:SHOWN]),
    }


urlpatterns = [path("", admin.site.admin_view(notification_settings), name="notification_settings")]

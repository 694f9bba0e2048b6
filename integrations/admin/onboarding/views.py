"""The guided set-up of an organization: its page, and what the buttons of each step do."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.admin.base import TenantModelAdmin
from integrations.admin.links import STALL_THRESHOLDS, page_url
from integrations.admin.onboarding.forms import STEP_FORMS, StepForm
from integrations.background import enqueue
from integrations.connections.api_keys import select_ashby_key
from integrations.models import ConnectionJob, Organization
from integrations.onboarding.checklist import Setup, setup_of
from integrations.onboarding.jobs import confirm_withdrawals, request_job
from integrations.tasks import run_connection_job

CHANGE_CONNECTION = "integrations.change_connection"
_TEMPLATES = "admin/integrations/organization"
#: If no worker has started a job after this time, the page says what is wrong.
_WORKER_LATE_SECONDS = 15


class OnboardingAdmin(TenantModelAdmin):
    """The set-up pages of the organization's ``ModelAdmin``."""

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("<int:pk>/setup/", self.setup_page, "setup"),
            ("<int:pk>/setup/live/", self.live_page, "setup_live"),
            ("<int:pk>/setup/<slug:step>/save/", self.save_step, "setup_save"),
            ("<int:pk>/setup/use-key/<int:key>/", self.use_key, "setup_use_key"),
            ("<int:pk>/setup/<slug:kind>/ask/", self.start_job, "setup_ask"),
        ]
        return [
            path(route, self.admin_site.admin_view(view), name=f"integrations_organization_{name}")
            for route, view, name in pages
        ] + super().get_urls()

    def organization_to_set_up(self, request: HttpRequest, pk: int) -> Organization:
        """Raises ``Http404`` unless the person may change the connection of the organization."""
        organization: Organization | None = self.get_queryset(request).filter(pk=pk).first()
        if organization is None or not request.user.has_perm(CHANGE_CONNECTION, organization):
            raise Http404
        return organization

    def setup_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._show(request, self.organization_to_set_up(request, pk))

    def live_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part that the page reloads while it is open: the test, the fetches, the first call."""
        setup = setup_of(self.organization_to_set_up(request, pk))
        return TemplateResponse(request, f"{_TEMPLATES}/setup_live.html", self._context(setup))

    def save_step(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        organization = self.organization_to_set_up(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if step not in STEP_FORMS:
            raise Http404
        form = STEP_FORMS[step](setup_of(organization).connection, request.POST)
        try:
            message = form.save(request.user.get_username()) if form.is_valid() else ""
        except ValidationError as error:
            message = ""
            form.add_error(None, error.messages)
        if not message:
            return self._show(request, organization, {step: form})
        self.log_change(request, organization, message)
        messages.success(request, message)
        return self._back(organization, step)

    def use_key(self, request: HttpRequest, pk: int, key: int) -> HttpResponse:
        organization = self.organization_to_set_up(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        key_to_use = get_object_or_404(organization.ashby_api_keys, pk=key)
        select_ashby_key(key_to_use)
        message = _("The Ashby API key “%(key)s” is now in use.") % {"key": key_to_use}
        self.log_change(request, organization, message)
        messages.success(request, message)
        return self._back(organization, "ashby-key")

    def start_job(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """Requests a background job; the page shows its findings as they arrive."""
        organization = self.organization_to_set_up(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if kind not in ConnectionJob.Kind.values:
            raise Http404
        setup_of(organization)
        if kind == ConnectionJob.Kind.PACKAGES and "confirm" in request.POST:
            job = self._confirm_withdrawals(request, organization)
        else:
            job = request_job(organization, ConnectionJob.Kind(kind), request.user.get_username())
        if job is not None:
            enqueue(run_connection_job, job.pk)
        return self._back(organization, kind)

    def _confirm_withdrawals(self, request: HttpRequest, organization: Organization) -> ConnectionJob | None:
        """Confirms that the packages missing from Justifacts' newest list are gone. Returns the next job, or
        ``None`` if the list has changed since the person saw it."""
        names = [str(row.package) for row in setup_of(organization).withdrawals]
        job = confirm_withdrawals(organization, request.POST["confirm"], request.user.get_username())
        if job is None:
            text = _(
                "The packages have been fetched again in the meantime. Review what is missing from "
                "the newest list."
            )
            messages.warning(request, text)
        else:
            message = _("Confirmed that Justifacts no longer sells %(names)s.") % {"names": ", ".join(names)}
            self.log_change(request, organization, message)
        return job

    def _show(
        self, request: HttpRequest, organization: Organization, forms: dict[str, StepForm] | None = None
    ) -> HttpResponse:
        setup = setup_of(organization)
        unbound = {name: form_class(setup.connection) for name, form_class in STEP_FORMS.items()}
        context = {
            **self.admin_site.each_context(request),
            **self._context(setup),
            "forms": {name.replace("-", "_"): form for name, form in (unbound | (forms or {})).items()},
            "stall_thresholds_url": page_url(STALL_THRESHOLDS, request.user, organization),
            "title": _("Set up %(organization)s") % {"organization": organization},
        }
        return TemplateResponse(request, f"{_TEMPLATES}/setup.html", context)

    def _context(self, setup: Setup) -> dict[str, Any]:
        now = timezone.now()
        jobs = [job for job in setup.connection_jobs.values() if job]
        running = [job for job in jobs if job.is_running and not job.is_abandoned(now)]
        return {
            "setup": setup,
            "organization": setup.organization,
            "connection": setup.connection,
            "steps": {step.name.replace("-", "_"): step for step in setup.steps},
            "running": [job.kind for job in running],
            "worker_is_late": any(
                job.started_at is None and (now - job.requested_at).seconds > _WORKER_LATE_SECONDS
                for job in running
            ),
            # Milliseconds: short while a job runs, long while the page waits only for Ashby's first call.
            "refresh_after": 700 if running else 0 if setup.connection.last_inbound_call_at else 4000,
        }

    def _back(self, organization: Organization, step: str) -> HttpResponse:
        url = reverse("admin:integrations_organization_setup", args=[organization.pk])
        return HttpResponseRedirect(f"{url}#{step}")

"""The guided set-up of an organization, step by step, and what its buttons do."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.admin.onboarding.forms import STEP_FORMS, StepForm
from integrations.background import enqueue
from integrations.connections.api_keys import select_ashby_key
from integrations.models import ConnectionJob, Organization
from integrations.onboarding.checklist import Setup, setup_of
from integrations.onboarding.jobs import confirm_withdrawals, request_job
from integrations.tasks import run_connection_job

if TYPE_CHECKING:
    from integrations.admin.organizations import OrganizationAdmin

_TEMPLATES = "admin/integrations/organization"
#: After so long without a worker that takes an job, the page says what is wrong.
_WORKER_LATE_SECONDS = 15


class SetupViews:
    def __init__(self, admin: "OrganizationAdmin") -> None:
        self.admin = admin

    def page(self, request: HttpRequest, pk: int) -> HttpResponse:
        organization = self.admin.to_set_up(request, pk)
        return self._show(request, organization)

    def live(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What changes by itself while the page is open: the test, the fetches, the first call."""
        setup = setup_of(self.admin.to_set_up(request, pk))
        return TemplateResponse(request, f"{_TEMPLATES}/setup_live.html", self._context(setup))

    def save(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        organization = self.admin.to_set_up(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if step not in STEP_FORMS:
            raise Http404
        form = STEP_FORMS[step](setup_of(organization).connection, request.POST)
        said = form.save_or_explain(request.user.get_username()) if form.is_valid() else ""
        if not said:
            return self._show(request, organization, {step: form})
        self.admin.log_change(request, organization, said)
        messages.success(request, said)
        return self._back(organization, step)

    def use_key(self, request: HttpRequest, pk: int, key: int) -> HttpResponse:
        organization = self.admin.to_set_up(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen = get_object_or_404(organization.ashby_api_keys, pk=key)
        select_ashby_key(chosen)
        said = _("The Ashby API key “%(key)s” is now in use.") % {"key": chosen}
        self.admin.log_change(request, organization, said)
        messages.success(request, said)
        return self._back(organization, "ashby-key")

    def ask(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """Asks a worker to call; the page shows what it finds as it comes."""
        organization = self.admin.to_set_up(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if kind not in ConnectionJob.Kind.values:
            raise Http404
        setup_of(organization)
        if kind == ConnectionJob.Kind.PACKAGES and "confirm" in request.POST:
            job = self._confirm(request, organization)
        else:
            job = request_job(organization, ConnectionJob.Kind(kind), request.user.get_username())
        if job is not None:
            enqueue(run_connection_job, job.pk)
        return self._back(organization, kind)

    def _confirm(self, request: HttpRequest, organization: Organization) -> ConnectionJob | None:
        """The person has seen which packages Justifacts no longer lists, and says that they are gone."""
        names = [str(row.package) for row in setup_of(organization).withdrawals]
        job = confirm_withdrawals(organization, request.POST["confirm"], request.user.get_username())
        if job is None:
            text = _(
                "The packages have been fetched again in the meantime. Review what is missing from "
                "the newest list."
            )
            messages.warning(request, text)
        else:
            said = _("Confirmed that Justifacts no longer sells %(names)s.") % {"names": ", ".join(names)}
            self.admin.log_change(request, organization, said)
        return job

    def _show(
        self, request: HttpRequest, organization: Organization, forms: dict[str, StepForm] | None = None
    ) -> HttpResponse:
        setup = setup_of(organization)
        given = {name.replace("-", "_"): form for name, form in (forms or {}).items()}
        fresh = {
            name.replace("-", "_"): form_class(setup.connection) for name, form_class in STEP_FORMS.items()
        }
        context = {
            **self.admin.admin_site.each_context(request),
            **self._context(setup),
            "forms": fresh | given,
            "opts": self.admin.opts,
            "title": _("Set up %(organization)s") % {"organization": organization},
        }
        return TemplateResponse(request, f"{_TEMPLATES}/setup.html", context)

    def _context(self, setup: Setup) -> dict[str, Any]:
        now = timezone.now()
        known = [job for job in setup.connection_jobs.values() if job]
        running = [job for job in known if job.is_running and not job.is_abandoned(now)]
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
            # Quick while something runs; slow while only Ashby's first call is waited for.
            "refresh_after": 700 if running else 0 if setup.connection.last_inbound_call_at else 4000,
        }

    def _back(self, organization: Organization, step: str) -> HttpResponse:
        address = reverse("admin:integrations_organization_setup", args=[organization.pk])
        return HttpResponseRedirect(f"{address}#{step}")

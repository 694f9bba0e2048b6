"""Certificates of erasure, and the page on which a candidate is forgotten: first it says what that comes to,
then it is done. The address is posted and never stands in a URL."""

import json
from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.admin.read_only import ReadOnly
from assessments.models import ErasureCertificate
from assessments.orders.staff import NotPossible
from assessments.privacy.certificates import KINDS, certificate_as_json, certificate_as_text, certificates_of
from assessments.privacy.requests import erase_candidate, plan_erasure
from integrations.accounts.roles import organizations_of
from integrations.admin.base import OrganizationFilter, TenantModelAdmin
from integrations.models import Organization

ERASE = "assessments.erase_candidate"
_LIST = "admin:assessments_erasurecertificate_changelist"


class EraseForm(forms.Form):
    organization = forms.ModelChoiceField(
        label=gettext_lazy("Organization"), queryset=Organization.objects.none(), empty_label=None
    )
    email = forms.EmailField(
        label=gettext_lazy("The candidate’s e-mail"),
        max_length=254,
        help_text=gettext_lazy("As it appears on the orders; case does not matter."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, organizations: QuerySet[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ModelChoiceField, self.fields["organization"]).queryset = organizations


@admin.register(ErasureCertificate)
class ErasureCertificateAdmin(ReadOnly, TenantModelAdmin):
    list_display = ["at", "organization", "by", "how_many", "how_many_kept"]
    list_filter = [OrganizationFilter]
    list_select_related = ["organization"]
    show_full_result_count = False
    fields = [
        *("id", "organization", "at", "by", "candidate_digest"),
        *("what_was_erased", "which_orders", "what_was_kept", "as_a_file"),
    ]
    readonly_fields = ["what_was_erased", "which_orders", "what_was_kept", "as_a_file"]
    change_list_template = "admin/assessments/erasurecertificate/change_list.html"

    @admin.display(description=gettext_lazy("orders erased"))
    def how_many(self, certificate: ErasureCertificate) -> int:
        return len(certificate.orders)

    @admin.display(description=gettext_lazy("orders kept"))
    def how_many_kept(self, certificate: ErasureCertificate) -> int:
        return len(certificate.kept)

    @admin.display(description=gettext_lazy("what was erased"))
    def what_was_erased(self, certificate: ErasureCertificate) -> SafeString:
        lines = [f"{certificate.counts[kind]} {name}" for kind, name in KINDS if kind in certificate.counts]
        return _lines(lines or [_("Nothing: this candidate had no data that could be erased.")])

    @admin.display(description=gettext_lazy("orders"))
    def which_orders(self, certificate: ErasureCertificate) -> SafeString:
        return _lines(certificate.orders or ["–"])

    @admin.display(description=gettext_lazy("what was kept"))
    def what_was_kept(self, certificate: ErasureCertificate) -> SafeString:
        return _lines([f"{line['order']}: {line['why']}" for line in certificate.kept] or [_("Nothing.")])

    @admin.display(description=gettext_lazy("download"))
    def as_a_file(self, certificate: ErasureCertificate) -> SafeString:
        addresses = [
            (reverse(f"admin:assessments_erasurecertificate_{kind}", args=[certificate.pk]), name)
            for kind, name in (("text", _("Text")), ("json", _("JSON")))
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', addresses)

    # --- Addresses ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(route, self.admin_site.admin_view(view), name=f"assessments_erasurecertificate_{name}")
            for route, view, name in (
                ("forget/", self.forget_view, "forget"),
                ("<path:object_id>/text/", self.text_view, "text"),
                ("<path:object_id>/json/", self.json_view, "json"),
            )
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        extra = {"may_forget": request.user.has_perm(ERASE), **(extra_context or {})}
        return super().changelist_view(request, extra)

    def forget_view(self, request: HttpRequest) -> HttpResponse:
        """A GET asks for whom, a POST says what it comes to, and one that confirms does it."""
        if not request.user.has_perm(ERASE):
            raise PermissionDenied
        posted = request.POST if request.method == "POST" else None
        form = EraseForm(posted, organizations=organizations_of(request.user, ERASE))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form}
        context["title"] = _("Erase candidate data")
        if form.is_valid():
            organization, email = form.cleaned_data["organization"], form.cleaned_data["email"]
            if "confirm" in request.POST:
                try:
                    return self._forget(request, organization, email)
                except NotPossible as error:
                    messages.error(request, str(error))
            context["plan"] = plan_erasure(organization, email)
            context["earlier"] = certificates_of(organization, email).first()
            context["organization"], context["email"] = organization, email
        answer = TemplateResponse(request, "admin/assessments/erasurecertificate/erase.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def _forget(self, request: HttpRequest, organization: Organization, email: str) -> HttpResponse:
        """Raises ``NotPossible``."""
        try:
            also = [UUID(text) for text in request.POST.getlist("also")]
        except ValueError:
            raise NotPossible(_("Select only orders that are shown.")) from None
        certificate = erase_candidate(organization, email, request.user.get_username(), timezone.now(), also)
        if certificate.kept:
            messages.warning(
                request, _("Some orders were kept. The reasons, and what to do, are listed below.")
            )
        else:
            messages.success(request, _("The candidate’s data is erased. This certificate is the proof."))
        page = reverse("admin:assessments_erasurecertificate_change", args=[certificate.pk])
        return HttpResponseRedirect(page)

    def text_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        certificate = self._seen(request, object_id)
        return _file(certificate, certificate_as_text(certificate), "text/plain; charset=utf-8", "txt")

    def json_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        certificate = self._seen(request, object_id)
        content = json.dumps(certificate_as_json(certificate), ensure_ascii=False, indent=2)
        return _file(certificate, content, "application/json", "json")

    def _seen(self, request: HttpRequest, object_id: str) -> ErasureCertificate:
        """Raises ``Http404`` for one of an organization that the person does not see."""
        certificate: ErasureCertificate = self.get_object(request, object_id)
        if not self.has_view_permission(request, certificate):
            raise PermissionDenied
        return certificate


def _file(certificate: ErasureCertificate, content: str, kind: str, ending: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="erasure-{certificate.pk}.{ending}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _lines(lines: Iterable[str]) -> SafeString:
    items = format_html_join("", "<li>{}</li>", ((line,) for line in lines))
    return format_html('<ul class="plain-list">{}</ul>', items)

"""Erasure certificates, and the page that erases a candidate's data.

The page first shows what would be erased and then asks for confirmation. The candidate's e-mail address is
always posted, so that it never appears in a URL.
"""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import ErasureCertificate
from assessments.orders.staff import NotPossible
from assessments.privacy.certificates import KINDS, certificate_as_json, certificate_as_text, certificates_of
from assessments.privacy.requests import erase_candidate, plan_erasure
from integrations.accounts.roles import organizations_of
from integrations.admin.base import READ_ONLY, OrganizationFilter, TenantModelAdmin
from integrations.models import Organization

ERASE = "assessments.erase_candidate"


class EraseForm(forms.Form):
    organization = forms.ModelChoiceField(
        label=gettext_lazy("Organization"), queryset=Organization.objects.none(), empty_label=None
    )
    email = forms.EmailField(
        label=gettext_lazy("The candidate’s e-mail address"),
        max_length=254,
        help_text=gettext_lazy(
            "Enter the address as it appears on the orders. Upper and lower case do not matter."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


@admin.register(ErasureCertificate)
class ErasureCertificateAdmin(TenantModelAdmin):
    forbidden = READ_ONLY
    list_display = ["at", "organization", "by", "erased_count", "kept_count"]
    list_filter = [OrganizationFilter]
    list_select_related = ["organization"]
    show_full_result_count = False
    fields = [
        *("id", "organization", "at", "by", "candidate_digest"),
        *("erased_data", "erased_orders", "kept_orders", "downloads"),
    ]
    readonly_fields = ["erased_data", "erased_orders", "kept_orders", "downloads"]
    change_list_template = "admin/assessments/erasurecertificate/change_list.html"

    @admin.display(description=gettext_lazy("orders erased"))
    def erased_count(self, certificate: ErasureCertificate) -> int:
        return len(certificate.orders)

    @admin.display(description=gettext_lazy("orders kept"))
    def kept_count(self, certificate: ErasureCertificate) -> int:
        return len(certificate.kept)

    @admin.display(description=gettext_lazy("what was erased"))
    def erased_data(self, certificate: ErasureCertificate) -> SafeString:
        lines = [f"{certificate.counts[kind]} {name}" for kind, name in KINDS if kind in certificate.counts]
        return _lines(lines or [_("Nothing. This candidate had no data that could be erased.")])

    @admin.display(description=gettext_lazy("orders"))
    def erased_orders(self, certificate: ErasureCertificate) -> SafeString:
        return _lines(certificate.orders or ["–"])

    @admin.display(description=gettext_lazy("what was kept"))
    def kept_orders(self, certificate: ErasureCertificate) -> SafeString:
        return _lines([f"{line['order']}: {line['why']}" for line in certificate.kept] or [_("Nothing.")])

    @admin.display(description=gettext_lazy("download"))
    def downloads(self, certificate: ErasureCertificate) -> SafeString:
        links = [
            (reverse(f"admin:assessments_erasurecertificate_{kind}", args=[certificate.pk]), name)
            for kind, name in (("text", _("Text")), ("json", _("JSON")))
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', links)

    def get_urls(self) -> list[URLPattern]:
        erase = self.admin_site.admin_view(self.erase_view)
        download = self.admin_site.admin_view(self.download_view)
        name = "assessments_erasurecertificate"
        return [
            path("erase/", erase, name=f"{name}_erase"),
            path("<path:object_id>/text/", download, {"kind": "text"}, name=f"{name}_text"),
            path("<path:object_id>/json/", download, {"kind": "json"}, name=f"{name}_json"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        extra = {"may_erase": request.user.has_perm(ERASE), **(extra_context or {})}
        return super().changelist_view(request, extra)

    def erase_view(self, request: HttpRequest) -> HttpResponse:
        """GET shows the form, POST shows what would be erased, and POST with ``confirm`` erases it."""
        if not request.user.has_perm(ERASE):
            raise PermissionDenied
        posted = request.POST if request.method == "POST" else None
        form = EraseForm(posted)
        field: Any = form.fields["organization"]
        field.queryset = organizations_of(request.user, ERASE)
        context = {**self.admin_site.each_context(request), "title": _("Erase candidate data"), "form": form}
        if form.is_valid():
            organization, email = form.cleaned_data["organization"], form.cleaned_data["email"]
            if "confirm" in request.POST:
                try:
                    return self._erase(request, organization, email)
                except NotPossible as error:
                    messages.error(request, str(error))
            context["plan"] = plan_erasure(organization, email)
            context["earlier"] = certificates_of(organization, email).first()
            context["organization"], context["email"] = organization, email
        response = TemplateResponse(request, "admin/assessments/erasurecertificate/erase.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _erase(self, request: HttpRequest, organization: Organization, email: str) -> HttpResponse:
        """Erase, then redirect to the certificate. Raises ``NotPossible`` if nothing may be erased."""
        try:
            also = [UUID(text) for text in request.POST.getlist("also")]
        except ValueError:
            raise NotPossible(_("Select only orders that are shown.")) from None
        certificate = erase_candidate(organization, email, request.user.get_username(), timezone.now(), also)
        if certificate.kept:
            text = _("Some orders were kept. The certificate lists the reasons and what to do.")
            messages.warning(request, text)
        else:
            text = _("The candidate’s data has been erased. This certificate is the proof.")
            messages.success(request, text)
        page = reverse("admin:assessments_erasurecertificate_change", args=[certificate.pk])
        return HttpResponseRedirect(page)

    def download_view(self, request: HttpRequest, object_id: str, kind: str) -> HttpResponse:
        certificate: ErasureCertificate = self.get_object(request, object_id)
        if not self.has_view_permission(request, certificate):
            raise PermissionDenied
        if kind == "text":
            extension, content_type = "txt", "text/plain; charset=utf-8"
            content = certificate_as_text(certificate)
        else:
            extension, content_type = "json", "application/json"
            content = json.dumps(certificate_as_json(certificate), ensure_ascii=False, indent=2)
        disposition = f'attachment; filename="erasure-{certificate.pk}.{extension}"'
        headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
        return HttpResponse(content, content_type=content_type, headers=headers)


def _lines(lines: Iterable[str]) -> SafeString:
    items = format_html_join("", "<li>{}</li>", ((line,) for line in lines))
    return format_html('<ul class="plain-list">{}</ul>', items)

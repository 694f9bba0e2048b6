"""The paths of the partner protocol.

The documented base URL ends in a slash and the documented paths begin with one. So doubled and trailing
slashes are answered in place: a redirect would lose the POST (``docs/protocol.md``).
"""

import re

from django.urls import path, re_path

from . import views

_ASHBY = {
    "assessment.list": views.AssessmentList,
    "assessment.start": views.AssessmentStart,
    "assessment.cancel": views.AssessmentCancel,
    # Ashby's documentation has three names for one call, in older and newer pages.
    "assessment.customField.list": views.CustomFieldList,
    "customField.list": views.CustomFieldList,
    "customFields.fetch": views.CustomFieldList,
}
_DESCRIBED = ("assessment.list", "assessment.start", "assessment.cancel", "assessment.customField.list")

urlpatterns = [
    *(path(f"ashby/{name}", _ASHBY[name].as_view()) for name in _DESCRIBED),
    path("justifacts/assessment.update", views.JustifactsUpdate.as_view()),
    *(
        re_path(rf"^/*ashby/+{re.escape(name)}/*$", view.as_view(schema=None))
        for name, view in _ASHBY.items()
    ),
    re_path(r"^/*justifacts/+assessment\.update/*$", views.JustifactsUpdate.as_view(schema=None)),
    re_path(r"^/*(?:ashby|justifacts)(?:/[\s\S]*)?$", views.UnknownCall.as_view(schema=None)),
]

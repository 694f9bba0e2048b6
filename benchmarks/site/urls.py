"""The portal's paths, and those of the reference views."""

from django.urls import path

from benchmarks.reference.views import ReferenceList, ReferenceStart
from config.urls import urlpatterns as portal_patterns

# Near the end, so that the portal's paths resolve as fast as in the portal itself.
urlpatterns = [
    *portal_patterns[:-1],
    path("reference/list", ReferenceList.as_view(schema=None)),
    path("reference/start", ReferenceStart.as_view(schema=None)),
    portal_patterns[-1],
]

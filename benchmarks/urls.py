"""The portal's paths, and the reference's."""

from django.urls import path

from benchmarks.reference.views import ReferenceList, ReferenceStart
from config.urls import urlpatterns as portal_patterns

# Last, so that the portal's paths are found no later than in the portal itself.
urlpatterns = [
    *portal_patterns[:-1],
    path("reference/list", ReferenceList.as_view(schema=None)),
    path("reference/start", ReferenceStart.as_view(schema=None)),
    portal_patterns[-1],
]

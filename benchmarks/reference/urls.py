from django.urls import path, re_path

from benchmarks.bare.views import BareList, BarePush, BareStart

from .views import ReferenceList, ReferenceStart

urlpatterns = [
    path("reference/list", ReferenceList.as_view()),
    path("reference/start", ReferenceStart.as_view()),
    # Ashby's base URL ends in a slash, and paths begin with one.
    re_path("ashby//?assessment.list", BareList.as_view()),
    re_path("ashby//?assessment.start", BareStart.as_view()),
    path("justifacts/assessment.update", BarePush.as_view()),
]

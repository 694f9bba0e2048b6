from django.urls import path

from .views import ReferenceList, ReferenceStart

urlpatterns = [
    path("reference/list", ReferenceList.as_view()),
    path("reference/start", ReferenceStart.as_view()),
]

"""The hub's addresses, for tests that run in a process whose role is agency."""

from django.urls import path
from oauth2_provider.views import TokenView

from exchange.api import api
from exchange.shared_api import api as shared_api

urlpatterns = [
    path("api/v1/", api.urls),
    path("api/shared/v1/", shared_api.urls),
    path("o/token/", TokenView.as_view(), name="token"),
]

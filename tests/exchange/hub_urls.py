"""The hub's addresses, for tests that run in a process whose role is agency."""

from django.urls import path
from oauth2_provider.views import TokenView

from exchange.api import api

urlpatterns = [path("api/v1/", api.urls), path("o/token/", TokenView.as_view(), name="token")]

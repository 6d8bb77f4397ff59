"""All addresses of the program. The pages live in the admin's shell at the root; the hub's API under /api/."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from oauth2_provider.views import TokenView

from config.health import health
from exchange.shared_api import api as shared_api

urlpatterns = [
    path("api/shared/v1/", shared_api.urls),
    path("o/token/", TokenView.as_view(), name="token"),
    path("health", health, name="health"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("accounts.urls")),  # before the admin's own login, logout and change of password
    path("", include("workflows.urls")),
    path("exchange/", include("exchange.urls")),
    path("", include("registry.urls")),
    path("", admin.site.urls),
]

if settings.ROLE == "hub":
    from exchange.api import api

    urlpatterns = [path("api/v1/", api.urls), *urlpatterns]

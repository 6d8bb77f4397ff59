"""All addresses of the program. The pages live in the admin's shell at the root; the hub's API under /api/."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("requests/", include("workflows.urls")),
    path("staff/", include("registry.urls")),
    path("units/", include("orgtree.urls")),
    path("exchange/", include("exchange.urls")),
    path("", admin.site.urls),
]

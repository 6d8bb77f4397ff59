"""All addresses of the program. The pages live in the admin's shell at the root; the hub's API under /api/."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("", admin.site.urls)]

"""The operator's page."""

from django.urls import path

from exchange.views import delivery_overview

app_name = "exchange"
urlpatterns = [path("", delivery_overview, name="delivery_overview")]

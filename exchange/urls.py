"""The operator's pages."""

from django.urls import path

from exchange.views import deliveries, trials

app_name = "exchange"
urlpatterns = [
    path("", deliveries.delivery_overview, name="delivery_overview"),
    path("queue/<slug:code>/", deliveries.delivery_queue, name="delivery_queue"),
    path("queue/<slug:code>/act", deliveries.delivery_act, name="delivery_act"),
    path("trial/", trials.trial_new, name="trial_new"),
    path("trials/<uuid:trial_id>/", trials.trial_detail, name="trial_detail"),
    path("trials/<uuid:trial_id>/statement", trials.trial_statement, name="trial_statement"),
    path("trials/<uuid:trial_id>/signature", trials.trial_signature, name="trial_signature"),
]

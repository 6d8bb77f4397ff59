"""Pages of change requests."""

from django.urls import path, register_converter

from workflows.views import absence, deciding, evidence, requests, retrying, reviewing, routes
from workflows.views.converters import DigestConverter

register_converter(DigestConverter, "digest")

app_name = "workflows"
urlpatterns = [
    path("", requests.request_list_view, name="request_list"),
    path("<uuid:request_id>/", requests.request_detail, name="request_detail"),
    path("<uuid:request_id>/progress/", requests.request_progress, name="request_progress"),
    path("<uuid:request_id>/submit/", requests.submit, name="request_submit"),
    path("<uuid:request_id>/withdraw/", requests.withdraw, name="request_withdraw"),
    path("<uuid:request_id>/return/", deciding.return_to_author, name="request_return"),
    path("<uuid:request_id>/prepare/", deciding.prepare, name="request_prepare"),
    path("<uuid:request_id>/sign/<digest:manifest_digest>/", deciding.sign, name="request_sign"),
    path("<uuid:request_id>/sign/<digest:manifest_digest>/manifest.json", deciding.manifest_download, name="manifest_download"),
    path("<uuid:request_id>/sign/<digest:manifest_digest>/signature/", deciding.approve, name="request_approve"),
    path("<uuid:request_id>/retry/", retrying.retry, name="request_retry"),
    path("<uuid:request_id>/evidence/", evidence.add, name="evidence_add"),
    path("<uuid:request_id>/evidence/<uuid:attachment_id>/", evidence.show, name="evidence_show"),
    path("<uuid:request_id>/evidence/<uuid:attachment_id>/remove/", evidence.remove, name="evidence_remove"),
    path("<uuid:request_id>/recall/", reviewing.recall, name="request_recall"),
    path("<uuid:request_id>/records/<int:leaf_index>/", reviewing.record, name="request_record"),
    path("<uuid:request_id>/records/<int:leaf_index>/return/", reviewing.return_row, name="row_return"),
    path("<uuid:request_id>/records/<int:leaf_index>/keep/", reviewing.keep_row, name="row_keep"),
    path("routes/", routes.simulate, name="route_simulate"),
    path("absence/", absence.absence, name="absence"),
    path("absence/<int:delegation_id>/end/", absence.revoke, name="absence_revoke"),
    path("jobs/<uuid:job_id>/", requests.job_progress, name="job_progress"),
]

"""Pages of change requests, of who may do what, and of notices."""

from django.urls import include, path, register_converter

from workflows.views import absence, deciding, evidence, grant_moves, grants, notices, requests, retrying, reviewing, revoking, rights, routes
from workflows.views.converters import DigestConverter

register_converter(DigestConverter, "digest")

app_name = "workflows"
requests_ = [
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
    path("<uuid:request_id>/revoke/", revoking.revoke, name="request_revoke"),
    path("<uuid:request_id>/records/<int:leaf_index>/evidence.zip", evidence.bundle, name="evidence_bundle"),
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
    path("absence/away/<int:absence_id>/end/", absence.back, name="absence_back"),
    path("absence/deputies/<int:deputy_id>/end/", absence.dismiss, name="deputy_remove"),
    path("jobs/<uuid:job_id>/", requests.job_progress, name="job_progress"),
]
rights_ = [
    path("", rights.overview, name="rights"),
    path("units/<uuid:unit_id>/", rights.of_unit, name="rights_unit"),
    path("people/<int:user_id>/", rights.of_person, name="rights_person"),
    path("why/units/<uuid:unit_id>/", rights.why_unit, name="why_unit"),
    path("why/requests/<uuid:request_id>/", rights.why_request, name="why_request"),
    path("give/", grants.give, name="grant_give"),
    path("list/", grants.bring_list, name="grant_list"),
    path("grants/<int:grant_id>/renew/", grants.renew, name="grant_renew"),
    path("grants/<int:grant_id>/end/", grants.end, name="grant_end"),
    path("changes/", grants.changes, name="grant_changes"),
    path("moves/", grant_moves.moves, name="grant_moves"),
    path("moves/<int:grant_id>/", grant_moves.choose, name="grant_move"),
    path("changes/confirm/", grants.confirm, name="grant_confirm"),
    path("changes/<uuid:change_id>/refuse/", grants.refuse, name="grant_refuse"),
    path("changes/<uuid:change_id>/withdraw/", grants.withdraw, name="grant_withdraw"),
]
notices_ = [
    path("", notices.notices, name="notices"),
    path("<int:notice_id>/", notices.follow, name="notice_follow"),
    path("read/", notices.read, name="notices_read"),
    path("wish/", notices.wish, name="notice_wish"),
    path("mails/", notices.mails, name="notice_mails"),
    path("mails/<uuid:mail_id>/retry/", notices.retry_mail, name="notice_mail_retry"),
]
urlpatterns = [path("requests/", include(requests_)), path("rights/", include(rights_)), path("notices/", include(notices_))]

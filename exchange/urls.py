"""The operator's pages."""

from django.urls import path, re_path

from exchange.views import archive, board, deliveries, matching, reconciling, registers, sharing, transfers, trials

app_name = "exchange"
urlpatterns = [
    path("matching/", matching.match_list, name="match_list"),
    path("matching/act", matching.match_act, name="match_act"),
    path("matching/export", matching.match_export, name="match_export"),
    path("matching/<uuid:key>/", matching.match_detail, name="match_detail"),
    path("matching/<uuid:key>/answers/<uuid:entry_id>/", matching.match_answer, name="match_answer"),
    path("matching/<uuid:key>/disputes/<int:dispute_id>/paper", matching.match_paper, name="match_paper"),
    path("registers/", registers.register_list, name="register_list"),
    path("registers/<slug:code>/again", registers.register_again, name="register_again"),
    path("registers/<slug:code>/log", registers.register_log, name="register_log"),
    path("", deliveries.delivery_overview, name="delivery_overview"),
    path("archive/", archive.archive_list, name="archive_list"),
    path("archive/<int:number>/", archive.archive_detail, name="archive_detail"),
    path("queue/<slug:code>/", deliveries.delivery_queue, name="delivery_queue"),
    path("queue/<slug:code>/act", deliveries.delivery_act, name="delivery_act"),
    path("reconciliations/", reconciling.reconciliation_list, name="reconciliation_list"),
    path("reconciliations/<uuid:run_id>/", reconciling.reconciliation_detail, name="reconciliation_detail"),
    path("reconciliations/<uuid:run_id>/statement", reconciling.reconciliation_statement, name="reconciliation_statement"),
    path("reconciliations/<uuid:run_id>/signature", reconciling.reconciliation_signature, name="reconciliation_signature"),
    path("certificates/<uuid:certificate_id>/statement", reconciling.certificate_statement, name="certificate_statement"),
    path("certificates/<uuid:certificate_id>/signature", reconciling.certificate_signature, name="certificate_signature"),
    path("board/", board.progress, name="progress"),
    re_path(r"^board/report\.(?P<form>xlsx|pdf)$", board.progress_report, name="progress_report"),
    path("board/<int:body_id>/", board.progress_body, name="progress_body"),
    path("board/<int:body_id>/report", board.expectation_add, name="expectation_add"),
    path("consents/<uuid:key>/", sharing.consents, name="consents"),
    path("transfers/", transfers.transfer_list, name="transfer_list"),
    path("transfers/new/<uuid:key>/", transfers.transfer_new, name="transfer_new"),
    path("transfers/out/<uuid:number>/", transfers.transfer_out, name="transfer_out"),
    path("transfers/in/<uuid:number>/", transfers.transfer_in, name="transfer_in"),
    path("transfers/in/<uuid:number>/answer", transfers.transfer_wish, name="transfer_wish"),
    path("transfers/in/<uuid:number>/accept", transfers.transfer_accept, name="transfer_accept"),
    path("transfers/case/<uuid:number>/", transfers.transfer_case, name="transfer_case"),
    path("status/", board.public_status, name="public_status"),
    path("trial/", trials.trial_new, name="trial_new"),
    path("trials/<uuid:trial_id>/", trials.trial_detail, name="trial_detail"),
    path("trials/<uuid:trial_id>/statement", trials.trial_statement, name="trial_statement"),
    path("trials/<uuid:trial_id>/signature", trials.trial_signature, name="trial_signature"),
]

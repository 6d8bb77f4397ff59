"""Pages of people, uploads and the organisation tree."""

from django.urls import path

from registry.views import editing, exports, people, printing, reading, staff, trails, units, uploads

app_name = "registry"
urlpatterns = [
    path("staff/", people.staff_list, name="staff_list"),
    path("staff/find/", people.staff_find, name="staff_find"),
    path("staff/filters/", people.staff_filter_save, name="staff_filter_save"),
    path("staff/filters/<int:pk>/remove/", people.staff_filter_remove, name="staff_filter_remove"),
    path("staff/<uuid:key>/", staff.staff_detail, name="staff_detail"),
    path("staff/<uuid:key>/edit/", editing.staff_edit, name="staff_edit"),
    path("staff/<uuid:key>/print/", printing.staff_print, name="staff_print"),
    path("staff/<uuid:key>/show/<slug:name>/", reading.value_show, name="value_show"),
    path("uploads/new/", uploads.upload_new, name="upload_new"),
    path("uploads/<uuid:upload_id>/", uploads.upload_detail, name="upload_detail"),
    path("uploads/<uuid:upload_id>/submit/", uploads.upload_hand_in, name="upload_hand_in"),
    path("uploads/<uuid:upload_id>/returned.xlsx", uploads.upload_returned, name="upload_returned"),
    path("units/", units.unit_tree, name="unit_tree"),
    path("units/<uuid:unit_id>/below/", units.unit_children, name="unit_children"),
    path("staff/export/", exports.staff_export, name="staff_export"),
    path("exports/<uuid:export_id>/", exports.export_detail, name="export_detail"),
    path("exports/<uuid:export_id>/file/", exports.export_download, name="export_download"),
    path("logs/reads/", trails.read_log, name="read_log"),
    path("logs/reads/csv/", trails.read_log_csv, name="read_log_csv"),
    path("logs/audit/", trails.audit_trail, name="audit_trail"),
    path("logs/audit/csv/", trails.audit_trail_csv, name="audit_trail_csv"),
]

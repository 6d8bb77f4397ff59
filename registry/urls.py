"""Pages of people, uploads and the organisation tree."""

from django.urls import path

from registry.views import editing, printing, reading, staff, units, uploads

app_name = "registry"
urlpatterns = [
    path("staff/", staff.staff_list, name="staff_list"),
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
]

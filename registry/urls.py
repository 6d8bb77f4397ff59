"""Pages of people, uploads and the organisation tree."""

from django.urls import path

from registry.views import units

app_name = "registry"
urlpatterns = [
    path("units/", units.unit_tree, name="unit_tree"),
    path("units/<uuid:unit_id>/below/", units.unit_children, name="unit_children"),
    path("staff/", units.unit_tree, name="staff_list"),
    path("uploads/new/", units.unit_tree, name="upload_new"),
]

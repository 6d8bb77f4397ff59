from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConfigConfig(AppConfig):
    name = "config"
    default = True


class HoSoAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our own site; models are registered on it as usual (`admin.site`)."""

    default = False
    default_site = "config.site.HoSoSite"

"""Django settings, the same file for development, tests and production; what differs comes from `config.environment`."""

import os
from pathlib import Path

from celery.schedules import crontab
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = Environment.read(os.environ)

ROLE = ENVIRONMENT.hoso_role
AUTHORITY = ENVIRONMENT.hoso_authority
DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key
SECRET_KEY_FALLBACKS = list(ENVIRONMENT.secret_key_old)
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENVIRONMENT.csrf_trusted_origins)
TRUST_DIRECTORY = ENVIRONMENT.trust_directory
TSA_URL = ENVIRONMENT.tsa_url
OCSP_RESPONDERS = ENVIRONMENT.ocsp_responders
WITNESS_FILE, WITNESS_CHANNEL = ENVIRONMENT.witness_file, ENVIRONMENT.witness_channel
VAR_DIRECTORY = ENVIRONMENT.var_directory
CHANNEL_CERTIFICATES = dict(pair.split("=", 1) for pair in ENVIRONMENT.hoso_channel_certificates)
CHANNEL_AUTHORITIES = dict(pair.split("=", 1) for pair in ENVIRONMENT.hoso_channel_authorities)
CHANNEL_SECRETS = dict(pair.split("=", 1) for pair in ENVIRONMENT.hoso_channel_secrets)
PINNED_TODAY = ENVIRONMENT.hoso_today or None

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # without unfold's own site: config.site is ours
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "config.apps.HoSoAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "mptt",
    "guardian",
    "oauth2_provider",
    "django_celery_beat",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "orgtree",
    "workflows",
    "registry",
    "import_export",  # after registry, whose own "import" command asks for unit and sender
    "planning",
    "exchange",
    "accounts",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.security.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.language.ChosenLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.AccountsMiddleware",
    "config.security.NoNulMiddleware",
    "exchange.middleware.ArchiveMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# No prepared statements: a plan cached before a temporary table was remade does not notice the new one (gate-engine.md).
DATABASES = {
    "default": {
        **ENVIRONMENT.database(),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
DATABASES["default"]["OPTIONS"] |= {
    "prepare_threshold": None,
    "options": "-c lock_timeout=30s -c statement_timeout=600s -c idle_in_transaction_session_timeout=900s -c jit=off -c work_mem=64MB",
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ENVIRONMENT.redis_url, "KEY_PREFIX": f"hoso-{ROLE}"}}
REDIS_URL = ENVIRONMENT.redis_url

AUTH_USER_MODEL = "orgtree.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "first_name", "last_name", "email", "personal_number")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwords.VariedPasswordValidator"},
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # its backend is off on purpose: orgtree.scope decides (decisions.md 27)
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# Accounts (accounts/): django-allauth carries the flows, its rate limits are off because accounts.tries counts for all of them.
SECOND_FACTOR_REQUIRED = ENVIRONMENT.second_factor == "required" or not (ENVIRONMENT.second_factor or ENVIRONMENT.insecure_http)
STEP_UP_MINUTES = ENVIRONMENT.step_up_minutes
WEBHOOK_HOSTS = frozenset(ENVIRONMENT.webhook_hosts)
TRANSFER_DAYS, TRANSFER_LAPSE_DAYS = ENVIRONMENT.transfer_days, ENVIRONMENT.transfer_lapse_days
CENTRAL_BODIES = ENVIRONMENT.central_bodies  # the Ministry's figures of September 2025 speak of 28, without Public Security and Defence
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"change_password": "accounts.forms.NewPasswordForm"}
ACCOUNT_RATE_LIMITS = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = reverse_lazy("signed_out")
ACCOUNT_REAUTHENTICATION_TIMEOUT = STEP_UP_MINUTES * 60
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # nobody signs up; allauth's own check wants to see how one would
MFA_ADAPTER = "accounts.adapter.FactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.CodeProofForm",
    "add_webauthn": "accounts.forms.PasskeyForm",
    "login_webauthn": "accounts.forms.PasskeyAtTheDoorForm",
    "authenticate_webauthn": "accounts.forms.PasskeyAfterPasswordForm",
    "reauthenticate_webauthn": "accounts.forms.PasskeyProofForm",
}
MFA_RATE_LIMITS = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Hồ Sơ"
MFA_TOTP_TOLERANCE = 1  # telephones' clocks are off by half a minute
MFA_RECOVERY_CODES_SHOW_ONCE = True
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SingleSignOnAccounts"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a posted form may lead only to our own pages (config/security.py)
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10

# Cookies ignore ports: the two roles on one machine must not log each other out.
SESSION_COOKIE_NAME = f"hoso_{ROLE}_session"
CSRF_COOKIE_NAME = f"hoso_{ROLE}_csrf"
LANGUAGE_COOKIE_NAME = f"hoso_{ROLE}_language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not ENVIRONMENT.insecure_http
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = ENVIRONMENT.session_hours * 3600
SECURE_SSL_REDIRECT = not ENVIRONMENT.insecure_http
SECURE_REDIRECT_EXEMPT = [r"^health$"]  # load balancers ask over plain http
SECURE_HSTS_SECONDS = 0 if ENVIRONMENT.insecure_http else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not ENVIRONMENT.insecure_http
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "vi"
LANGUAGES = [("vi", "Tiếng Việt"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "Asia/Ho_Chi_Minh"
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["config.formats"]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR_DIRECTORY / "files"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 31_536_000
UPLOAD_MAX_BYTES = ENVIRONMENT.upload_max_mb * 1024 * 1024
EVIDENCE_MAX_BYTES = ENVIRONMENT.evidence_max_mb * 1024 * 1024
PAPER_DIRECTORY = ENVIRONMENT.paper_directory
GRANT_MAX_MONTHS = ENVIRONMENT.grant_max_months
BREAK_GLASS_HOURS = ENVIRONMENT.break_glass_hours
IDLE_MINUTES, SESSION_HOURS = ENVIRONMENT.idle_minutes, ENVIRONMENT.session_hours
READ_LOG_MONTHS = ENVIRONMENT.read_log_months
AUDIT_MONTHS = ENVIRONMENT.audit_months
ARCHIVE_MONTHS = ENVIRONMENT.archive_months
MATCH_AGAIN_DAYS = ENVIRONMENT.match_again_days
MATCH_OPEN_AGAIN_DAYS = ENVIRONMENT.match_open_again_days
MATCH_DISPUTE_DAYS = ENVIRONMENT.match_dispute_days
PARTY_POLICY_FILE = ENVIRONMENT.party_policy_file
GRANT_MAX_MONTHS = ENVIRONMENT.grant_max_months
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # a long career has some hundred rows of up to ten cells in one section of the form
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700

CELERY_BROKER_URL = ENVIRONMENT.redis_url
CELERY_TASK_DEFAULT_QUEUE = f"hoso-{ROLE}"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 3_600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7_200}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# The database knows what is due; these find what a lost message left. A sweep that waited longer than its period is pointless.
CELERY_BEAT_SCHEDULE = {
    "workflows-sweep": {"task": "workflows.sweep", "schedule": 30.0, "options": {"expires": 30}},
    "registry-uploads-resume": {"task": "registry.uploads_resume", "schedule": 20.0, "options": {"expires": 20}},
    "workflows-seal-audit": {"task": "workflows.seal_audit", "schedule": 60.0, "options": {"expires": 60}},
    "workflows-sweep-evidence": {"task": "workflows.sweep_evidence", "schedule": 3_600.0, "options": {"expires": 3_600}},
    # Every ten minutes of the night: the first begins, the others take up what a killed worker left, and find it done otherwise.
    "registry-sweep": {"task": "registry.sweep", "schedule": crontab(minute="*/10", hour="1-5"), "options": {"expires": 540}},
    "registry-exports": {"task": "registry.exports", "schedule": 60.0, "options": {"expires": 60}},
    "workflows-reminders": {"task": "workflows.reminders", "schedule": 3_600.0, "options": {"expires": 3_600}},
    "workflows-mails": {"task": "workflows.mails", "schedule": 60.0, "options": {"expires": 60}},
    "workflows-audit-months": {"task": "workflows.audit_months", "schedule": 3_600.0, "options": {"expires": 3_600}},
    "workflows-read-months": {"task": "workflows.read_months", "schedule": 3_600.0, "options": {"expires": 3_600}},
    "exchange-archive-months": {"task": "exchange.archive_months", "schedule": 3_600.0, "options": {"expires": 3_600}},
    # Hourly: a witness that was away is told by the next run, and nobody is told the same seal twice a day.
    "workflows-grants-follow": {"task": "workflows.grants_follow", "schedule": 3_600.0, "options": {"expires": 3_600}},
    "workflows-witness": {"task": "workflows.witness", "schedule": 3_600.0, "options": {"expires": 3_600}},
    "exchange-stamp": {"task": "exchange.stamp", "schedule": 60.0, "options": {"expires": 60}},
    "accounts-superusers": {"task": "accounts.superusers", "schedule": 60.0, "options": {"expires": 60}},
    "accounts-sessions": {"task": "accounts.sessions_forget", "schedule": 3_600.0, "options": {"expires": 3_600}},
    # Looks at what is due; the night's run finds whom a lost message left out.
    "exchange-registers": {"task": "exchange.registers", "schedule": 15.0, "options": {"expires": 15}},
    "exchange-registers-review": {"task": "exchange.registers_review", "schedule": crontab(minute="20", hour="0-5"), "options": {"expires": 3_000}},
    "exchange-webhooks": {"task": "exchange.webhooks", "schedule": 30.0, "options": {"expires": 30}},
    "exchange-transfers": {"task": "exchange.transfers", "schedule": 60.0, "options": {"expires": 60}},
    "exchange-claims": {"task": "exchange.claims", "schedule": crontab(minute="25"), "options": {"expires": 3_000}},
    # A call or two where nothing has changed: the hub hears every night how far the agency has its code lists.
    "exchange-catalogues": {"task": "exchange.catalogues", "schedule": crontab(minute="50", hour="1,3"), "options": {"expires": 3_000}},
    # Hourly in the night: the first that reaches the other side compares, the others find it done.
    "exchange-reconcile": {"task": "exchange.reconcile_nightly", "schedule": crontab(minute="40", hour="0-4"), "options": {"expires": 3_000}},
    "exchange-sweep": {"task": "exchange.sweep", "schedule": 5.0, "options": {"expires": 5}},
}

# Only the client-credentials grant is served; everything else that RFC 9700 advises against is off.
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3_600,
    "SCOPES": {"exchange": "Send units and profiles, read receipts", "shared": "Read files by agreement and purpose"},
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"

globals().update(ENVIRONMENT.email())
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT.email_from
EMAIL_TIMEOUT = 20
PUBLIC_URL = ENVIRONMENT.public_url.rstrip("/")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": ENVIRONMENT.log_level},
}

UNFOLD = {
    "SITE_TITLE": "Hồ Sơ",
    "SITE_HEADER": "Hồ Sơ",
    "SITE_SUBHEADER": _("National hub") if ROLE == "hub" else _("Civil-service registry"),
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "THEME": "light",
}

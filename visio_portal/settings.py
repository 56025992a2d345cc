"""Every setting of the portal. Each value is read from the environment (or `.env`) once, here.

Elsewhere only `django.conf.settings` is used. docs/settings.md explains each variable to administrators and
`.env.example` lists them; a test keeps the three together. Wrong combinations are found by `checks.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import tempfile
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from visio_portal import addresses, logs
from visio_portal.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
# Variables that are set already win over the file. Empty: read no file.
ENV_FILE = env.str("ENV_FILE", default=str(BASE_DIR / ".env"))
if ENV_FILE and Path(ENV_FILE).is_file():
    env.read_env(ENV_FILE)

# --- Secrets: made by `make run`; never a default -------------------------------------------------------------------
SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# --- Where the portal listens and how people reach it ---------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# The public DNS name, where the portal serves HTTPS itself.
DOMAIN = env.str("DOMAIN", default="")
HOST = env.str("HOST", default="0.0.0.0" if DOMAIN else "127.0.0.1")  # noqa: S104  a domain is for other machines
PORT = env.int("PORT", default=8000)
# Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed. TLS then ends at that proxy.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
TLS_CERT_FILE = env.str("TLS_CERT_FILE", default="")
TLS_KEY_FILE = env.str("TLS_KEY_FILE", default="")
# Browsers give no microphone on plain HTTP, except on localhost.
SERVES_TLS = not TRUSTED_PROXIES and bool(DOMAIN or TLS_CERT_FILE or not addresses.is_loopback(HOST))
PORTAL_URL = env.address(
    "PORTAL_URL", default=addresses.portal_url(host=HOST, port=PORT, domain=DOMAIN, serves_tls=SERVES_TLS)
).rstrip("/")
IS_HTTPS = PORTAL_URL.startswith("https://")

_PORTAL_HOST = addresses.host_of(PORTAL_URL)
_OWN_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
_LISTENING_HOSTS = [] if HOST in addresses.WILDCARDS else [addresses.bracketed(HOST)]
# PORTAL_URL's host and loopback are always allowed; more names by ALLOWED_HOSTS.
ALLOWED_HOSTS = list(
    dict.fromkeys(
        [addresses.bracketed(_PORTAL_HOST), *_LISTENING_HOSTS, *_OWN_HOSTS, *env.list("ALLOWED_HOSTS", default=[])]
    )
)
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]

# --- Files ----------------------------------------------------------------------------------------------------------
# Database, recordings, certificates, sockets: all that must be kept is here.
DATA_DIR = env.folder("DATA_DIR", default=str(BASE_DIR / "data"))  # SQLite makes its file, not the folder
_SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107 for a Unix socket


def _run_dir() -> Path:
    """Where the relay workers' sockets are: in DATA_DIR, or in a short private folder if that path is too long."""
    run_dir = Path(env.str("RUN_DIR", default=str(DATA_DIR / "run"))).absolute()
    if len(os.fsencode(run_dir / "relay-999.sock")) < _SOCKET_PATH_LIMIT:
        return run_dir
    digest = hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"visio-{os.getuid()}-{digest}"


RUN_DIR = _run_dir()
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "build" / "collected"
# The front end's build writes build/static/call.
STATICFILES_DIRS = [BASE_DIR / "build" / "static"]
for _folder in (STATIC_ROOT, *STATICFILES_DIRS):
    _folder.mkdir(parents=True, exist_ok=True)  # a clone has none before the first build
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "visio_portal.static_files.PortalStaticStorage"},
}
MEDIA_ROOT = DATA_DIR / "media"

# --- Applications ---------------------------------------------------------------------------------------------------
# "daphne" is no app here: it only replaces `runserver`, and its import would pick the event loop before run_web can.
INSTALLED_APPS = [
    "visio_portal",
    "meetings",
    "accounts",
    "jobs",
    "visio_portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "visio_portal.static_files.PortalStaticFilesConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "channels",
    "csp",
    "widget_tweaks",
    "dsfr",
    "django.forms",
]
MIDDLEWARE = [
    "visio_portal.logs.RequestLogMiddleware",
    "accounts.audit.context.AuditMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "visio_portal.static_files.StaticFilesMiddleware",
    "visio_portal.policy.PolicyMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.browsers.middleware.BrowserMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.factors.level.LevelMiddleware",
    "accounts.proconnect.silent.SilentSignInMiddleware",
]
ROOT_URLCONF = "visio_portal.urls"
ASGI_APPLICATION = "visio_portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database, cache, channel layer: each is a URL; the defaults need no other server -------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE takes the write lock at BEGIN, where the time-out applies, instead of failing in the middle.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # Without a maximum there would be four, and an order to an engine that hangs holds one for seconds. Three processes
    # (web, its spare, jobs) stay below PostgreSQL's default of a hundred.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": 25, "timeout": 10}
# Connections are per thread; under ASGI threads come and go.
DATABASES["default"]["CONN_MAX_AGE"] = 0

REDIS_URL = env.address("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    # One web process reads and writes rate limits; the cache holds only what may vanish with it.
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "portal",
        # At the default of 300, a caller with many addresses would push other callers' counters out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "symmetric_encryption_keys": [SECRET_KEY]},
    }
    if REDIS_URL
    # In memory = one process: only web calls group_send.
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- E-mail ---------------------------------------------------------------------------------------------------------
# smtp+tls://user:password@host:587; without it mail is kept, and administrators find it.
_MAIL = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(_MAIL)
# What jobs send it with; empty: nothing is sent. Everything else writes to the queue.
_IS_MAIL_SET = not _MAIL["EMAIL_BACKEND"].endswith("console.EmailBackend")
MAIL_DELIVERY_BACKEND = _MAIL["EMAIL_BACKEND"] if _IS_MAIL_SET else ""
EMAIL_BACKEND = "jobs.mail.QueuedBackend"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"visio@{_PORTAL_HOST}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 20  # seconds; without it a mail server that hangs would hold a job for ever

# --- Accounts -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "accounts.proconnect.backend.ProConnectBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.local.LocalAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # people come by an administrator's invitation
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
# `accounts.browsers.lockout` counts instead: by these a stranger, or a neighbour behind one address, locks people out.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600  # seconds for which a proof of oneself lets one change factors
MFA_ADAPTER = "accounts.factors.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator made the account; nobody takes another's address by signing up
MFA_TOTP_ISSUER = f"Visio {_PORTAL_HOST}"
MFA_TOTP_TOLERANCE = 1  # clocks of telephones differ; `accounts.factors.forms` sees to it that no code works twice
MFA_FORMS = {
    "authenticate": "accounts.factors.forms.AuthenticateForm",
    "reauthenticate": "accounts.factors.forms.ReauthenticateForm",
    "activate_totp": "accounts.factors.forms.ActivateForm",
    "add_webauthn": "accounts.factors.forms.AddPasskeyForm",
    "login_webauthn": "accounts.factors.forms.SignInPasskeyForm",
    "authenticate_webauthn": "accounts.factors.forms.AuthenticatePasskeyForm",
    "reauthenticate_webauthn": "accounts.factors.forms.ReauthenticatePasskeyForm",
}

# --- Sign-in by ProConnect, or by another OpenID Connect provider ---------------------------------------------------
# Set: people sign in there. docs/administrators.md says step by step what to register, and where.
OIDC_ISSUER = env.address("OIDC_ISSUER", default="")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
# Anything but ProConnect: the name on the button, and other defaults below.
OIDC_PROVIDER_NAME = env.str("OIDC_PROVIDER_NAME", default="ProConnect")
_IS_PROCONNECT = OIDC_PROVIDER_NAME == "ProConnect"
OIDC_DISCOVERY_URL = env.address("OIDC_DISCOVERY_URL", default="")
# RS256, ES256 or HS256, as registered, for id_token and userinfo alike.
OIDC_SIGN_ALGORITHM = env.str("OIDC_SIGN_ALGORITHM", default="RS256")
OIDC_SIGNED_USERINFO = env.bool("OIDC_SIGNED_USERINFO", default=_IS_PROCONNECT)
OIDC_PKCE = env.bool("OIDC_PKCE", default=True)
OIDC_SCOPES = env.str(
    "OIDC_SCOPES",
    default="openid given_name usual_name email uid siret idp_id roles organization_label"
    if _IS_PROCONNECT
    else "openid profile email",
)
# ours=theirs, where they call it otherwise.
OIDC_CLAIMS = env.list(
    "OIDC_CLAIMS", default=["family_name=usual_name", "organisation=organization_label"] if _IS_PROCONNECT else []
)
# Every level with which people may come in; ProConnect knows no order of them. Empty: none is asked for.
OIDC_ACR_VALUES = env.list(
    "OIDC_ACR_VALUES", default=["eidas1", "eidas1-mfa", "eidas2", "eidas3"] if _IS_PROCONNECT else []
)
# Whether an address that the provider names is verified, also where it does not say so (`email_verified`).
OIDC_VERIFIED_EMAILS = env.bool("OIDC_VERIFIED_EMAILS", default=_IS_PROCONNECT)
OIDC_TIMEOUT_SECONDS = env.int("OIDC_TIMEOUT_SECONDS", default=5)
OIDC_SILENT_SIGN_IN = env.bool("OIDC_SILENT_SIGN_IN", default=True)
# Who may come in; each list that is empty asks nothing.
OIDC_CREATES_ACCOUNTS = env.bool("OIDC_CREATES_ACCOUNTS", default=True)
OIDC_ALLOWED_EMAIL_DOMAINS = env.list("OIDC_ALLOWED_EMAIL_DOMAINS", default=[])
OIDC_ALLOWED_IDENTITY_PROVIDERS = env.list("OIDC_ALLOWED_IDENTITY_PROVIDERS", default=[])
OIDC_ALLOWED_SIRETS = env.list("OIDC_ALLOWED_SIRETS", default=[])
OIDC_ALLOWED_ROLES = env.list("OIDC_ALLOWED_ROLES", default=[])
# The library's own: an address alone finds nobody, and a key at the provider never changes hands.
OIDC_FALLBACK_TO_EMAIL_FOR_IDENTIFICATION = False
OIDC_USER_SUB_FIELD_IMMUTABLE = True

# --- The API for programs: tokens and JSON alone, neither cookies nor pages ------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsing.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "accounts.api.errors.answer_to",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Visio",
    "VERSION": "1",
    "DESCRIPTION": "Rooms and people, for programs. docs/api.md says how to begin.",
    "SERVERS": [{"url": PORTAL_URL}],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- Security headers and cookies -----------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "visio_session"
CSRF_COOKIE_NAME = "visio_csrf"
LANGUAGE_COOKIE_NAME = "visio_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = IS_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Only where the certificate is one that browsers know; with our own authority it would lock people out.
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=0)
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 << 20

# --- The media plane ------------------------------------------------------------------------------------------------
# Where our own processes find a LiveKit cluster. Unset: the embedded relay.
_LIVEKIT_CLUSTER_URL = env.address("LIVEKIT_URL", default="")
EMBEDDED_RELAY = not _LIVEKIT_CLUSTER_URL
LIVEKIT_URL = _LIVEKIT_CLUSTER_URL or addresses.url_of("ws", addresses.own_host(HOST), PORT)
# What browsers are given.
LIVEKIT_PUBLIC_URL = env.address(
    "LIVEKIT_PUBLIC_URL", default=addresses.websocket_origin(PORTAL_URL) if EMBEDDED_RELAY else LIVEKIT_URL
)
LIVEKIT_API_KEY = env.str("LIVEKIT_API_KEY", default="")
LIVEKIT_API_SECRET = env.str("LIVEKIT_API_SECRET", default="")
# External addresses that get the engine's events (LiveKit's webhooks), signed with the API key.
WEBHOOK_URLS = env.list("WEBHOOK_URLS", default=[])

# One relay process a core, and one core for the rest.
RELAY_WORKERS = env.int("RELAY_WORKERS", default=max(1, len(os.sched_getaffinity(0)) - 1))
# UDP and TCP; each worker has its own, counted up from this one.
RELAY_PORT = env.int("RELAY_PORT", default=7882)
# bind[=advertised], comma-separated. Unset: every address of this machine that others can reach.
RELAY_ADDRESSES = env.list("RELAY_ADDRESSES", default=[])
RELAY_LOUDEST_AUDIO = env.int("RELAY_LOUDEST_AUDIO", default=8)
TURN_URLS = env.list("TURN_URLS", default=[])
TURN_SECRET = env.str("TURN_SECRET", default="")

# --- How long what people leave behind is kept -----------------------------------------------------------------------
# Chat is shown only while its call goes on; the rows go this many days later, in the night.
CHAT_RETENTION_DAYS = env.int("CHAT_RETENTION_DAYS", default=30)
# Who was in which call from when to when, by what name, how the connection was and why it ended.
REPORT_RETENTION_DAYS = env.int("REPORT_RETENTION_DAYS", default=90)
# Mail that the portal wrote, sent or not.
MAIL_RETENTION_DAYS = env.int("MAIL_RETENTION_DAYS", default=30)
# What HR uploads on its page, with the reports on it. What an import changed is kept elsewhere, and longer.
HR_FILE_RETENTION_DAYS = env.int("HR_FILE_RETENTION_DAYS", default=7)
# Who did what to whom, from where: the audit log.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=365)

# --- Who answers for this portal: shown on the legal page and in the accessibility statement -----------------------
LEGAL_PUBLISHER = env.str("LEGAL_PUBLISHER", default="")
LEGAL_HOST = env.str("LEGAL_HOST", default="")
PRIVACY_CONTACT = env.str("PRIVACY_CONTACT", default="")
ACCESSIBILITY_CONTACT = env.str("ACCESSIBILITY_CONTACT", default="")
# Whom people ask who cannot sign in.
SUPPORT_CONTACT = env.str("SUPPORT_CONTACT", default="")

# --- Limits of the web process --------------------------------------------------------------------------------------
# Django requests at work at once, each in a thread; as many again may wait, the rest get 503.
HTTP_CONCURRENCY = env.int("HTTP_CONCURRENCY", default=32)
# One loaded process waits to replace web, another a relay worker: a restart then takes no seconds.
# A word, so that a check finds a misspelt one.
WARM_STANDBY = env.str("WARM_STANDBY", default="true").lower()
# `readyz` and the system checks complain below this.
MIN_FREE_DISK_MB = env.int("MIN_FREE_DISK_MB", default=500)

# --- Content-Security-Policy: no inline script or style, nothing from another host ----------------------------------
_CONNECT: list[object] = list(
    dict.fromkeys(
        [SELF, addresses.websocket_origin(PORTAL_URL), LIVEKIT_PUBLIC_URL]
        # livekit-client asks /rtc/validate over HTTP when a websocket does not open.
        + ([] if EMBEDDED_RELAY else [LIVEKIT_PUBLIC_URL.replace("ws", "http", 1)])
    )
)
CONTENT_SECURITY_POLICY: dict[str, dict[str, list[object]]] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": _CONNECT,
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": ["self"],
    "microphone": ["self"],
    "display-capture": ["self"],
    "fullscreen": ["self"],
    "autoplay": ["self"],
    "screen-wake-lock": ["self"],
    "speaker-selection": ["self"],
    "geolocation": [],
    "payment": [],
    "usb": [],
    "serial": [],
    "midi": [],
    "browsing-topics": [],
}
# The manifest storage rewrites url() in the DSFR's CSS, so its published checksums would not match.
DSFR_USE_INTEGRITY_CHECKSUMS = False
DSFR_MARK_OPTIONAL_FIELDS = True

# --- Languages and time ---------------------------------------------------------------------------------------------
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.zone("TIME_ZONE", default="Europe/Paris")

# --- Log ------------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", default="text")  # or json
LOGGING_CONFIG = None
env.stop_on_mistakes()
logs.configure(level=LOG_LEVEL, json=LOG_FORMAT == "json")

TRUSTED_PROXY_NETWORKS = []
for _entry in TRUSTED_PROXIES:
    with contextlib.suppress(ValueError):  # visio.E010 names it
        TRUSTED_PROXY_NETWORKS.append(ipaddress.ip_network(_entry, strict=False))

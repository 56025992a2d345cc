"""The settings under pytest: the product's own, read from a clean environment, with a throw-away DATA_DIR.

A developer's `.env` and environment have no say, so that a test means the same on every machine.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_FOLDER = tempfile.mkdtemp(prefix="visio-tests-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)

for _name in ("DOMAIN", "HOST", "PORTAL_URL", "REDIS_URL", "LIVEKIT_URL", "TRUSTED_PROXIES", "TLS_CERT_FILE", "DEBUG"):
    os.environ.pop(_name, None)
for _name in [name for name in os.environ if name.startswith("OIDC_")]:
    del os.environ[_name]
os.environ.update(
    ENV_FILE="",
    DATA_DIR=_FOLDER,
    RUN_DIR=f"{_FOLDER}/run",
    SECRET_KEY="only-for-tests-" + "0" * 40,
    LIVEKIT_API_KEY="test-key",
    LIVEKIT_API_SECRET="only-for-tests-" + "1" * 40,
    EMAIL_URL="memorymail://",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", f"sqlite:///{_FOLDER}/portal.sqlite3"),
)

from visio_portal.settings import *  # noqa: E402, F403  reads the environment set above
from visio_portal.settings import DATABASES  # noqa: E402  as above

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, so that threads share it; in memory, shared-cache locking would differ from the product's.
    DATABASES["default"]["TEST"] = {"NAME": f"{_FOLDER}/test.sqlite3"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Each test client starts WhiteNoise, which would look at every collected file: 3 s a test.
STATIC_ROOT = Path(_FOLDER) / "collected"
STATIC_ROOT.mkdir()

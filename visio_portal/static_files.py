"""Which static files are collected, and how they are prepared: a first start must not take minutes."""

from __future__ import annotations

from typing import Any

from django.contrib.staticfiles.apps import StaticFilesConfig
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class PortalStaticFilesConfig(StaticFilesConfig):
    # django-dsfr brings the DSFR whole and once more in parts; pages use the whole.
    ignore_patterns = (
        "CVS",
        ".*",
        "*~",
        "dsfr/dist/component",
        "dsfr/dist/core",
        "dsfr/dist/layout",
        "dsfr/dist/legacy",
        "dsfr/dist/analytics",
    )


class PortalStaticStorage(CompressedManifestStaticFilesStorage):
    """Names with a hash, and a gzip copy beside each file.

    No Brotli: its best level takes 70 s of CPU for 10 % less; a proxy in front may do it.
    """

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return Compressor(use_brotli=False, **kwargs)

"""Which static files are collected, and how they are prepared: a first start must not take minutes."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.base import MissingFileError
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

_NAMED_BY_CONTENT = re.compile(r"call/(?:chunk-[^/]+\.(?:js|css)|vendor/[^/]+-\d[\d.]*/.+)$")


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
        # Of pages that the API does not have.
        "rest_framework",
    )


class PortalStaticStorage(CompressedManifestStaticFilesStorage):
    """Names with a hash, and a gzip copy beside each file.

    No Brotli: its best level takes 70 s of CPU for 10 % less; a proxy in front may do it.
    """

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return Compressor(use_brotli=False, **kwargs)


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise that looks at a file when it is asked for: at all 7,000 of them, web's start takes 0.6 s longer.

    Which files there are is known without a look at the folder, from the manifest; nothing else has an address.
    """

    def __init__(self, get_response: Any = None) -> None:
        self.names = frozenset[str]()
        super().__init__(get_response)

    def add_files(self, root: str, prefix: str | None = None) -> None:
        manifest: dict[str, str] | None = getattr(staticfiles_storage, "hashed_files", None)
        if self.autorefresh or manifest is None:
            super().add_files(root, prefix)
        else:
            self.names = frozenset([*manifest, *manifest.values()])

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Also what the front end's build names by its content or version, and refers to by that name."""
        return _NAMED_BY_CONTENT.match(url.removeprefix(self.static_prefix)) is not None or bool(
            super().immutable_file_test(path, url)
        )

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        url = request.path_info
        if url not in self.files and url.removeprefix(self.static_prefix) in self.names:
            with contextlib.suppress(MissingFileError):
                path = Path(self.static_root) / url.removeprefix(self.static_prefix)
                self.files[url] = self.get_static_file(str(path), url)
        response: HttpResponseBase = super().__call__(request)
        return response

"""The body of a request: one JSON object of a bounded size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from accounts.api.errors import ApiError

# Far more than any request needs; it is read whole.
MAX_BODY_BYTES = 64 * 1024


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Raises `ApiError` 413, `ParseError`."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(413, "too_large", gettext("The body is larger than 64 KiB."), where="body")
        try:
            return json.loads(body.decode(), parse_constant=_no_number)
        except (ValueError, RecursionError) as wrong:  # nested a thousand times
            raise ParseError from wrong


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")

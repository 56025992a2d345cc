"""Protobuf messages as JSON, as strangers write it: one way to read it that has one error."""

from __future__ import annotations

import json
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

# Quotes, and commas: the largest true message (an offer, a list of tracks) has some thousands. Two megabytes of unknown
# members took protobuf two seconds, in which nobody else was heard.
MAX_MARKS = 20_000


class NotProtojson(ValueError):
    """The text is no JSON object of this message."""


def read(kind: type[M], text: str | bytes) -> M:
    """The message; fields in snake_case or camelCase, unknown ones ignored. Raises `NotProtojson`."""
    marks = (b'"', b",") if isinstance(text, bytes) else ('"', ",")
    if any(text.count(mark) > MAX_MARKS for mark in marks):  # type: ignore[arg-type]  # of the text's own kind
        raise NotProtojson("too many members")
    try:
        document = json.loads(text)
        if not isinstance(document, dict):  # protobuf would raise whatever comes, or take `[]` for an empty message
            raise NotProtojson(f"expected an object, received {type(document).__name__}")
        return json_format.ParseDict(document, kind(), ignore_unknown_fields=True)
    except (json_format.ParseError, RecursionError, ValueError) as error:
        raise NotProtojson(f"no {kind.DESCRIPTOR.name}") from error

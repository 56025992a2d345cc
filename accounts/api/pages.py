"""Long lists by pages, from where the last one ended: as fast for the last page as for the first.

A page is not a number but the place of its last row in an order that never changes, so nothing is shown twice or
left out because of rows that come or go meanwhile. Cursors hold what the rows show anyway, and no row's internal key.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.errors import ApiError

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Order:
    """By `fields`, of which the last is unique: all up, or all down. An index begins with them."""

    fields: tuple[str, ...]
    is_descending: bool = False

    def sorted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        sign = "-" if self.is_descending else ""
        return rows.order_by(*(f"{sign}{name}" for name in self.fields))

    def after(self, rows: QuerySet[Any], cursor: str) -> QuerySet[Any]:
        """Raises `ApiError` where it is none of these cursors."""
        place = self._read(rows.model, cursor)
        beyond = "lt" if self.is_descending else "gt"
        found = Q()
        for number, name in enumerate(self.fields):
            same = {other: place[other] for other in self.fields[:number]}
            found |= Q(**same, **{f"{name}__{beyond}": place[name]})
        first = self.fields[0]
        # Says the same once more where the index is read from.
        return rows.filter(found, **{f"{first}__{beyond}e": place[first]})

    def cursor(self, row: Model) -> str:
        fields = (row._meta.get_field(name) for name in self.fields)
        values = [field.value_to_string(row) for field in fields]  # type: ignore[union-attr]  # concrete fields only
        return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")

    def _read(self, model: type[Model], cursor: str) -> dict[str, Any]:
        try:
            values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
            texts = dict(zip(self.fields, values, strict=True))
            if not all(isinstance(text, str) and "\x00" not in text for text in texts.values()):
                raise ValueError(cursor)
            return {name: model._meta.get_field(name).to_python(text) for name, text in texts.items()}  # type: ignore[union-attr]  # see cursor
        except (ValueError, TypeError, RecursionError, OverflowError, ValidationError) as wrong:
            raise ApiError(
                400,
                "bad_cursor",
                gettext("This is no cursor of this list."),
                where="query.cursor",
                remedy=gettext("Take “next” of the page before as it is, or begin without a cursor."),
            ) from wrong


class Pages(BasePagination):
    """Of a view's `order`. `limit` and `cursor` were checked by its query serializer."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        query: Mapping[str, Any] = view.query
        self.order: Order = view.order
        self.request = request
        limit = query["limit"]
        rows = self.order.sorted(queryset)
        if cursor := query["cursor"]:
            rows = self.order.after(rows, cursor)
        page = list(rows[: limit + 1])
        self.next = self._next(page[limit - 1]) if len(page) > limit else None
        return page[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {
            "type": "string",
            "format": "uri",
            "nullable": True,
            "description": "The address of the next page; null on the last one.",
        }
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": following, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[Any]:
        return []  # they are in the view's query serializer

    def _next(self, last: Model) -> str:
        query = {**self.request.query_params.dict(), "cursor": self.order.cursor(last)}
        return f"{settings.PORTAL_URL}{self.request.path}?{urlencode(query)}"

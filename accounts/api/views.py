"""What every address of the API does before and after its own work; the token's own address; people."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import structlog
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.api import throttles
from accounts.api.authentication import token_of
from accounts.api.errors import ApiError, invalid, not_found
from accounts.api.pages import Order, Pages
from accounts.api.parsing import MAX_BODY_BYTES
from accounts.api.scopes import PEOPLE_READ
from accounts.api.serializers import (
    MAX_NAMED,
    PageQuery,
    PeopleQuery,
    PersonSerializer,
    StrictSerializer,
    TokenSerializer,
)
from accounts.audit import context
from accounts.audit.parties import NOBODY, Party, party_of
from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.models import ApiToken, Membership, User
from accounts.people_in_sight import people_visible_to
from accounts.people_search import people_matching

log = structlog.get_logger(__name__)
# Of these the audit log hears; who asks for what is not there, or wrongly, has been refused nothing.
_REFUSALS = frozenset({401, 403, 429})


class ApiView(GenericAPIView[Any]):
    """`scopes`: what each method asks for; None: a token is enough. A method that is not named is refused."""

    scopes: ClassVar[dict[str, str | None]] = {}
    tag: ClassVar[str] = ""
    operation: ClassVar[str] = ""
    query_class: ClassVar[type[StrictSerializer]] = StrictSerializer
    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "patch", "delete"]  # type: ignore[misc]  # a constant here
    queryset = None
    token: ApiToken | None = None
    needs_token: ClassVar[bool] = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with context.of_an_application():
            response = super().dispatch(request, *args, **kwargs)
            add_never_cache_headers(response)
            return response

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Nobody knows the length of what comes in chunks; the framework would take it for no body at all.
            request.META["CONTENT_LENGTH"] = str(MAX_BODY_BYTES + 1)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Address, negotiation, token, token's limit, scope, query: each only where the one before let it pass."""
        _check_throttle(throttles.AddressThrottle(), request, self)
        super().initial(request, *args, **kwargs)
        self.query = self._checked(self.query_class(data=_parameters(request)), "query")

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if self.needs_token:
            self.token = token_of(request)
            context.set_application(party_of(self.token).label)
            # Before the scope: who asks for what the token may not do, is counted too.
            _check_throttle(throttles.TokenThrottle(), request, self)

    def check_permissions(self, request: Request) -> None:
        """Before what is asked for is looked at."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        if self.token is None or method not in self.allowed_methods:
            return  # 405 is said next
        needed = self.scopes[method]
        if needed is not None and needed not in self.token.scopes:
            message = gettext("This token has not the scope %(scope)s.") % {"scope": needed}
            raise ApiError(403, "scope_missing", message, where="header.Authorization")

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if response.status_code in _REFUSALS:
            self._tell(response, exc)
        return response

    def checked_body(self, serializer_class: type[StrictSerializer]) -> dict[str, Any]:
        return self._checked(serializer_class(data=self.request.data), "body")

    def _checked(self, serializer: StrictSerializer, where: str) -> dict[str, Any]:
        if not serializer.is_valid():
            raise invalid(serializer.errors, where=where)
        return cast(dict[str, Any], serializer.validated_data)

    def _tell(self, response: Response, exc: Exception) -> None:
        code, route = response.data["code"], getattr(self.request._request.resolver_match, "route", "")
        token = self.token or getattr(exc, "token", None)
        target = party_of(token) if token is not None else Party("application")
        log.info("api_refused", code=code, application=target.id or "unknown", route=route)
        if throttles.is_kept(self.request, code):
            # The owner, only where the token acts for them.
            actor = party(self.token.owner) if self.token is not None else NOBODY
            record("api_refused", actor=actor, target=target, after={"code": code, "route": route})


def _parameters(request: Request) -> dict[str, Any]:
    """Raises `ApiError` 400 where one is sent twice: which of the two is meant?"""
    twice = [name for name, values in request.query_params.lists() if len(values) > 1]
    if twice:
        error = ErrorDetail(gettext("It is there more than once."), code="repeated")
        raise invalid({name: [error] for name in twice[:MAX_NAMED]}, where="query")
    return request.query_params.dict()


def _check_throttle(throttle: Any, request: Request, view: APIView) -> None:
    if not throttle.allow_request(request, view):
        raise throttles.throttled(throttle.wait())


class ListView(ApiView):
    """A list by pages. `rows` says which."""

    order: ClassVar[Order]
    query_class = PageQuery
    pagination_class = Pages

    def rows(self) -> QuerySet[Any]:
        """Those that the caller may see: each list says its own."""
        raise NotImplementedError

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.rows())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


def found(rows: QuerySet[Any], **key: Any) -> Any:
    """The one row. Raises `ApiError` 404, whether it is missing or somebody else's."""
    row = rows.filter(**key).first()
    if row is None:
        raise not_found()
    return row


def owner_of(request: Request) -> User:
    return token_of(request).owner


class CurrentToken(ApiView):
    scopes: ClassVar = {"GET": None}
    tag, operation = "token", "token"
    serializer_class: type[BaseSerializer[Any]] = TokenSerializer

    @extend_schema(summary="The token itself")
    def get(self, request: Request) -> Response:
        """What this token may do, for whom, and until when."""
        return Response(TokenSerializer(token_of(request)).data)


def _people(request: Request) -> QuerySet[User]:
    today = Membership.objects.current().select_related("organisation").order_by("organisation__name", "pk")
    memberships = Prefetch("memberships", queryset=today, to_attr="todays_memberships")
    return people_visible_to(owner_of(request)).prefetch_related(memberships)


class People(ListView):
    scopes: ClassVar = {"GET": PEOPLE_READ}
    tag, operation = "people", "people"
    order = Order(("public_id",))
    query_class = PeopleQuery
    serializer_class: type[BaseSerializer[Any]] = PersonSerializer

    def rows(self) -> QuerySet[User]:
        people = people_matching(self.query["q"], _people(self.request))
        is_active = self.query["is_active"]
        if is_active == "false":
            # Few among many: by their own index, and not by going through everybody.
            return people.filter(pk__in=User.objects.filter(is_active=False).values("pk"))
        return people.filter(is_active=True) if is_active else people

    @extend_schema(summary="People", parameters=[PeopleQuery])
    def get(self, request: Request) -> Response:
        """The accounts that the owner may see: their own, those of the organisations that they manage; administrators
        see all. In the order of their ids."""
        return super().get(request)


class OnePerson(ApiView):
    scopes: ClassVar = {"GET": PEOPLE_READ}
    tag, operation = "people", "person"
    serializer_class: type[BaseSerializer[Any]] = PersonSerializer

    @extend_schema(summary="One person")
    def get(self, request: Request, id: Any) -> Response:  # noqa: A002  as documented
        """By the public id."""
        return Response(PersonSerializer(found(_people(request), public_id=id)).data)


class NotThere(ApiView):
    """Every other address."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        _check_throttle(throttles.AddressThrottle(), request, self)
        raise not_found()

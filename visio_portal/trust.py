"""/trust: how a browser learns to trust this portal's own authority. 404 where a public certificate is used."""

from __future__ import annotations

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from visio_portal import authority, tls


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The steps for each system, with the fingerprint to compare."""
    return render(request, "visio_portal/trust.html", {"fingerprint": authority.fingerprint(_file())})


@require_GET
def certificate(request: HttpRequest) -> HttpResponse:
    """The authority's certificate, with the type at which browsers and systems offer to install it."""
    response = HttpResponse(_file().read_bytes(), content_type="application/x-x509-ca-cert")
    response["Content-Disposition"] = 'attachment; filename="visio-authority.crt"'
    return response


def _file() -> Path:
    file = tls.folder() / authority.CA_FILE
    if not tls.uses_own_authority() or not file.exists():
        raise Http404
    return file

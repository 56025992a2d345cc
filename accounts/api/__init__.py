"""What all parts of the API for programs have in common (token, scopes, limits, errors, pages), and people.

`meetings/api` adds rooms; `visio_portal/api_urls.py` joins them under /api/v1/. docs/api.md is for who uses it.
"""

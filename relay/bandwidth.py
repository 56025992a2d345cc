"""Skeleton."""

from __future__ import annotations


class LinkEstimate:
    """What one subscriber's link can take."""

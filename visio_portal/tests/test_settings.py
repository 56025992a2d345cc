"""The settings as the product reads them."""

from __future__ import annotations

import pytest
from django.core.management import call_command


def test_the_system_checks_find_nothing_wrong() -> None:
    call_command("check", fail_level="WARNING")


@pytest.mark.django_db
def test_every_model_change_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)

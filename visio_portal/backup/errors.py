"""What an operator is told where a backup cannot be made, read or restored."""

from django.core.management.base import CommandError


class BackupError(CommandError):
    """The message says what is wrong and what to do; a command ends with it, as with any of its own."""


class DamagedArchive(BackupError):
    """The file is no backup, is cut off or changed, or holds what no backup of ours holds: nothing of it is used."""

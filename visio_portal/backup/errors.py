"""What an operator is told where a backup cannot be made, read or restored."""


class BackupError(Exception):
    """The message says what is wrong and what to do."""


class DamagedArchive(BackupError):
    """The file is no backup, is cut off or changed, or holds what no backup of ours holds: nothing of it is used."""

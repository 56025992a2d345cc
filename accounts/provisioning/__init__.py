"""People from HR files: read, compared with what is there, applied in batches, undone, exported.

    reading (bytes → cells) → columns (cells → fields) → rows (fields → values) → plan (what differs, on a spool)
    → applying (batches: accounts, HR records, memberships, changes, audit, one transaction each) → undoing

The commands in `accounts/management/commands` are thin; docs/administrators.md ("HR files") is for whoever runs them.
"""

"""Backups of the whole portal in one file: `archive` is the file, `databases` dumps and loads, `swap` exchanges
what is there for what was restored, `service` is what the three commands do.
"""

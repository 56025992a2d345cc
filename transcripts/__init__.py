"""Recordings become transcripts here, from a later release on."""

"""Managers of organisations: `reach` says what is theirs to see and on whom they may act, `acts` does it."""

"""Rooms, who is in them and their calls, for programs. What they have in common with people: `accounts/api`."""

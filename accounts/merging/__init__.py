"""Two accounts of one person made one: always an administrator's act, looked at first, and taken back if it was wrong.

`movable` says what goes over, `refusals` which accounts are left alone, `merging` does it, `undoing` gives it back;
`relinking` finds the pairs of a whole ministry that changed its identity provider.
"""

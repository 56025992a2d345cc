"""What organisations lay down: `table` says which rules there are, `resolution` what holds for whom and who said so,
`enforcement` is where the rest of the portal asks, `sentences` what people read of it. Nobody else reads the table of
policies.
"""

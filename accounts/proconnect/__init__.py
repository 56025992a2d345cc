"""Sign-in by ProConnect, or another OpenID Connect provider. Nothing of it is there until `OIDC_ISSUER` is set.

`views` sends people there and takes them back; `states` keeps what was sent until then, in their session; `discovery`
knows the provider's addresses and keys; `exchange` turns the code into what is known of a person, and checks every bit
of it; `entry` decides whether that person may come in, and as whom; `refusals` says in plain words why not.
"""

"""The second factor: an authenticator app, passkeys and recovery codes, by allauth; who must have one, and where."""

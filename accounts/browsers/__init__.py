"""The browsers of a person: in which they are signed in, and which the portal has seen with them before."""

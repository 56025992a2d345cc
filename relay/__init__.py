"""The embedded media relay: LiveKit's signalling and a selective forwarding unit, without Django."""

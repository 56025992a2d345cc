"""Durable background jobs with lease, retry, progress and schedule."""

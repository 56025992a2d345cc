"""How the database would find the rows of a statement: whether by an index is a fact that no clock must tell."""

from __future__ import annotations

from django.db import connection


def plan_of(sql: str) -> list[str]:
    """A line each step. PostgreSQL reads small tables whole all the same: it is told that this is dear."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [str(row[-1]) for row in cursor.fetchall()]


def read_whole(plan: list[str], *tables: str) -> list[str]:
    """The steps for which each row of one of these tables is looked at."""
    words = [word for table in tables for word in (f"SCAN {table}", f"Seq Scan on {table}")]
    return [step for step in plan if any(word in step for word in words)]


def sorted_apart(plan: list[str]) -> list[str]:
    """The steps that put rows into an order in which no index has them."""
    return [step for step in plan if "TEMP B-TREE" in step or "Sort Key" in step]

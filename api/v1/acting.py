"""A verb of the domain that moves no token, for the views: one transaction, the jobs it asks for included."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from api import http
from api.product import engine, now, person, product
from engine.rows import add_jobs

IF_MATCH = http.if_match("事件记录的版本 · The version of the incident that was seen")


@contextmanager
def verb(no: str, name: str, data: Mapping[str, Any]) -> Iterator[Connection]:
    """Give the verb to the call, then look at what it made before the transaction ends.

    Raises what the domain refuses, StaleCall if another version of the call was seen (If-Match).
    """
    seen = http.seen_version()
    with engine().transaction(person(), now()) as command:
        effect = product().desk.record(command, no, name, data, seen)
        add_jobs(command, effect.jobs)
        yield command.connection

"""One process that is the whole service: the web server and the threads that run what is due."""

import gc
import logging
import signal
import threading
from types import FrameType
from typing import Any, NoReturn

import waitress.server
from flask import Flask

from api.product import Product

log = logging.getLogger(__name__)


class CannotListen(Exception):
    """The address is taken or not ours; the sentence says which setting to change."""


def listen(app: Flask) -> Any:
    """The server on its address, not yet answering. Raises CannotListen."""
    settings = app.extensions["flow200"].settings
    try:
        return waitress.server.create_server(
            app, host=settings.host, port=settings.port, threads=settings.threads, ident="flow200"
        )
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise CannotListen(
            f"cannot listen on {where}: {error.strerror}. Set FLOW200_PORT or FLOW200_HOST."
        ) from error


def serve(app: Flask, server: Any) -> None:
    """Answer requests and run due work until SIGTERM or Ctrl-C, then stop cleanly."""
    parts: Product = app.extensions["flow200"]
    settings = parts.settings
    # What is loaded now stays until the end: no collection needs to look at it again.
    gc.collect()
    gc.freeze()
    stop = threading.Event()
    workers = [
        threading.Thread(target=work, args=(parts, stop), name=f"worker-{number}")
        for number in range(settings.workers)
    ]
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGTERM, _stop)
    try:
        server.run()  # returns after SystemExit or KeyboardInterrupt, with the open requests answered
    finally:
        stop.set()
        for worker in workers:
            worker.join()
        parts.database.close()


def work(parts: Product, stop: threading.Event) -> None:
    """Run due timers and jobs until `stop`; an error is logged and does not end the thread."""
    while not stop.is_set():
        try:
            done = parts.engine.tick(parts.clock())
        except Exception:
            log.exception("a tick failed; the worker goes on")
            done = 0
        if not done:
            stop.wait(parts.settings.tick_seconds)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)

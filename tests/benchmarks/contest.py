"""Contestants in processes of their own: none changes the library, the loggers or the heap of another."""

import importlib
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import settle_heap


class Contestant:
    """An object of `module:name` that lives in a child process on a folder of its own."""

    def __init__(self, where: str, *more: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._mine, theirs = context.Pipe()
        self._folder = tempfile.TemporaryDirectory(prefix="flow200-bench-")
        self._process = context.Process(
            target=_serve, args=(where, self._folder.name, theirs, more), daemon=True
        )
        self._process.start()
        theirs.close()

    def ask(self, method: str, *args: Any) -> Any:
        """Call a method over there. Raises RuntimeError when it fails."""
        self._mine.send((method, args))
        good, answer = self._mine.recv()
        if not good:
            raise RuntimeError(answer)
        return answer

    def close(self) -> None:
        """End the process and drop its folder."""
        self._mine.close()
        self._process.join(30)
        self._folder.cleanup()


def _serve(where: str, folder: str, pipe: Any, more: tuple[Any, ...]) -> None:
    module, _, name = where.partition(":")
    made = getattr(importlib.import_module(module), name)(Path(folder), *more)
    settle_heap()
    while True:
        try:
            method, args = pipe.recv()
        except EOFError:
            break
        try:
            pipe.send((True, getattr(made, method)(*args)))
        except Exception as error:
            pipe.send((False, f"{where}.{method}: {error!r}"))
    made.close()

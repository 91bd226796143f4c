"""Warming: the kernels compiled or loaded before anybody waits for them.

`python -m monitor.cli.warm` fills numba's cache, as an image build or a set-up may want to.
"""

from __future__ import annotations

import gc
import logging
import os
import sys

from monitor.app.kernel_thread import KernelThread


def warm() -> None:
    """Compile the kernels, or load them from the cache.

    Meanwhile nobody looks for garbage: what a compiler makes refers to itself everywhere and stays, and looking through
    it again and again took an eighth of the time. Nor afterwards: the collector is told to leave alone what is left of
    it, or it would go through all that in the middle of a storm of events.
    """
    from monitor.adapters.wire.stating import state_messages  # noqa: PLC0415
    from monitor.core.amending import amended_run  # noqa: PLC0415
    from monitor.core.herald.batch import warm as warm_herald  # noqa: PLC0415
    from monitor.core.kernels_words import words_of  # noqa: PLC0415
    from monitor.core.ladder import Ladder  # noqa: PLC0415
    from monitor.core.limits import Limits  # noqa: PLC0415
    from monitor.core.store import MarginStore  # noqa: PLC0415  # slow to load

    collects = gc.isenabled()
    gc.disable()
    try:
        MarginStore([Ladder.build()]).warm()
        warm_herald()
        words_of(("a word",))
        if (stated := state_messages([b"{}"], [b""], Limits())) is not None:
            amended_run([b""], stated, Limits())
        gc.collect()
        gc.freeze()
    finally:
        if collects:
            gc.enable()


class Warming:
    """Warm in the kernel thread, and know whether that is still under way: a compiler cannot be interrupted."""

    def __init__(self) -> None:
        self._is_under_way = False

    async def run(self, kernel: KernelThread) -> None:
        """Wait until the kernels are warm."""
        self._is_under_way = True
        await kernel(warm)
        self._is_under_way = False

    def end(self, code: int) -> int:
        """Return the exit code of a process that has closed everything; leave a compiler behind by ending it here.

        The interpreter would wait for the compiler, a minute or more. Nothing is lost but what it compiles: numba puts
        each file of its cache in place whole.
        """
        if self._is_under_way:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        return code


if __name__ == "__main__":
    warm()

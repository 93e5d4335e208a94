"""Reading ahead: a thread prepares the next items while the current one is worked on."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")

_END = object()


def prefetch(items: Iterator[Item], *, depth: int = 2) -> Iterator[Item]:
    """Yield ``items`` in their order, with up to ``depth`` of them prepared ahead by a thread, and one in the making.

    What ``items`` raises is raised here, after the items before it. Closing this generator, which leaving a ``for``
    loop over it does, stops and joins the thread and closes ``items``. The thread starts with the first item asked for.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()
    # A new thread begins on device 0: on any other, memory pinned by it would be tied to a context of the wrong device.
    device = torch.cuda.current_device() if torch.cuda.is_available() else None
    arguments = (items, ready, stop, device)
    thread = threading.Thread(target=_fill, args=arguments, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stop.set()
        while not ready.empty():  # after stop it puts once at most, for which there is then room
            ready.get()
        thread.join()


def _fill(items: Iterator[Any], ready: queue.Queue, stop: threading.Event, device: int | None) -> None:
    try:
        if device is not None:
            torch.cuda.set_device(device)
        for item in items:
            ready.put((item, None))
            if stop.is_set():
                break
        else:
            ready.put((_END, None))
    except BaseException as error:  # belongs to whoever asked for the items
        ready.put((None, error))
    finally:
        if close := getattr(items, "close", None):
            close()

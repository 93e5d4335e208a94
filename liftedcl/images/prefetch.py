"""Reading ahead: a thread prepares the next items while the caller works on the current one."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")

_END = object()


def prefetch(items: Iterator[Item], *, depth: int = 2) -> Iterator[Item]:
    """Yield ``items`` in their order; a thread holds up to ``depth`` of them ready and works on one more.

    An exception of ``items`` is raised here, after the items before it. Closing this generator, as leaving a ``for``
    loop over it does, stops and joins the thread and closes ``items``. The thread starts with the first request.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()
    # A new thread begins on device 0, and would tie the memory that it pins for another device to the wrong context.
    device = torch.cuda.current_device() if torch.cuda.is_available() else None
    thread = threading.Thread(target=_fill, args=(items, ready, stop, device), name="prefetch", daemon=True)
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
        while not ready.empty():  # after stop the thread puts one more item at most, which then finds room
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
    except BaseException as error:  # is raised again in the thread that asked for the items
        ready.put((None, error))
    finally:
        if close := getattr(items, "close", None):
            close()

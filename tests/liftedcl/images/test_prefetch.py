"""Reading ahead: the same items in the same order, never more than allowed, no thread left behind, no error lost."""

import threading
import time

import pytest

from liftedcl.identity.errors import InputError
from liftedcl.images.prefetch import prefetch


class Source:
    """Counts what was asked of it and whether it was closed."""

    def __init__(self, count, *, fail_at=None, seconds=0.0):
        self.made, self.closed = 0, threading.Event()
        self._items = self._generate(count, fail_at, seconds)

    def _generate(self, count, fail_at, seconds):
        try:
            for number in range(count):
                time.sleep(seconds)
                if number == fail_at:
                    raise InputError(f"item {number}: can't be read")
                self.made += 1
                yield number
        finally:
            self.closed.set()

    def __iter__(self):
        return self._items

    def close(self):
        self._items.close()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def wait_until(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_all_items_in_order(depth):
    assert list(prefetch(iter(range(50)), depth=depth)) == list(range(50))
    assert list(prefetch(iter(()), depth=depth)) == []
    assert not threads()


def test_items_are_made_ahead_and_no_more_than_allowed():
    source = Source(100)
    items = prefetch(source, depth=2)
    assert source.made == 0
    assert next(items) == 0
    wait_until(lambda: source.made == 4)  # one taken, two ready, one waiting for its place
    time.sleep(0.05)
    assert source.made == 4
    items.close()


def test_making_overlaps_with_using():
    started = time.monotonic()
    for _ in prefetch(Source(10, seconds=0.03)):
        time.sleep(0.03)
    assert time.monotonic() - started < 0.5  # 0.6 one after the other


def test_an_error_comes_after_the_items_before_it():
    seen = []
    with pytest.raises(InputError, match="item 3"):
        for item in prefetch(Source(10, fail_at=3)):
            seen.append(item)
    assert seen == [0, 1, 2]
    assert not threads()


@pytest.mark.parametrize("taken", [1, 3])
@pytest.mark.parametrize("count", [3, 4, 6, 1000])
def test_leaving_early_ends_the_thread_and_closes_the_source(taken, count):
    source = Source(count)
    for number in prefetch(source):
        if number == taken - 1:
            break
    assert not threads()
    assert source.closed.is_set()


def test_an_exception_in_the_loop_ends_the_thread():
    def train():
        for _ in prefetch(Source(1000)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    wait_until(lambda: not threads())


def test_a_failing_source_that_nobody_waits_for_is_left_quietly(recwarn):
    items = prefetch(Source(10, fail_at=2), depth=2)
    next(items)
    items.close()
    assert not threads() and not recwarn.list

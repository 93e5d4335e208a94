"""The dictionary of keys: first in, first out."""

import pytest
import torch

from liftedcl.identity.errors import InputError
from liftedcl.networks.queue import KeyQueue


def test_the_queue_forgets_the_oldest():
    queue = KeyQueue(6, 2, batch_size=2)
    for value in range(5):
        queue.push(torch.full((2, 2), float(value)))
    assert sorted(queue.keys[:, 0].tolist()) == [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]
    with pytest.raises(InputError, match="multiple of the batch size"):
        KeyQueue(7, 2, batch_size=2)

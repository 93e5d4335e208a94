"""Negatives of the contrastive term: whose they are, how many, and each as likely as any other."""

import torch

from downstream.pw3d.network.negatives import Negatives


def filled(length, *steps):
    """A queue after ``steps``, each the people of a batch at two resolutions; embedding n of all is (n, 1)."""
    queue, number = Negatives(length, 2), 0
    for people in steps:
        embeddings = torch.tensor([[n, 1.0] for n in range(number, number + 2 * len(people))])
        queue.push(embeddings.view(2, len(people), 2), torch.tensor(people))
        number += 2 * len(people)
    return queue


def test_the_latest_embeddings_stay_with_their_people():
    queue = filled(7, [3, 4], [5, 6])
    # Eight were pushed, so that the eighth has replaced the first.
    assert queue.people.tolist() == [6, 4, 3, 4, 5, 6, 5] and queue.keys[:, 0].tolist() == [7, 1, 2, 3, 4, 5, 6]
    assert queue.state_dict().keys() == {"keys", "people", "position"}


def test_nobody_is_their_own_negative_and_an_empty_place_is_nobodys():
    queue = filled(12, [3, 4], [3, 6])
    drawn = queue.draw(torch.tensor([3, 6, 9]), 12)
    # Person 3 has four of the eight entries, which leaves four: as many for everybody.
    assert drawn.sum(dim=1).tolist() == [4, 4, 4] and not drawn[:, 8:].any()
    assert drawn[0].nonzero().flatten().tolist() == [1, 3, 5, 7]
    assert not drawn[1, [5, 7]].any()
    alone = filled(6, [2])
    assert not alone.draw(torch.tensor([2, 5]), 6).any()


def test_so_many_are_drawn_and_all_equally_often():
    torch.manual_seed(0)
    queue = filled(16, [0, 1, 2, 3], [4, 5, 6, 7])
    draws = torch.stack([queue.draw(torch.tensor([1, 4]), 7) for _ in range(2000)])
    assert (draws.sum(dim=2) == 7).all()
    shares = draws.float().mean(dim=0)
    own = torch.stack([queue.people == 1, queue.people == 4])
    assert not shares[own].any()
    torch.testing.assert_close(shares[~own], torch.full((28,), 7 / 14), atol=0.04, rtol=0)
    assert (draws[:, 0] != draws[:, 1]).any()  # each person has a draw of their own

"""Lovász-softmax against its definition."""

import pytest
import torch

from downstream.lip.parsing_loss import lovasz_softmax

IGNORED = 255


def by_definition(probabilities, labels):
    """Per class: pixels turn wrong one by one in the order of falling errors; each step of 1 - IoU times its error."""
    losses = []
    found, labels = probabilities.transpose(0, 1).flatten(1), labels.flatten()
    for label in labels[labels != IGNORED].unique().tolist():
        truth = (labels == label)[labels != IGNORED]
        errors = (truth.double() - found[label][labels != IGNORED]).abs()
        loss, before, wrong = 0.0, 0.0, torch.zeros_like(truth)
        for pixel in errors.argsort(descending=True).tolist():
            wrong[pixel] = True
            predicted = truth ^ wrong
            after = 1 - (truth & predicted).sum() / (truth | predicted).sum()
            loss, before = loss + errors[pixel] * (after - before), after
        losses.append(loss)
    return sum(losses) / len(losses)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 6, 7, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 4, (2, 6, 7), generator=generator)  # class 4 is absent
    labels[0, :2] = IGNORED
    return logits, labels


def test_value_and_gradient_are_those_of_the_definition(batch):
    logits, labels = batch
    gradients = []
    for loss in (lambda p: lovasz_softmax(p, labels), lambda p: by_definition(p, labels)):
        leaf = logits.clone().requires_grad_()
        value = loss(leaf.softmax(1))
        value.backward()
        gradients.append((value.detach(), leaf.grad))
    torch.testing.assert_close(
        gradients[0][0], gradients[1][0].double(), atol=1e-6, rtol=1e-6
    )  # IoUs are float32 there
    torch.testing.assert_close(gradients[0][1], gradients[1][1], atol=1e-6, rtol=1e-5)


def test_certain_predictions_cost_one_minus_the_mean_iou(batch):
    _, labels = batch
    labels = labels.clone()
    guess = torch.randint(0, 5, labels.shape, generator=torch.Generator().manual_seed(1))
    ious = []
    for label in range(4):
        truth, found = labels == label, (guess == label) & (labels != IGNORED)
        ious.append((truth & found).sum() / (truth | found).sum())
    certain = torch.nn.functional.one_hot(guess, 5).movedim(3, 1).float()
    loss = lovasz_softmax(certain, labels)
    torch.testing.assert_close(loss, 1 - torch.stack(ious).mean())


def test_ignored_pixels_are_as_if_they_were_not_there(batch):
    logits, labels = batch
    kept = logits.transpose(0, 1)[:, labels != IGNORED][None, :, None]
    whole = lovasz_softmax(logits.softmax(1), labels)
    torch.testing.assert_close(lovasz_softmax(kept.softmax(1), labels[labels != IGNORED][None, None]), whole)
    other = logits.clone()
    other[0, :, :2] = 50 * torch.randn_like(other[0, :, :2])
    torch.testing.assert_close(lovasz_softmax(other.softmax(1), labels), whole)


def test_nothing_to_learn_from_costs_nothing(batch):
    leaf = batch[0].clone().requires_grad_()
    loss = lovasz_softmax(leaf.softmax(1), torch.full_like(batch[1], IGNORED))
    loss.backward()
    assert loss == 0 and leaf.grad.abs().max() == 0


def test_right_and_certain_costs_nothing():
    labels = torch.arange(20).view(1, 4, 5)
    certain = torch.nn.functional.one_hot(labels, 20).movedim(3, 1).float()
    assert lovasz_softmax(certain, labels) == 0

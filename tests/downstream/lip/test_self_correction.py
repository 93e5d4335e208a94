"""Self-correction: the mean of the students, its batch statistics, the mixed targets, and the rate's joints."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from tiny.lip import RECIPE
from torch import nn

from downstream.lip.parsing_loss import edge_labels, lovasz_softmax, parsing_loss
from downstream.lip.parsing_network import ParsingLogits
from downstream.lip.recipe import LIP
from downstream.lip.schedule import rounds_before, warm_restarts
from downstream.lip.self_correction import SelfCorrection, divergence, mixed_targets
from downstream.training.norm_groups import group_norms
from liftedcl.identity.errors import InputError

IGNORED = 255
PAPER = LIP(
    **{field.name: getattr(RECIPE, field.name) for field in dataclasses.fields(RECIPE)}
    | {
        "epochs": 150,
        "learning_rate": 7e-3,
        "lowest_learning_rate": 7e-5,
        "restart_learning_rate": 3.5e-3,
        "warmup_epochs": 10,
        "first_round": 100,
        "round_epochs": 10,
    }
)


def student_with_dropout():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 2, 1))


def batches(count=3):
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(4, 3, 8, 8, generator=generator) * (1 + n) + n for n in range(count)]


def test_the_teacher_is_the_mean_of_the_students():
    correction, seen = SelfCorrection(student_with_dropout()), []
    for n in range(3):
        assert correction.rounds == n
        with torch.no_grad():
            for parameter in correction.student.parameters():
                parameter.copy_(torch.randn_like(parameter))
        seen.append([parameter.detach().clone() for parameter in correction.student.parameters()])
        correction.end_round(iter(batches()))
        for mean, *students in zip(correction.teacher.module.parameters(), *seen, strict=True):
            torch.testing.assert_close(mean, torch.stack(students).mean(0))


@pytest.mark.parametrize("group", [4, 2])
def test_batch_statistics_are_those_of_the_teacher_on_the_training_set(group):
    """The means over all batches of four, or over all their halves, whose statistics a recipe may take apart."""
    correction = SelfCorrection(student_with_dropout())
    group_norms(correction, dataclasses.replace(RECIPE, batch_size=4, norm_samples=group))
    correction.train()
    for images in batches():
        correction.student(images)
    own = {key: value.clone() for key, value in correction.student[1].state_dict().items()}
    correction.end_round(iter(batches()))
    with torch.no_grad():
        parts = [part for images in batches() for part in images.split(group)]
        outputs = [correction.teacher.module[0](images).transpose(0, 1).flatten(1) for images in parts]
    norm = correction.teacher.module[1]
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean(1) for x in outputs]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([x.var(1) for x in outputs]).mean(0))
    assert norm.momentum == correction.student[1].momentum == 0.1
    assert all(torch.equal(value, own[key]) for key, value in correction.student[1].state_dict().items())


def test_the_teacher_teaches_in_training_mode_and_untrained():
    correction = SelfCorrection(student_with_dropout())
    correction.end_round(iter(batches()))
    correction.train()
    assert all(module.training for module in correction.modules())
    assert not any(parameter.requires_grad for parameter in correction.teacher.parameters())
    correction.eval()
    assert not any(module.training for module in correction.modules())


def test_rounds_are_in_the_state():
    correction = SelfCorrection(student_with_dropout())
    correction.end_round(iter(batches()))
    other = SelfCorrection(student_with_dropout())
    other.load_state_dict(correction.state_dict())
    assert other.rounds == 1
    other.eval(), correction.eval()  # without dropout
    assert torch.equal(other.teacher(batches()[0]), correction.teacher(batches()[0]))


@pytest.mark.parametrize(("rounds", "odds"), [(1, math.sqrt(3 * math.e)), (2, 3 ** (2 / 3) * math.e ** (1 / 3))])
def test_the_label_is_mixed_with_the_teachers_logits_as_worked_out_by_hand(rounds, odds):
    """A teacher that gives class 0 three times the odds of classes 1 and 2, and the label 0.

    Round 1 halves the logit log 3 and adds a half for the label; round 2 takes two thirds of it and adds a third.
    """
    teacher = torch.tensor([math.log(3.0), 0.0, 0.0]).view(1, 3, 1, 1)
    found = mixed_targets(teacher, torch.zeros(1, 1, 1, dtype=torch.long), rounds=rounds).flatten()
    assert found.tolist() == pytest.approx([odds / (odds + 2), 1 / (odds + 2), 1 / (odds + 2)])
    other = mixed_targets(teacher, torch.ones(1, 1, 1, dtype=torch.long), rounds=rounds).flatten()
    share = 1 / (rounds + 1)
    assert (other[1] / other[2]).item() == pytest.approx(math.exp(share))
    assert (other[0] / other[2]).item() == pytest.approx(3 ** (1 - share))


def test_divergence_is_that_of_a_pixel_divided_by_the_classes():
    """A target (3/4, 1/4) of logits that say (1/2, 1/2), beside a pixel without any divergence."""
    targets = torch.tensor([[0.75, 0.5], [0.25, 0.5]]).view(1, 2, 1, 2)
    divergence_of_first = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert divergence(torch.zeros(1, 2, 1, 2), targets).item() == pytest.approx(divergence_of_first / 2 / 2)
    logits, targets = torch.randn(2, 20, 3, 4), torch.randn(2, 20, 3, 4).softmax(1)
    pairs = zip(targets.flatten().tolist(), logits.softmax(1).flatten().tolist(), strict=True)
    terms = [target * math.log(target / found) for target, found in pairs]
    assert divergence(logits, targets).item() == pytest.approx(sum(terms) / len(terms), rel=1e-4)


def random_logits():
    return ParsingLogits(torch.randn(2, 20, 9, 9), torch.randn(2, 20, 9, 9), torch.randn(2, 2, 9, 9))


def test_the_loss_after_a_round_pixel_by_pixel():
    """An ignored pixel is background in all terms but the first output's Lovász-softmax; edges come from the labels."""
    labels = torch.randint(0, 20, (2, 9, 9))
    labels[0, :4] = IGNORED
    before, student, teacher, share = labels.clone(), random_logits(), random_logits(), 1 / 4
    found = parsing_loss(student, teacher, labels, rounds=3)
    assert torch.equal(labels, before)
    known = labels.masked_fill(labels == IGNORED, 0)

    def expected(logits, soft, hard):
        total = 0.0
        for n, y, x in np.ndindex(*hard.shape):
            mixed = (1 - share) * soft[n, :, y, x]
            mixed[hard[n, y, x]] += share
            target = mixed.softmax(0)
            total += (target * (target.log() - logits[n, :, y, x].log_softmax(0))).sum().item()
        return total / hard.numel() / logits.shape[1]

    right = sum(expected(logits, teacher.fused, known) for logits in (student.parsing, student.fused))
    assert found["labels"].item() == pytest.approx(0.5 * right, rel=1e-4)
    assert found["edges"].item() == pytest.approx(expected(student.edges, teacher.edges, edge_labels(labels)), rel=1e-4)
    lovasz = lovasz_softmax(student.parsing.softmax(1), labels) + lovasz_softmax(student.fused.softmax(1), known)
    torch.testing.assert_close(found["lovasz"], 0.5 * lovasz)


def test_ignored_pixels_of_the_parsing_outputs_give_no_gradient_before_the_first_round():
    labels = torch.randint(0, 20, (2, 9, 9))
    labels[:, 5:] = IGNORED
    student = ParsingLogits(*(logits.requires_grad_() for logits in random_logits()))
    sum(parsing_loss(student, None, labels, rounds=0).values()).backward()
    for logits in (student.parsing, student.fused):
        assert logits.grad[:, :, 5:].abs().max() == 0 and logits.grad[:, :, :5].abs().max() > 0


def test_rate_at_the_joints_and_within_an_epoch():
    steps = 7
    rate = warm_restarts(PAPER, steps)
    at = {epoch: rate(epoch * steps) for epoch in (0, 5, 10, 55, 100, 105, 110, 140, 145)}
    expected = {0: 7e-5, 5: 3.535e-3, 10: 7e-3, 55: 3.535e-3, 100: 3.5e-3, 105: 1.785e-3, 110: 3.5e-3, 140: 3.5e-3}
    assert at == pytest.approx(expected | {145: 1.785e-3})
    rates = [rate(step) for step in range(150 * steps)]
    assert all(len(set(rates[epoch * steps : (epoch + 1) * steps])) == 1 for epoch in range(150))
    epochs = rates[::steps]
    assert all(epochs[n] < epochs[n + 1] for n in range(10)) and all(epochs[n] > epochs[n + 1] for n in range(10, 99))
    # A cosine from 3.5e-3 to 7e-5, at 0, 1, ..., 9 tenths: above its mean by a twentieth of what it falls.
    assert np.mean(epochs[100:]) == pytest.approx((3.5e-3 + 7e-5) / 2 + (3.5e-3 - 7e-5) / 20)


def test_rounds_of_the_paper():
    assert [rounds_before(PAPER, epoch) for epoch in (0, 99, 100, 109, 110, 149, 150)] == [0, 0, 1, 1, 2, 5, 6]


@pytest.mark.parametrize("change", [{"first_round": 160}, {"first_round": 10}, {"round_epochs": 7}, {"momentum": 1.0}])
def test_recipes_that_do_not_add_up_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        dataclasses.replace(PAPER, **change)

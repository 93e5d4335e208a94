"""Self-correction: the mean of the students, its batch statistics, the mixed targets, and the rate's joints."""

import dataclasses

import pytest
import torch
from tiny.lip import RECIPE
from torch import nn

from downstream.lip.parsing_loss import parsing_loss
from downstream.lip.parsing_network import ParsingLogits
from downstream.lip.recipe import LIP
from downstream.lip.schedule import rounds_before, warm_restarts
from downstream.lip.self_correction import SelfCorrection, divergence, mixed_targets
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


def test_batch_statistics_are_those_of_the_teacher_on_the_training_set():
    correction = SelfCorrection(student_with_dropout())
    correction.train()
    for images in batches():
        correction.student(images)
    own = {key: value.clone() for key, value in correction.student[1].state_dict().items()}
    correction.end_round(iter(batches()))
    with torch.no_grad():
        outputs = [correction.teacher.module[0](images).transpose(0, 1).flatten(1) for images in batches()]
    norm = correction.teacher.module[1]
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean(1) for x in outputs]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([x.var(1) for x in outputs]).mean(0))
    assert norm.momentum == correction.student[1].momentum == 0.1
    assert all(torch.equal(value, own[key]) for key, value in correction.student[1].state_dict().items())


def test_the_teacher_stays_in_evaluation_mode_and_untrained():
    correction = SelfCorrection(student_with_dropout())
    correction.end_round(iter(batches()))
    correction.train()
    assert correction.student.training and not any(module.training for module in correction.teacher.modules())
    assert not any(parameter.requires_grad for parameter in correction.teacher.parameters())
    images = batches()[0]
    assert torch.equal(correction.teacher(images), correction.teacher(images))  # no dropout
    alone = torch.cat([correction.teacher(image[None]) for image in images])  # not normalised by its batch
    torch.testing.assert_close(correction.teacher(images), alone)
    correction.eval()
    assert not correction.student.training


def test_rounds_are_in_the_state():
    correction = SelfCorrection(student_with_dropout())
    correction.end_round(iter(batches()))
    other = SelfCorrection(student_with_dropout())
    other.load_state_dict(correction.state_dict())
    assert other.rounds == 1
    assert torch.equal(other.teacher(batches()[0]), correction.teacher(batches()[0]))


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_targets_are_mixed_by_the_rounds_and_ignored_labels_stay(rounds):
    teacher = torch.randn(2, 20, 4, 5)
    labels = torch.randint(0, 20, (2, 4, 5))
    labels[:, 0] = IGNORED
    before = labels.clone()
    targets = mixed_targets(teacher, labels, rounds=rounds)
    assert torch.equal(labels, before)
    share, valid = 1 / (rounds + 1), labels != IGNORED
    expected = (1 - share) * teacher.softmax(1).movedim(1, 3)[valid]
    expected[torch.arange(len(expected)), labels[valid]] += share
    torch.testing.assert_close(targets.movedim(1, 3)[valid], expected)
    torch.testing.assert_close(expected.sum(1), torch.ones(len(expected)))


def test_divergence_sums_over_classes_and_averages_over_valid_pixels():
    logits, targets = torch.randn(2, 20, 3, 4), torch.randn(2, 20, 3, 4).softmax(1)
    valid = torch.rand(2, 3, 4) > 0.4
    found, wanted = logits.softmax(1).movedim(1, 3)[valid], targets.movedim(1, 3)[valid]
    expected = sum((w * (w / f).log()).sum() for w, f in zip(wanted, found, strict=True)) / len(wanted)
    torch.testing.assert_close(divergence(logits, targets, valid), expected)
    torch.testing.assert_close(divergence(logits, logits.softmax(1), valid), torch.tensor(0.0), atol=1e-6, rtol=0)
    assert divergence(logits, targets, torch.zeros_like(valid)) == 0


def random_logits():
    return ParsingLogits(torch.randn(2, 20, 9, 9), torch.randn(2, 20, 9, 9), torch.randn(2, 2, 9, 9))


def test_with_a_teacher_that_knows_the_labels_the_loss_is_the_cross_entropy():
    """KL from one-hot targets is cross-entropy, whatever the share of the teacher."""
    labels = torch.randint(0, 20, (2, 9, 9))
    labels[0, :4] = IGNORED
    student = random_logits()
    certain = 1e4 * torch.nn.functional.one_hot(labels % IGNORED, 20).movedim(3, 1).float()
    teacher = ParsingLogits(torch.full_like(certain, torch.nan), certain, torch.zeros(2, 2, 9, 9))
    first = parsing_loss(student, None, labels, rounds=0)
    later = parsing_loss(student, teacher, labels, rounds=3)
    torch.testing.assert_close(first["labels"], later["labels"])
    torch.testing.assert_close(first["lovasz"], later["lovasz"])


def test_ignored_pixels_give_no_gradient():
    labels = torch.randint(0, 20, (2, 9, 9))
    labels[:, 5:] = IGNORED
    for teacher, rounds in ((None, 0), (random_logits(), 2)):
        student = ParsingLogits(*(logits.requires_grad_() for logits in random_logits()))
        sum(parsing_loss(student, teacher, labels, rounds=rounds).values()).backward()
        for logits in student:
            assert logits.grad[:, :, 5:].abs().max() == 0 and logits.grad[:, :, :5].abs().max() > 0


def test_rate_at_the_joints():
    steps = 7
    rate = warm_restarts(PAPER, steps)
    at = {epoch: rate(epoch * steps) for epoch in (0, 5, 10, 55, 100, 105, 110, 140, 145)}
    expected = {0: 7e-5, 5: 3.535e-3, 10: 7e-3, 55: 3.535e-3, 100: 3.5e-3, 105: 1.785e-3, 110: 3.5e-3, 140: 3.5e-3}
    assert at == pytest.approx(expected | {145: 1.785e-3})
    for end in (100, 110, 150):
        assert 7e-5 < rate(end * steps - 1) < 1.2e-4
    assert all(rate(step) < rate(step + 1) for step in range(10 * steps))
    assert all(rate(step) > rate(step + 1) for step in range(10 * steps, 100 * steps - 1))


def test_rounds_of_the_paper():
    assert [rounds_before(PAPER, epoch) for epoch in (0, 99, 100, 109, 110, 149, 150)] == [0, 0, 1, 1, 2, 5, 6]


@pytest.mark.parametrize("change", [{"first_round": 160}, {"first_round": 10}, {"round_epochs": 7}, {"momentum": 1.0}])
def test_recipes_that_do_not_add_up_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        dataclasses.replace(PAPER, **change)

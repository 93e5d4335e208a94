"""Views of people with joints and depth (HCMoCo, Hong et al. 2022): where they are, and what each modality shows there.

A view's centre is a random point of the box around the labelled joints, its area a random share of the packed crop's;
it has the shape of the network's input and is never flipped, turned or changed in colour, as in the published code for
NTU RGB+D. Departures: there the share is one of the sensor's whole frame, and people of COCO and MPII are cut by
another rule, with rotations that their skeletons don't follow.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from liftedcl.engine import distributed
from liftedcl.images.people_batches import PeopleBatch
from liftedcl.recipes.encoder_recipe import Views
from liftedcl.recipes.multimodal_recipe import People
from liftedcl.skeletons.common_joints import HIPS
from liftedcl.views.rendering import normalise
from liftedcl.views.view_draw import view_size


class PeopleViews:
    """One view of each person of a global batch; drawn alike in every process, which renders its share of them.

    Attributes:
        rows: (B,) int64, rows of the shard.
        size: height and width of a view.
        joints: (B, 13, 2) float32, x and y in px of the view.
        visible: (B, 13) bool: labelled, and in the view.
        measured: (B, 1, h, w) bool: where there is depth; None if the batch has none.
        has_depth: (B,) bool: whether any pixel of the view has depth; None likewise.
        skeletons: (B, 13, 2), `normalised_skeletons`, of all labelled joints, in the view or not.
        has_skeleton: (B,) bool.
    """

    def __init__(self, batch: PeopleBatch, views: Views, people: People, device: torch.device):
        self._images = batch.images.images.to(device, non_blocking=True)
        self.rows, self.size = batch.images.rows.to(device, non_blocking=True), view_size(views)
        joints, labelled = (x.to(device, non_blocking=True) for x in (batch.joints, batch.labelled))
        self.skeletons, self.has_skeleton = normalised_skeletons(joints, labelled)
        height, width = self._images.shape[2:]
        self._boxes = draw_boxes(joints, labelled, (height, width), self.size, people.area)
        x, y, w, h = self._boxes[:, None].unbind(dim=2)
        self.joints = torch.stack(
            [
                (joints[..., 0] + 0.5 - x) * self.size[1] / w - 0.5,
                (joints[..., 1] + 0.5 - y) * self.size[0] / h - 0.5,
            ],
            dim=2,
        )
        bounds = torch.tensor([self.size[1] - 0.5, self.size[0] - 0.5], device=device)
        self.visible = labelled & ((self.joints >= -0.5) & (self.joints < bounds)).all(dim=2)
        self._depth = self.measured = self.has_depth = None
        if batch.depth is not None:
            depth = batch.depth.to(device, non_blocking=True)
            self._depth = cut_boxes(depth, self._boxes, self.size, "nearest")
            self.measured = self._depth > 0
            self.has_depth = self.measured.flatten(1).any(dim=1)

    def images(self) -> Tensor:
        """This process's views (B/W, 3, h, w), normalised; what lies outside a crop is the mean colour."""
        images = normalise(distributed.mine(self._images).float() / 255.0)
        return cut_boxes(images, distributed.mine(self._boxes), self.size, "bilinear").contiguous(
            memory_format=torch.channels_last
        )

    def depth(self) -> Tensor:
        """This process's depth (B/W, 3, h, w): metres minus their mean over the view, 0 where not measured."""
        depth, measured = distributed.mine(self._depth), distributed.mine(self.measured)
        count = measured.sum(dim=(2, 3), keepdim=True).clamp_min(1)
        mean = depth.sum(dim=(2, 3), keepdim=True) / count  # not measured is 0
        centred = torch.where(measured, depth - mean, 0.0)
        return centred.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def normalised_skeletons(joints: Tensor, labelled: Tensor) -> tuple[Tensor, Tensor]:
    """Skeletons (B, 13, 2) minus their root, over their largest coordinate; 0 at joints without a label.

    The root is the middle of the labelled hips, or that of the labelled joints where no hip is; root and scale come
    from labelled joints alone. Departure: in the published code roots differ between the data sets, and joints without
    a label, at pixel (0, 0), set the scale. Fewer than two labelled joints are no skeleton: then all is 0.

    Returns:
        The skeletons, and whether each is one, (B,) bool.
    """
    hips = torch.zeros_like(labelled)
    hips[:, HIPS[0]], hips[:, HIPS[1]] = labelled[:, HIPS[0]], labelled[:, HIPS[1]]
    chosen = torch.where(hips.any(dim=1, keepdim=True), hips, labelled)[..., None]
    root = (joints * chosen).sum(dim=1, keepdim=True) / chosen.sum(dim=1, keepdim=True).clamp_min(1)
    centred = torch.where(labelled[..., None], joints - root, 0.0)
    scale = centred.abs().amax(dim=(1, 2))
    there = (labelled.sum(dim=1) >= 2) & (scale > 0)
    return torch.where(there[:, None, None], centred / scale.clamp_min(1e-6)[:, None, None], 0.0), there


def draw_boxes(
    joints: Tensor, labelled: Tensor, image: tuple[int, int], size: tuple[int, int], area: tuple[float, float]
) -> Tensor:
    """Boxes (B, 4), x, y, width and height in px: the share of the area and the centre are drawn uniformly."""
    count, device = len(joints), joints.device
    limits = torch.tensor([image[1], image[0]], device=device, dtype=joints.dtype)
    there = labelled[..., None]
    low = torch.where(there, joints, math.inf).amin(dim=1)
    high = torch.where(there, joints, -math.inf).amax(dim=1)
    known = labelled.any(dim=1, keepdim=True)
    low, high = torch.where(known, low, 0.0), torch.where(known, high, limits)
    centre = low + torch.rand(count, 2, device=device) * (high - low)
    pixels = image[0] * image[1] * (area[0] + torch.rand(count, device=device) * (area[1] - area[0]))
    shape = size[1] / size[0]
    extent = torch.stack([(pixels * shape).sqrt(), (pixels / shape).sqrt()], dim=1)
    return torch.cat([centre + 0.5 - extent / 2, extent], dim=1)


def cut_boxes(images: Tensor, boxes: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Resample the ``boxes`` (B, 4) of (B, C, H, W) to (B, C, *size) bilinearly or by the ``nearest`` pixel.

    What lies outside is 0. As in the published code nothing is filtered before it is shrunk.
    """
    height, width = images.shape[2:]
    x, y, w, h = boxes.unbind(dim=1)
    columns, rows = (
        (torch.arange(length, device=boxes.device) + 0.5) / length for length in (size[1], size[0])
    )  # of the view, from 0 to 1
    across = (x[:, None] + columns * w[:, None]) * (2.0 / width) - 1.0
    down = (y[:, None] + rows * h[:, None]) * (2.0 / height) - 1.0
    grid = torch.stack([across[:, None].expand(-1, size[0], -1), down[..., None].expand(-1, -1, size[1])], dim=3)
    with torch.autocast(images.device.type, enabled=False):
        return F.grid_sample(images.float(), grid, mode=mode, padding_mode="zeros", align_corners=False)

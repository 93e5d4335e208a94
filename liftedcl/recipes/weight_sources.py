"""The published checkpoints that can be imported: their files, layouts and checksums. Data only, no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Where an encoder's tensors are inside a checkpoint.

    ``container`` is the key of the state dict inside the file, or None for a file that is the state dict. ``prefix`` is
    removed from the encoder's keys. Keys that begin with ``drop`` are ignored: classifier, heads, queues, key encoder.
    """

    container: str | None
    prefix: str
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checksum:
    """The leading digits of a checksum, as published.

    ``algorithm`` is hashlib's name. ``editions`` maps the digits of each accepted edition to its file's name.
    ``stated`` says where they are published.
    """

    algorithm: str
    editions: dict[str, str]
    stated: str


@dataclass(frozen=True)
class Source:
    """A published checkpoint: its file's name, the page that publishes it, and the layouts that it comes in.

    A file without ``layouts`` is read as the user's own is; ``naming`` is then the key of the one of `NAMINGS` that it
    has to have. If no ``checksum`` is published, the file's SHA-256 is shown and recorded instead.
    """

    file: str
    page: str
    layouts: tuple[Layout, ...] = ()
    checksum: Checksum | None = None
    naming: str | None = None


_LIFTEDCL_DROP = (
    "module.encoder_q.mlp_invariant.", "module.encoder_q.conv_variant.", "module.encoder_q.lifting.",
    "module.encoder_k.", "module.queue",
)  # fmt: skip

_SETSIM_DROP = (
    "module.encoder_q.0.fc.", "module.encoder_q.1.", "module.encoder_k.", "module.queue", "module.logits_mask",
    "module.negative_mask",
)  # fmt: skip

SOURCES = {
    "supervised": Source(
        file="resnet50-0676ba61.pth",
        page="torchvision, ResNet50_Weights.IMAGENET1K_V1",
        layouts=(Layout(None, "", ("fc.",)),),
        checksum=Checksum(
            "sha256",
            # Both hold the same weights; the older file doesn't count batches.
            {"0676ba61": "resnet50-0676ba61.pth", "19c8e357": "resnet50-19c8e357.pth"},
            "in its name",
        ),
    ),
    "moco_v2": Source(
        file="moco_v2_200ep_pretrain.pth.tar",
        page="github.com/facebookresearch/moco",
        layouts=(
            Layout("state_dict", "module.encoder_q.", ("module.encoder_q.fc.", "module.encoder_k.", "module.queue")),
        ),
        checksum=Checksum("md5", {"59fd9945": "moco_v2_200ep_pretrain.pth.tar"}, "in the README of that repository"),
    ),
    "densecl": Source(
        file="densecl_r50_imagenet_200ep.pth",
        page="github.com/WXinlong/DenseCL",
        layouts=(
            # A checkpoint of the training code, in which `backbone` and `encoder_q.0` are the same tensors.
            Layout("state_dict", "backbone.", ("encoder_q.", "encoder_k.", "queue")),
            Layout("state_dict", ""),  # the released file: the backbone alone
        ),
    ),
    "pixpro": Source(
        file="pixpro_base_r50_400ep_md5_919c6612.pth",
        page="github.com/zdaxie/PixPro",
        layouts=(
            Layout(
                "model",
                "module.encoder.",
                ("module.encoder_k.", "module.projector", "module.value_transform.", "module.predictor."),
            ),
        ),
        checksum=Checksum(
            "md5",
            {
                "919c6612": "pixpro_base_r50_400ep_md5_919c6612.pth",
                "91059202": "pixpro_base_r50_100ep_md5_91059202.pth",
            },
            "in its name",
        ),
    ),
    # Its authors publish no weights: this is a checkpoint of their training code, or of a copy of it.
    "setsim": Source(
        file="checkpoint_199.pth.tar",
        page="made by github.com/DerrickWang005/SetSim.pytorch, which publishes none",
        layouts=(Layout("state_dict", "module.encoder_q.0.", _SETSIM_DROP),),
    ),
    # The file's own name is not published; save it under this name.
    "liftedcl": Source(
        file="liftedcl_in_cc_200ep.pth.tar",
        page="github.com/RichardChen20/LiftedCL, 'Weights'",
        layouts=(
            Layout("state_dict", "module.encoder_q.", _LIFTEDCL_DROP),  # checkpoint.pth.tar
            Layout(None, "module.encoder_q.", _LIFTEDCL_DROP),  # moco_epoch_*.pth.tar
        ),
    ),
    # Transformers. Where the name of a file carries no checksum, none is stated.
    "deit": Source(
        file="deit_base_patch16_224-b5f2ef4d.pth",
        page="github.com/facebookresearch/deit",
        naming="timm_vit",
        checksum=Checksum(
            "sha256",
            {"b5f2ef4d": "deit_base_patch16_224-b5f2ef4d.pth", "cd65a155": "deit_small_patch16_224-cd65a155.pth"},
            "in its name",
        ),
    ),
    "mae": Source(
        file="mae_pretrain_vit_base.pth",
        page="github.com/facebookresearch/mae",
        naming="timm_vit",
        checksum=Checksum(
            "md5",
            {
                "8cad7c": "mae_pretrain_vit_base.pth",
                "b8b06e": "mae_pretrain_vit_large.pth",
                "9bdbb0": "mae_pretrain_vit_huge.pth",
            },
            "in the README of that repository",
        ),
    ),
    "hap": Source(
        file="ckpt_default_pretrain_pose_mae_vit_base_patch16_LUPersonPose_399.pth",
        page="github.com/junkunyuan/HAP",
        naming="timm_vit",
    ),
    "vitpose": Source(
        file="vitpose-b.pth", page="github.com/ViTAE-Transformer/ViTPose, ViTPose-B on COCO", naming="vitpose"
    ),
    "croco": Source(file="CroCo.pth", page="github.com/naver/croco", naming="croco"),
    "croco_v2": Source(file="CroCo_V2_ViTBase_SmallDecoder.pth", page="github.com/naver/croco", naming="croco"),
    "dinov2": Source(file="dinov2_vitb14_pretrain.pth", page="github.com/facebookresearch/dinov2", naming="timm_vit"),
    "dinov2_reg": Source(
        file="dinov2_vitb14_reg4_pretrain.pth", page="github.com/facebookresearch/dinov2", naming="timm_vit"
    ),
    "dinov3": Source(
        file="dinov3_vitb16_pretrain_lvd1689m-73cec8be.pth",
        page="github.com/facebookresearch/dinov3, after its licence is accepted",
        naming="dinov3",
        checksum=Checksum(
            "sha256",
            {
                "08c60483": "dinov3_vits16_pretrain_lvd1689m-08c60483.pth",
                "4057cbaa": "dinov3_vits16plus_pretrain_lvd1689m-4057cbaa.pth",
                "73cec8be": "dinov3_vitb16_pretrain_lvd1689m-73cec8be.pth",
                "8aa4cbdd": "dinov3_vitl16_pretrain_lvd1689m-8aa4cbdd.pth",
            },
            "in its name",
        ),
    ),
}
"""Published checkpoints, by the value of ``source`` in an encoder row."""

OWN = Source(
    file="an encoder.pt",
    page="a state dict with the names of torchvision's backbone; docs/extending.md",
)
"""The user's own file, in any of the containers and with any of the prefixes below; its method is called ``own``."""

CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "teacher", "encoder", "backbone")
"""Keys that a state dict is saved under, the preferred ones first; of a DINO the teacher is what is evaluated."""

PREFIXES = (
    "module", "_orig_mod", "model", "net", "backbone", "encoder_q", "base_encoder", "encoder", "resnet",
    "vit", "vit_mae", "deit",
)  # fmt: skip
"""Names of the module that holds the backbone, in any order and number: of DistributedDataParallel, torch.compile,
Lightning, mmcv, MoCo, Hugging Face and others."""

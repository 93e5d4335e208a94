"""The names that other codes give a transformer's tensors, and how they become timm's. Data only, no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Naming:
    """How a code names the tensors of a backbone.

    A file has these names if one of its keys ends with ``mark`` (if that is empty, with the backbone's own first key);
    what is before it is the prefix of all of them. Keys that begin with one of ``drop`` are left out. Of ``rename``,
    pairs of a regular expression and a replacement, the first that fits a whole key renames it. ``convert`` names a
    function of liftedcl/importing/conversions.py, which does what no name can do.

    ``backbones`` is a regular expression: only these compute what the file's own code does. ``epsilon`` is the one of
    that code's layer norms, if it is known. ``note`` says what else of the computation is another one.
    """

    code: str
    mark: str
    rename: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    convert: str | None = None
    backbones: str = ".*"
    epsilon: float | None = None
    note: str | None = None


_HEADS = ("fc.", "classifier.", "head.", "head_dist.")
_SWIN = r"stages\.(\d+)\.blocks\.(\d+)"

NAMINGS = {
    "vitpose": Naming(
        code="ViTPose",
        mark="last_norm.weight",
        rename=((r"last_norm\.(.*)", r"norm.\1"),),
        convert="add_first_row",
        backbones=r"vitpose_.*",
        epsilon=1e-6,
    ),
    "croco": Naming(
        code="CroCo",
        mark="enc_blocks.0.norm1.weight",
        rename=(
            (r"enc_blocks\.(.*)", r"blocks.\1"),
            (r"enc_norm\.(.*)", r"norm.\1"),
            ("enc_pos_embed", "pos_embed"),
        ),
        drop=("dec_", "decoder_embed.", "mask_token", "prediction_head."),
        convert="positions_of_croco",
        backbones=r"croco_.*",
        epsilon=1e-6,
    ),
    "mmpretrain": Naming(
        code="mmpretrain or Sapiens",
        mark="layers.0.ffn.layers.0.0.weight",
        rename=(
            (r"patch_embed\.projection\.(.*)", r"patch_embed.proj.\1"),
            (r"layers\.(\d+)\.ln([12])\.(.*)", r"blocks.\1.norm\2.\3"),
            (r"layers\.(\d+)\.attn\.(qkv|proj)\.(.*)", r"blocks.\1.attn.\2.\3"),
            (r"layers\.(\d+)\.ffn\.layers\.0\.0\.(.*)", r"blocks.\1.mlp.fc1.\2"),
            (r"layers\.(\d+)\.ffn\.layers\.1\.(.*)", r"blocks.\1.mlp.fc2.\2"),
            (r"ln1\.(.*)", r"norm.\1"),
        ),
        drop=("neck.", "head.", "decoder", "mask_token", "data_preprocessor."),
        epsilon=1e-6,
    ),
    "huggingface": Naming(
        code="Hugging Face's ViT or ViTMAE",
        mark="embeddings.patch_embeddings.projection.weight",
        rename=(
            ("embeddings.cls_token", "cls_token"),
            ("embeddings.distillation_token", "reg_token"),
            (r"embeddings\.position_embeddings", "pos_embed"),
            (r"embeddings\.patch_embeddings\.projection\.(.*)", r"patch_embed.proj.\1"),
            (r"encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(.*)", r"blocks.\1.attn.\2.\3"),
            (r"encoder\.layer\.(\d+)\.attention\.output\.dense\.(.*)", r"blocks.\1.attn.proj.\2"),
            (r"encoder\.layer\.(\d+)\.intermediate\.dense\.(.*)", r"blocks.\1.mlp.fc1.\2"),
            (r"encoder\.layer\.(\d+)\.output\.dense\.(.*)", r"blocks.\1.mlp.fc2.\2"),
            (r"encoder\.layer\.(\d+)\.layernorm_before\.(.*)", r"blocks.\1.norm1.\2"),
            (r"encoder\.layer\.(\d+)\.layernorm_after\.(.*)", r"blocks.\1.norm2.\2"),
            (r"layernorm\.(.*)", r"norm.\1"),
        ),
        drop=("pooler.", "classifier.", "decoder.", "embeddings.mask_token"),
        convert="join_qkv",
        epsilon=1e-12,  # of its configuration classes; a model's config.json may have another
    ),
    "sapiens2": Naming(
        code="Sapiens2",
        mark="blocks.0.attn.wq.weight",
        rename=(
            ("storage_tokens", "reg_token"),
            (r"patch_embed\.projection\.(.*)", r"patch_embed.proj.\1"),
            (r"blocks\.(\d+)\.ln([12])\.(.*)", r"blocks.\1.norm\2.\3"),
            (r"blocks\.(\d+)\.attn\.w([qkv])\.(.*)", r"blocks.\1.attn.\2_proj.\3"),
            (r"blocks\.(\d+)\.attn\.gamma\.weight", r"blocks.\1.gamma_1"),
            (r"blocks\.(\d+)\.ffn\.w12\.(.*)", r"blocks.\1.mlp.fc1.\2"),
            (r"blocks\.(\d+)\.ffn\.w3\.(.*)", r"blocks.\1.mlp.fc2.\2"),
            (r"ln1\.(.*)", r"norm.\1"),
        ),
        drop=("mask_token", "rope_embed.periods"),
        backbones=r"timm/vit_.*_sapiens2",
    ),
    "dinov3": Naming(
        code="DINOv3",
        mark="rope_embed.periods",
        rename=(
            ("storage_tokens", "reg_token"),
            (r"blocks\.(\d+)\.ls([12])\.gamma", r"blocks.\1.gamma_\2"),
            (r"blocks\.(\d+)\.mlp\.w1\.(.*)", r"blocks.\1.mlp.fc1_g.\2"),
            (r"blocks\.(\d+)\.mlp\.w2\.(.*)", r"blocks.\1.mlp.fc1_x.\2"),
            (r"blocks\.(\d+)\.mlp\.w3\.(.*)", r"blocks.\1.mlp.fc2.\2"),
        ),
        drop=("mask_token", "rope_embed.periods", "local_cls_norm."),
        convert="biases_of_dinov3",
        backbones=r"timm/vit_.*_dinov3.*",
        epsilon=1e-5,
    ),
    "solider": Naming(
        code="SOLIDER",
        mark="semantic_embed_w.0.weight",
        rename=(
            (r"patch_embed\.projection\.(.*)", r"patch_embed.proj.\1"),
            (rf"{_SWIN}\.(norm[12])\.(.*)", r"layers.\1.blocks.\2.\3.\4"),
            (rf"{_SWIN}\.attn\.w_msa\.(.*)", r"layers.\1.blocks.\2.attn.\3"),
            (rf"{_SWIN}\.ffn\.layers\.0\.0\.(.*)", r"layers.\1.blocks.\2.mlp.fc1.\3"),
            (rf"{_SWIN}\.ffn\.layers\.1\.(.*)", r"layers.\1.blocks.\2.mlp.fc2.\3"),
            *((rf"stages\.{i}\.downsample\.(.*)", rf"layers.{i + 1}.downsample.\1") for i in range(3)),
            (r"norm3\.(.*)", r"norm.\1"),
        ),
        # The last stage's semantic layers act on what nothing reads.
        drop=("norm0.", "norm1.", "norm2.", "semantic_embed_w.3.", "semantic_embed_b.3.", "head."),
        convert="semantics_of_solider",
        backbones=r"solider_.*",
        note="the semantic weight is 0.8, for pose and parsing; where the sides of a picture aren't multiples of "
        "224 px, timm pads after the shift of windows, and SOLIDER before it",
    ),
    "timm_vit": Naming(
        code="timm, DeiT, MAE, HAP, DINO or DINOv2",
        mark="patch_embed.proj.weight",
        rename=(
            ("dist_token", "reg_token"),  # DeiT, distilled
            ("register_tokens", "reg_token"),  # DINOv2
            (r"blocks\.(\d+)\.mlp\.w12\.(.*)", r"blocks.\1.mlp.fc1.\2"),
            (r"blocks\.(\d+)\.mlp\.w3\.(.*)", r"blocks.\1.mlp.fc2.\2"),
        ),
        drop=(*_HEADS, "mask_token", "decoder_"),
    ),
    "backbone": Naming(code="the backbone's own library, torchvision or timm", mark="", drop=_HEADS),
}
"""By the name that a `Source` has for it, and recognised in this order."""

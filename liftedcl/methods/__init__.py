"""The pre-training methods, one module each with a class ``Method``. Named, not imported: a run loads only its own.

A method is an nn.Module with

- ``backbone``: what becomes encoder.pt;
- ``heads``: an nn.ModuleDict of its other trained networks, which becomes heads.pt;
- ``players(recipe, steps)``: its optimisers;
- ``losses(batch)``: the engine's (player, loss terms) pairs.
"""

METHODS = {
    "supervised": "liftedcl.methods.supervised",
    "moco_v2": "liftedcl.methods.moco_v2",
    "densecl": "liftedcl.methods.densecl",
    "pixpro": "liftedcl.methods.pixpro",
    "setsim": "liftedcl.methods.setsim",
    "liftedcl": "liftedcl.methods.liftedcl",
}


def encoder_modules(method: str) -> tuple[str, ...]:
    """Modules that make an encoder with ``method``: the trainer and that method, no other."""
    return ("liftedcl.pretrain", *([METHODS[method]] if method in METHODS else []))

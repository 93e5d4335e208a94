"""The recipe of each downstream benchmark, as params.yaml holds them. No torch here: Snakemake reads them."""

from downstream.coco.recipe import Coco2D
from downstream.h36m.recipe import H36M2D, H36M3D
from downstream.lip.recipe import LIP
from downstream.mpii.recipe import Mpii
from downstream.pw3d.recipe import PW3D
from downstream.training.training_recipe import Training

RECIPES: dict[str, type[Training]] = {
    "coco": Coco2D,
    "mpii": Mpii,
    "h36m_2d": H36M2D,
    "h36m_3d": H36M3D,
    "pw3d": PW3D,
    "lip": LIP,
}

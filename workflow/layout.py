"""Where every product of a run is: one definition for the rules and for all that reads finished runs."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from workflow.benchmark_recipes import benchmark_of
from workflow.params import Params


@dataclass(frozen=True)
class Layout:
    """Paths below ``runs/NAME``; ``row`` and ``seed`` may be Snakemake wildcards."""

    root: str

    def packed(self, name: str) -> str:
        """Images or skeletons that many jobs read: crops, NAME_crops of other sets, pictures, skeletons."""
        return f"{self.root}/{name}.npy"

    def pairs(self, name: str) -> str:
        """The list of pairs of packed images, h36m_crops or people_crops."""
        return f"{self.root}/{name}.pairs.csv"

    def modalities(self, name: str) -> str:
        """The list of what packed images have beside their pixels: crops, mpii_crops or ntu_crops."""
        return f"{self.root}/{name}.modalities.csv"

    def regions(self, run: str) -> str:
        """Folder of what training on ``run``, a benchmark or a variant, sees of its pictures, packed."""
        return f"{self.root}/regions/{run}"

    def figure(self, name: str) -> str:
        """A figure of this run, which is copied into results/."""
        return f"{self.root}/figures/{name}.png"

    def encoder(self, row: str, seed: object) -> str:
        """Folder of one encoder: encoder.pt, heads.pt, history.csv, provenance.json."""
        return f"{self.root}/encoders/{row}/seed{seed}"

    def lifting(self, row: str, seed: object) -> str:
        """What an encoder's lifted skeletons are worth."""
        return f"{self.encoder(row, seed)}/lifting.json"

    def benchmark(self, run: str, row: str, seed: object) -> str:
        """Folder of one fine-tuning; docs/running.md lists what is in it.

        ``run`` is a benchmark or one of its variants.
        """
        return f"{self.root}/{run}/{row}/seed{seed}"

    def reference(self, run: str) -> str:
        """Metrics of a benchmark's trivial predictor, and their bound, which its variants share."""
        return f"{self.root}/{benchmark_of(run)}/reference.json"


def layout_of(params: Params) -> Layout:
    """``runs/PROFILE``; a profile that generates its data but is given real folders gets ``runs/PROFILE-FOLDER``.

    The folder of a data set that is never generated is not part of the name: with another one, its crops and all that
    follows from them are made again.
    """
    given = [
        PurePosixPath(folder).name
        for name, folder in params.data.items()
        if hasattr(params.generated, name) and not is_generated(params, name)
    ]
    return Layout("runs/" + "-".join([params.profile, *given]))


def generated_root(profile: str, data_set: str) -> str:
    """Where a profile's generated data are."""
    return f"data/{profile}/{data_set}"


def is_generated(params: Params, data_set: str) -> bool:
    """Whether the rules make this data set; otherwise it has to be there."""
    return hasattr(params.generated, data_set) and params.data[data_set] == generated_root(params.profile, data_set)

"""What unimodal bias does to some data, and what would change it."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from . import _core
from ._errors import ScenarioWarning
from ._progress import Bar
from ._results import Figure, Record, Results
from ._scenario import Keys, Scenario, from_yaml

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._run import Source


class _Subject(Scenario):
    """Data, and defaults for what is missing beside them."""

    _to_diagnose = True


class Diagnosis(Results):
    """What unimodal bias does to some data, and what would change it.

    Every key of ``diagnosis.json`` is an attribute (docs/report.md lists them): ``first.name``,
    ``late_ratio.ratio``, ``recommendation.fusion_layer``, ``remedies``. A notebook shows the page, and
    ``print`` prints it. A diagnosis can be pickled.
    """

    def __init__(self, scenario: Scenario, core: _core.Diagnosis) -> None:
        self._scenario = scenario
        self._text = core.text()
        self._markdown = core.markdown(_FIGURE)
        self._figures = {format: Figure(core.figure(format)) for format in ("png", "svg")}
        self.summary = json.loads(core.json())
        del self.summary["provenance"]

    @property
    def scenario(self) -> Scenario:
        """The scenario that was diagnosed, with its defaults."""
        return self._scenario

    @property
    def modalities(self) -> list[Record]:
        """What is read off each modality."""
        return self._parts("modalities")

    @property
    def first(self) -> Record:
        """The modality that late fusion learns first, and how sure that is."""
        return self._part("first")

    @property
    def superficial(self) -> Record:
        """Whether that one explains less than another one, and how sure that is."""
        return self._part("superficial")

    @property
    def late_ratio(self) -> Record:
        """The time ratio of late fusion by the published formula, with an interval."""
        return self._part("late_ratio")

    @property
    def layers(self) -> list[Record]:
        """What each fusion layer does."""
        return self._parts("layers")

    @property
    def recommendation(self) -> Record:
        """Which fusion layer."""
        return self._part("recommendation")

    @property
    def remedies(self) -> list[Record]:
        """What would balance late fusion: predicted, and run."""
        return self._parts("remedies")

    def to_dict(self) -> dict[str, Any]:
        """Give the content of ``diagnosis.json`` without its provenance."""
        return deepcopy(self.summary)

    def to_markdown(self) -> str:
        """Give the page ``diagnosis.md``, which names its figure ``diagnosis.png``."""
        return self._markdown

    def plot(self, format: str = "png") -> Figure:
        """Give the program's own figure, with the same bytes.

        Args:
            format: ``png`` or ``svg``.
        """
        if format not in self._figures:
            raise KeyError(f"{format!r}: formats are png and svg")
        return self._figures[format]

    def _repr_markdown_(self) -> str:
        data = base64.b64encode(self.plot()).decode()
        return self._markdown.replace(f"]({_FIGURE})", f"](data:image/png;base64,{data})", 1)

    def __repr__(self) -> str:
        return self._text


#: The name of the figure in the page.
_FIGURE = "diagnosis.png"


def diagnose(
    source: Source = None,
    /,
    *,
    depth: int | None = None,
    width: int | None = None,
    learning_rate: float | None = None,
    batch: int | None = None,
    init_std: float | None = None,
    holdout: float | None = None,
    components: float | None = None,
    activation: str | None = None,
    resamples: int = 200,
    divisions: int | None = None,
    set: Mapping[str, Any] | None = None,
    progress: bool = False,
    **keys: Unpack[Keys],
) -> Diagnosis:
    """Tell what unimodal bias does to some data, and what would change it.

    ``mf.diagnose(data=mf.Data(audio=a, video=v, target=y))``. The words are the options of
    ``modalflow diagnose``. Only data are needed: a scenario file that has them, or the keyword ``data``.

    Args:
        source: a path to a scenario file, a mapping with the keys of one, or a scenario.
        depth: number of layers, 4 where it is not given; every fusion layer is tried.
        width: width of the hidden layers, 100 or less where it is not given.
        learning_rate: of your descent, which times are told in steps of.
        batch: rows of a mini-batch of your descent, which times are told in epochs by.
        init_std: standard deviation of all initial weights; where it is not given layers have norm 0.1.
        holdout: fraction of the rows that is held out of training, 0.2 where it is not given.
        components: fraction of the variance of each modality that its principal components keep.
        activation: units of the hidden layers, ``relu`` say: times by samples beside linear ones.
        resamples: halves of the rows that confidence is told by.
        divisions: divisions of the rows on which every fusion layer is trained.
        set: values by dotted path.
        progress: whether to show a bar, where tqdm is installed.
        **keys: keys of a scenario file.

    Raises:
        ScenarioError: where the data cannot be diagnosed.
        KeyboardInterrupt: at Ctrl-C. The computation ends at its next step, of large data seconds later.
    """
    if source is None:
        keys.setdefault("name", "diagnosis")
    subject = _Subject(source, set=set, **keys)
    data = f"data.{subject._core.source()}"
    options = {
        "network.depth": depth,
        "network.fusion_layer": depth,
        "network.width": width,
        "network.activation": activation,
        "init": None if init_std is None else {"gaussian": {"std": init_std}},
        "descent.learning_rate": learning_rate,
        "descent.batch": batch,
        f"{data}.holdout": holdout,
        f"{data}.components": components,
    }
    given = {path: value for path, value in options.items() if value is not None}
    if given:
        subject = _Subject(source, set={**given, **(set or {})}, **keys)
    with Bar(progress, desc="diagnosis") as bar:

        def listen(done: int, of: int) -> None:
            bar.show(done, total=of)

        core = subject._core.diagnose(resamples, divisions, listen if bar.is_shown else None)
    for warning in core.warnings():
        warnings.warn(warning, ScenarioWarning, stacklevel=2)
    # A run of it needs no defaults of a diagnosis.
    scenario = from_yaml(subject.to_yaml(), data=subject.data)
    return Diagnosis(scenario, core)

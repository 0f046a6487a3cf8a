"""What the stages that ask models share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safebench.datasets.duplicates import duplicates
from safebench.datasets.queries import Dataset
from safebench.generation.folder import SetFolder
from safebench.generation.panel import Panel
from safebench.generation.plan import GenerationPlan
from safebench.generation.rows import Candidate, ScenarioRow, read_candidates, read_scenarios
from safebench.generation.similarity import Find, repeated
from safebench.progress import Progress


@dataclass(frozen=True, slots=True)
class Making:
    """A set that is being made."""

    plan: GenerationPlan
    folder: SetFolder
    panel: Panel
    compared: tuple[Dataset, ...]
    progress: Progress

    def scenarios(self) -> list[ScenarioRow]:
        """Those that are kept. Raises BadInput for rows that cannot be used."""
        return read_scenarios(self.folder.file("propose"))

    def candidates(self, stage: str, needs: str) -> list[Candidate]:
        """The rows that a stage wrote. Raises BadInput for rows that cannot be used."""
        return read_candidates(self.folder.file(stage), self.scenarios(), needs, self.plan.length.longest)

    def others(self) -> list[str]:
        """Queries of the data sets that the plan compares with."""
        return [query.text for dataset in self.compared for query in dataset.queries]

    def repeats(
        self, fresh: Sequence[Candidate], earlier: Sequence[Candidate], least: float, find: Find = duplicates
    ) -> list[Candidate]:
        """The fresh ones; dropped where they repeat a compared query, an earlier one or one of those before them."""
        others = self.others()
        repeats = repeated([row.query for row in fresh], [*others, *(row.query for row in earlier)], least, find)
        names = [row.id for row in (*earlier, *fresh)]
        rows = list(fresh)
        for n, (at, similarity) in repeats.items():
            other = names[at - len(others)] if at >= len(others) else self.name_other(at)
            rows[n] = fresh[n].dropped(f"duplicate: similarity {similarity:.2f} to {other}")
        return rows

    def name_other(self, number: int) -> str:
        """Which query that is, e.g. `hate_speech-h1 of starter`."""
        for dataset in self.compared:
            if number < len(dataset.queries):
                return f"{dataset.queries[number].id} of {dataset.name}"
            number -= len(dataset.queries)
        raise IndexError(number)


def about(scenario: ScenarioRow) -> dict[str, str]:
    """What prompts say of a scenario: material, as a model may have proposed it."""
    return {"scenario": scenario.name, "description": scenario.description}

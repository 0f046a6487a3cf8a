"""Files of requests handed to the batch services of their endpoints, and what came back fetched and imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safebench.errors import BadInput
from safebench.progress import Progress
from safebench.runs.batches import FOLDER, STATE, Batches, SentBatch, in_hand
from safebench.runs.config import RunConfig
from safebench.runs.requests import ImportedReplies, export_requests, import_replies
from safebench.targets.batch_files import ReplyFiles, RequestFile, are_to
from safebench.targets.batch_services import BatchService, BatchState, RefusedBatch, service_of


@dataclass(frozen=True, slots=True)
class FetchedReplies:
    """`imported`: None where nothing came back. `problems`: a line for each batch of which nothing could be learnt."""

    imported: ImportedReplies | None
    batches: Batches
    problems: tuple[str, ...]


def submit(
    config: RunConfig, progress: Progress | None = None, *, window: str = "24h", retry_failed: bool = False,
    command: str = "",
) -> tuple[str, Batches]:  # fmt: skip
    """Hand what is still to be asked, and is with no service yet, to the services of its endpoints.

    With it comes why that is not all; else an empty text. Raises BadInput where a service does not take it; the same
    call goes on.
    """
    with in_hand(Path(config.out)) as batches:
        folder = _next(batches.run / FOLDER)

        def keep(files: Sequence[RequestFile]) -> None:
            batches.keep(*(_to_be_sent(one, batches.run) for one in files))

        exported = export_requests(config, folder, progress, retry_failed=retry_failed, command=command, written=keep)
        at_services = _AtServices(batches)
        for one in [batch for batch in batches if not batch.batch]:
            at_services.send(one, window)
        return exported.stopped, batches


def _to_be_sent(one: RequestFile, run: Path) -> SentBatch:
    return SentBatch(
        file=str(one.file.relative_to(run)), form=one.form, base_url=one.base_url, key_name=one.key_name,
        path=one.path, model=one.model, requests=one.requests,
    )  # fmt: skip


def _next(folder: Path) -> Path:
    numbers = [int(path.name) for path in folder.glob("[0-9]*") if path.name.isdigit()]
    return folder / f"{max(numbers, default=0) + 1:04}"


def status(run: Path) -> tuple[Batches, tuple[str, ...]]:
    """What has become of the batches of a run, and a line for each of which nothing could be learnt.

    Raises BadInput where nothing was learnt at all.
    """
    with in_hand(run) as batches:
        at_services = _AtServices(batches)
        at_services.check_any(at_services.look())
        return batches, tuple(at_services.problems)


def fetch(config: RunConfig, progress: Progress | None = None, *, command: str = "") -> FetchedReplies:
    """Take what has come back of batches that are over.

    What has no answer is open again; a batch that cannot be fetched is left for the next time. Raises BadInput where
    nothing was learnt at all; the same call goes on.
    """
    with in_hand(Path(config.out)) as batches:
        at_services = _AtServices(batches)
        looked_at = at_services.look()
        here = at_services.download(one for one in batches.away() if one.is_over)
        at_services.check_any([*looked_at, *here])
        problems = tuple(at_services.problems)
        if not here:
            return FetchedReplies(None, batches, problems)
        replies = ReplyFiles(file for files in here.values() for file in files)
        imported = import_replies(config, replies, progress, command=command)
        if not imported.stopped:  # what was not reached is read again
            batches.keep(*(one.model_copy(update={"fetched": True}) for one in batches if one.file in here))
        return FetchedReplies(imported, batches, tuple(line for line in problems if line not in imported.problems))


class _AtServices:
    """The batches of a run, at the services that have them. `problems`: a line for each that could not be asked for."""

    def __init__(self, batches: Batches) -> None:
        self.problems: list[str] = []
        self._batches = batches
        self._services: dict[tuple[str, str, str], BatchService] = {}

    def _of(self, one: SentBatch) -> BatchService:
        of = one.form, one.base_url, one.key_name
        return self._services.setdefault(of, service_of(*of))

    def send(self, one: SentBatch, window: str) -> None:
        service, asked = self._of(one), self._batches.asked(one)
        if one.input_file:  # a stop may have come between the making of its batch and our writing it down
            made = service.made_of(one.input_file, one.requests)
        else:
            made = None
            one = one.model_copy(update={"input_file": service.upload(asked)})
            self._batches.keep(one)
        try:
            self._keep(one, made or service.create(asked, one.input_file, one.path, window))
        except RefusedBatch:
            if not service.keeps_files:  # another's batch may come after the mark, and be taken for ours
                self._batches.keep(one.model_copy(update={"input_file": ""}))
            raise

    def _keep(self, one: SentBatch, state: BatchState) -> None:
        says = {key: value for key, value in asdict(state).items() if key not in ("id", "replies")}
        self._batches.keep(one.model_copy(update={"batch": state.id, **says}))

    def look(self) -> list[SentBatch]:
        """Those of which it is now known how they stand."""
        asked = [one for one in self._batches if one.batch and not one.is_over]
        return self._each(asked, lambda one: self._keep(one, self._of(one).retrieve(one.batch)))

    def download(self, over: Iterable[SentBatch]) -> dict[str, list[Path]]:
        """By the file of a batch: the requests, and what came back for them."""
        here: dict[str, list[Path]] = {}
        self._each(over, lambda one: here.update({one.file: [*self._downloaded(one)]}))
        return here

    def _downloaded(self, one: SentBatch) -> Iterator[Path]:
        """Raises BadInput, too, where replies are missing that are paid for."""
        service, asked = self._of(one), self._batches.asked(one)
        state = service.retrieve(one.batch)
        mend = f"to give it up, remove {one.file} from {self._batches.run / STATE}: it is asked, and paid for, again"
        if state.lacks_output:
            raise BadInput(f"{one.file}: {one.batch} is over, and its service names no replies; fetch again, or {mend}")
        files = [service.download(id, asked.with_suffix(f".{kind}.jsonl")) for kind, id in state.replies.items()]
        if not are_to(asked, files):
            raise BadInput(f"{one.file}: the replies of {one.batch} are to others' requests: it is not ours; {mend}")
        yield from (asked, *files)

    def _each(self, batches: Iterable[SentBatch], work: Callable[[SentBatch], None]) -> list[SentBatch]:
        """Those with which it went well: one that cannot be asked for leaves the others."""
        done = []
        for one in batches:
            try:
                work(one)
            except BadInput as error:
                self.problems += error.problems
            else:
                done.append(one)
        return done

    def check_any(self, learnt: Iterable[object]) -> None:
        """Raises BadInput where nothing was."""
        if self.problems and not [*learnt]:
            raise BadInput(*dict.fromkeys(self.problems))

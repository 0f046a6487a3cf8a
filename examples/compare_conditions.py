"""Two runs in one event loop, and the numbers of their reports: `python examples/compare_conditions.py`."""

from __future__ import annotations

import asyncio

import safebench as sb
from safebench.reports.summary import ConditionSummary


async def asked(condition: str) -> ConditionSummary:
    """What a run of its own says of a condition."""
    config = sb.make_config(
        "compare_conditions.py",
        data="starter",
        limit=4,
        conditions=[condition],
        target="reference",
        workers=1,
        out=f"runs/{condition}",
        max_open=1.0,
    )
    result = await sb.run_async(config)
    (cell,) = sb.report(result.folder).summary.conditions
    return cell


async def main() -> None:
    print("targets:", ", ".join(sb.list_plugins("targets")))
    for cell in await asyncio.gather(asked("text"), asked("image")):
        print(f"{cell.condition}: {cell.n} items, ASR {cell.asr}")


asyncio.run(main())

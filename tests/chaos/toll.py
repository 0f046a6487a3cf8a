"""What kills cost: nothing, if all is well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Toll:
    """`kills`: while at work. `lost`: records that were there before and not after. `repeated`: calls made again, and
    answers shown again for a label, beyond what was in flight. `unequal`: results that differ from an undisturbed one.
    """

    kills: int = 0
    lost: int = 0
    repeated: int = 0
    unequal: int = 0

    def __add__(self, other: Toll) -> Toll:
        return Toll(
            self.kills + other.kills,
            self.lost + other.lost,
            self.repeated + other.repeated,
            self.unequal + other.unequal,
        )

    @property
    def is_none(self) -> bool:
        return not (self.lost or self.repeated or self.unequal)

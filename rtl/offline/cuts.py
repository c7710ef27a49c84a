"""Where a network with reverse layers is cut: runs of stages that one core can do.

Stages that follow one another are one run, if their layers run in the same direction; dense stages
have none of their own. Two layers side by side are a run by themselves. What a run gives is what
its last stages give, so it ends with any that another run reads.
"""

from dataclasses import dataclass
from functools import cached_property

from fixedpoint.network import QuantizedNetwork
from golden.wiring import INPUT, Numbers
from rtl.schedule.schedule import UnsupportedError
from rtl.schedule.sharing import clashing

Run = tuple[Numbers, ...]


@dataclass(frozen=True)
class Cuts:
    """A network and its runs, in order; each has its stages in groups, as `Stacked.order` does."""

    qnet: QuantizedNetwork
    runs: tuple[Run, ...]

    @classmethod
    def of(cls, qnet: QuantizedNetwork) -> "Cuts":
        """The fewest runs.

        Raises
        ------
        UnsupportedError : stages behind the layers of whose own last steps the outputs are made
            read something else too.
        """
        runs: list[Run] = []
        for group in qnet.order:
            if runs and _goes_on(qnet, runs[-1], group):
                runs[-1] = (*runs[-1], group)
            else:
                runs.append((group,))
        found = cls(qnet, tuple(runs))
        while (place := found._read_too_early()) is not None:
            number, last = place
            run = found.runs[number]
            cut = (*found.runs[:number], run[:last], run[last:], *found.runs[number + 1 :])
            found = cls(qnet, cut)
        if qnet.output == "final":
            _check_final(qnet)
        return found

    @cached_property
    def giver(self) -> dict[int, int]:
        """By number of a stage that a run ends with, that run; the network's input is a run before
        the first one."""
        given = {k: number for number, run in enumerate(self.runs) for k in run[-1]}
        return {INPUT: INPUT, **given}

    def entry(self, number: int) -> Numbers:
        """The runs that run `number` reads."""
        inside = {k for group in self.runs[number] for k in group}
        read = {j for k in inside for j in self.qnet.sources[k]} - inside
        return tuple(sorted({self.giver[j] for j in read}))

    def given(self, number: int) -> Numbers:
        """The stages whose values are what a run gives."""
        return (INPUT,) if number == INPUT else self.runs[number][-1]

    @property
    def last_layers(self) -> int:
        """The run that has the network's last layers."""
        return max(n for n, run in enumerate(self.runs) if self.qnet.stages[-1] in run)

    @property
    def one_step(self) -> bool:
        """Whether the last run is given one step of a sequence only, that whose output leaves: it
        is the head, and reads nothing but the last layers, which are another run."""
        number = len(self.runs) - 1
        heads = {k for group in self.runs[number] for k in group}
        return (
            self.qnet.output != "every"
            and min(heads) >= self.qnet.first_head
            and self.entry(number) == (self.last_layers,)
        )

    def _read_too_early(self) -> tuple[int, int] | None:
        """A run of which another one reads what stages before its last ones give, and behind how
        many of its groups it must end."""
        for number, run in enumerate(self.runs):
            others = {
                j
                for other in self.runs[number + 1 :]
                for group in other
                for k in group
                for j in self.qnet.sources[k]
            }
            for place, group in enumerate(run[:-1], 1):
                if others & set(group):
                    return number, place
        return None


def _goes_on(qnet: QuantizedNetwork, run: Run, group: Numbers) -> bool:
    """Whether a group of stages can be in the same core as those before it."""
    if any(len(each) == 2 for each in (*run, group)):
        return False
    before = [qnet.layers[k].shape for (k,) in run if k < len(qnet.layers)]
    (k,) = group
    if k >= len(qnet.layers):
        # the sequence's last step is not the last one that a reverse layer does
        turned = bool(before) and before[-1].reverse
        return not (turned and qnet.output == "last" and _behind(qnet, k))
    own = qnet.layers[k].shape
    one_way = all(shape.reverse == own.reverse for shape in before)
    return one_way and clashing([*before, own]) is None


def _behind(qnet: QuantizedNetwork, k: int) -> bool:
    """Whether stage k runs after all layers."""
    return qnet.order.index((k,)) > qnet.order.index(qnet.stages[-1])


def _check_final(qnet: QuantizedNetwork) -> None:
    last, layers = qnet.stages[-1], len(qnet.layers)
    heads = range(qnet.first_head, layers + len(qnet.dense))
    others = {j for k in heads for j in qnet.sources[k]} - {*last, *heads}
    if others:
        raise UnsupportedError(
            f"layer {qnet.first_reverse} runs in reverse, and stages behind the last layers see "
            "what each of these ends with, and earlier values beside it; not in a core: give them "
            "the layers' output at every step, or at the last one (y[:, -1])"
        )

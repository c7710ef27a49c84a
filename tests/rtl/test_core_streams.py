"""The core at several sequences side by side: each as if it were alone, and no clock lost."""

import numpy as np
import pytest

from golden.errors import CarouselError
from golden.network import Network
from rtl.core import Core
from rtl.schedule.schedule import allowed_lanes, schedule_of
from rtl.schedule.skipping import KINDS
from tests.rtl.shapes import forget
from tests.rtl.support import (
    G1997,
    CoreRun,
    agree,
    any_codes,
    drive,
    head,
    layer,
    make_core,
    quantized,
    readout,
    run_core,
    simulate,
    stack,
)
from tests.rtl.test_core_cells import cell


def _networks():
    rng = np.random.default_rng(8)
    old = layer(rng, 2, 2, 2, forget=False, recurrence=True, **G1997)
    start = {"start": True}
    nets = {
        "forget": stack(rng, 3, 4),
        "readout": stack(rng, 2, 3, outputs=2),
        "dense stages": Network(
            stack(rng, 2, 3).layers, head(rng, 3, (4, "tanh"), (3, "sigma"), (2, "identity"))
        ),
        "one input, one cell": stack(rng, 1, 1),
        "1997 below forget": Network((old, layer(rng, 4, 3)), readout(rng, 3, 2)),
        "projection": Network((cell(rng, 2, 3), cell(rng, 3, 4, projection=2, **start))),
        "projection below": Network((cell(rng, 2, 3, projection=2), cell(rng, 2, 3, **start))),
        "peepholes": Network((cell(rng, 2, 3, peepholes=True, projection=2, **start),)),
        "last output": Network((cell(rng, 2, 3),), readout(rng, 3, 2), output="last"),
    }
    return {name: quantized(net, rng, 10) for name, net in nets.items()}


NETWORKS = _networks()


def _check(name: str, streams: int, lanes: int, seed: int, **options) -> tuple[Core, CoreRun]:
    qnet, rng = NETWORKS[name], np.random.default_rng(seed)
    core = make_core(qnet, lanes, probe=True, streams=streams)
    codes = any_codes(rng, qnet, 2 * streams, 4)
    run = run_core(core, codes, seed=seed, **options)
    assert agree(core.plan, run, codes)
    return core, run


@pytest.mark.parametrize("streams", (2, 3))
@pytest.mark.parametrize("name", NETWORKS)
def test_every_stream_is_as_if_alone(name, streams):
    """Two sequences a stream, one after the other, two streams on some lanes, three on all: every
    signal of each, every mark and counter; at full speed at the pace that the schedule says."""
    allowed = allowed_lanes(NETWORKS[name])
    lanes = allowed[len(allowed) // 3] if streams == 2 else allowed[-1]
    core, run = _check(name, streams, lanes, seed=streams)
    if core.qnet.output == "every":
        assert run.given[0] - run.taken[core.qnet.inputs * streams - 1] == core.schedule.latency
        beats = core.qnet.outputs * streams
        finals = np.array(run.given[beats - 1 :: beats])
        assert set(np.diff(finals[2:])) == {core.schedule.cycles_per_step}


@pytest.mark.parametrize("name", ["readout", "projection below", "last output"])
def test_pauses_before_and_behind(name):
    """A source that pauses and a consumer that is not ready lose and mix up nothing."""
    lanes = allowed_lanes(NETWORKS[name])
    _check(name, 4, lanes[len(lanes) // 2], seed=3, idle=0.5, back_pressure=0.6)


def test_other_streams_fill_the_wait():
    """A network on many lanes waits for its own results; more streams take that time, until there
    is none left: products a lane and clock."""
    use = [schedule_of(forget(16, 32), 43, streams).utilisation for streams in (1, 2)]
    assert use[0] < 0.91
    assert use[1] > 0.99
    deep = [
        schedule_of(forget(8, 8, 8, 8, head=(4,)), 8, streams).utilisation for streams in (1, 2, 4)
    ]
    assert deep[0] < deep[1] < deep[2]
    assert deep[2] > 0.95


def test_streams_that_cannot_be():
    """One line that names the number."""
    with pytest.raises(CarouselError, match="streams 0: must be at least 1"):
        make_core(NETWORKS["forget"], streams=0)


@pytest.mark.parametrize("skip", (None, *KINDS))
def test_sequences_of_streams_begin_and_end_in_any_step(skip):
    """Each stream has marks of its own: a sequence may begin in one while it goes on in others."""
    qnet, rng = NETWORKS["readout"], np.random.default_rng(6)
    lengths = ((2, 3, 1), (4, 2), (1, 5))
    core = make_core(qnet, 5, streams=3, skip=skip)
    codes = any_codes(rng, qnet, 3, 6)
    codes[:, 3:5] = codes[:, 2:3]
    ends = [np.cumsum(each).tolist() for each in lengths]
    begins = [[0, *each[:-1]] for each in ends]
    beats, want = [], []
    outs = [
        np.concatenate([qnet.run(codes[k, a:b]).out for a, b in zip(*where, strict=True)])
        for k, where in enumerate(zip(begins, ends, strict=True))
    ]
    width = qnet.inputs
    for t in range(6):
        for k, x in enumerate(codes[:, t].tolist()):
            opens, closes = t in begins[k], t + 1 in ends[k]
            beats += [(v, opens and not d, closes and d == width - 1) for d, v in enumerate(x)]
            y = outs[k][t].tolist()
            want += [(v, opens and not d, closes and d == len(y) - 1) for d, v in enumerate(y)]

    runs = []

    async def testbench(ctx):
        runs.append(await drive(ctx, core, beats, 0.2, 0.2))

    simulate(core, testbench)
    assert runs[0].beats == want

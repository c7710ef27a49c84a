"""What formats make of real networks: `python -m bench.bench_formats [--data DIR] [--models DIR]`.

Classifiers that are trained here in float (`bench.trained`) and, with `--models`, public model
files (RTNeural's audio network on its own sound, DTLN's first part on speech), each in fixed point
of 16, 12, 8 and 4 bits, by the ways of `bench.formats_ways`. Formats and weights are chosen on the
training data, all else is of the test data. Beside it the cost of a core of 8 lanes. `--data` is
the folder of free-spoken-digit-dataset. The results go to a JSON, and as tables and a figure to
docs/formats.md; `--only NAME` measures one network anew, `--draw` none.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import golden
from bench import formats_tables, trained
from bench.formats_ways import LANES, MIXED, learnt, searched, ways
from bench.trained import Labelled
from fixedpoint.budget.error import against
from fixedpoint.calibration import Part, Seen
from fixedpoint.network import QuantizedNetwork
from fixedpoint.rounding import observe
from fixedpoint.search.cost import cost
from golden.network import Network
from golden.squash import Array

HERE = Path(__file__).parent
BITS = (16, 12, 8, 4)
CLASSIFIERS = {  # cells, epochs
    "digits": (32, 60),
    "vowels": (32, 60),
    "motions": (24, 60),
    "power": (16, 60),
    "spoken digits": (64, 16),
    "speech detector": (128, 16),
    "heart beats": (16, 80),
}
LEARNT, EPOCHS = ("digits", "vowels", "spoken digits"), 15  # those trained on the integer model
SEARCHED = ("digits", "vowels")
SPEECH = 8  # recordings that formats are chosen on, and as many others
WINDOW, HOP = 512, 128  # of the denoiser's spectra, at 16 kHz


@dataclass(frozen=True)
class Subject:
    """A network, what its formats are chosen on, and what they are judged by.

    Attributes
    ----------
    calibrate, x : (N, T, D).
    train, test : the same with their classes; None for signals.
    """

    net: Network
    calibrate: Array
    x: Array
    train: Labelled | None = None
    test: Labelled | None = None


def classifier(name: str, data: tuple[Labelled, Labelled]) -> Subject:
    """Trained in float."""
    (train, test), (cells, epochs) = data, CLASSIFIERS[name]
    net = trained.train(name.replace(" ", "-"), train, cells, epochs)
    return Subject(net, train.x, test.x, train, test)


def audio(folder: Path) -> Subject:
    """A network for one channel of sound: the first half of its recording, then the other."""
    net = golden.load(folder / "rtneural/lstm_1d.json")
    x = np.loadtxt(folder / "rtneural/lstm_1d_x.csv").reshape(1, -1, net.inputs)
    half = x.shape[1] // 2
    return Subject(net, x[:, :half], x[:, half:])


def denoiser(folder: Path, data: Path) -> Subject:
    """The first part of DTLN on spectra of spoken digits, at twice their rate."""
    paths = sorted(data.rglob("*.wav"))[:: 3000 // (2 * SPEECH)][: 2 * SPEECH]
    spectra = []
    for path in paths:
        sound = trained.samples(path)[: 16 * WINDOW]
        fine = np.interp(np.arange(2 * len(sound)) / 2, np.arange(len(sound)), sound)
        frames = np.lib.stride_tricks.sliding_window_view(fine, WINDOW)[::HOP]
        spectra.append(np.abs(np.fft.rfft(frames)))
    x = Labelled.of(spectra, [0] * len(spectra)).x
    return Subject(golden.load(folder / "dtln/model_1.onnx"), x[::2], x[1::2])


def subjects(data: Path | None, models: Path | None) -> Iterator[tuple[str, Callable[[], Subject]]]:
    """What there is with these folders."""
    for name in ("digits", "vowels", "motions", "power", "heart beats"):
        make = getattr(trained, name.split()[0])
        yield name, lambda name=name, make=make: classifier(name, make())
    if data:
        yield "spoken digits", lambda: classifier("spoken digits", trained.spoken(data))
        yield "speech detector", lambda: classifier("speech detector", trained.speech(data))
    if models:
        yield "audio (RTNeural)", lambda: audio(models)
    if models and data:
        yield "denoiser (DTLN 1)", lambda: denoiser(models, data)


def judge(subject: Subject, real: Array, qnet: QuantizedNetwork) -> dict[str, Any]:
    """Error, decisions and cost of one choice."""
    out = qnet.run(qnet.encode(subject.x)[0]).value("out")
    found: dict[str, Any] = {"decibels": against(real, out)[2]}
    if test := subject.test:
        decided = test.decided(out)
        found |= test.judged(decided)
        found["changed"] = int(np.count_nonzero(decided != test.decided(real)))
        out, real = test.counted(out), test.counted(real)
    found["error_to_signal"] = float(np.mean((out - real) ** 2) / np.mean(real**2))
    takes = cost(qnet, LANES)
    return found | {
        "lane_bits": [takes.operand, takes.weight],
        "multiplier_bits": takes.products,
        "memory_bits": takes.memory,
        "cost": takes.total,
    }


def measure(name: str, subject: Subject) -> dict[str, Any]:
    """Every choice at all widths."""
    net, x = subject.net, subject.calibrate
    seen, known = Seen.measure(net, x), observe(net, [Part(x)])
    real = net.run(subject.x).out
    found: dict[str, Any] = {"sequences": len(subject.x), "steps": subject.x.shape[1]}
    if test := subject.test:
        wanted = test.decided(real)
        found |= test.judged(wanted) | {"decisions": wanted.size}
    bits: dict[str, dict[str, Any]] = {}
    for width in BITS:
        made = ways(net, x, seen, known, width)
        bits[str(width)] = {how: judge(subject, real, qnet) for how, qnet in made}
    if name in SEARCHED:
        bits["8"]["search"] = judge(subject, real, searched(net, x, seen, 8))
    if subject.train is not None and name in LEARNT:
        for weights, others, how in (
            (4, MIXED, "weights of 4 bits, trained"),
            (2, MIXED, "ternary weights, trained"),
            (4, 4, "trained"),
        ):
            qnet = learnt(net, subject.train, seen, weights, others, EPOCHS)
            bits[str(others)][how] = judge(subject, real, qnet)
    return {**found, "bits": bits}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the spoken digits")
    parser.add_argument("--models", type=Path, help="folder of public model files")
    parser.add_argument("--json", type=Path, default=HERE / "formats.json", help="results")
    parser.add_argument("--only", help="measure this network alone")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    options = parser.parse_args()
    known = json.loads(options.json.read_text()) if options.json.exists() else {}
    for name, make in subjects(options.data, options.models):
        if options.draw or options.only not in (None, name):
            continue
        known[name] = measure(name, make())
        options.json.write_text(json.dumps(known, indent=1) + "\n")
        print(formats_tables.table(name, known[name]), flush=True)
    formats_tables.write(known)


if __name__ == "__main__":
    main()

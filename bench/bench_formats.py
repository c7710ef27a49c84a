"""What formats make of real networks: `python -m bench.bench_formats [--data DIR] [--models DIR]`.

Classifiers that are trained here in float (`bench.trained`) and, with `--models`, public model
files (RTNeural's audio network on its own sound, DTLN's first part on speech), each in fixed point
of 16, 12, 8 and 4 bits: with uniform widths, by the rule without scales of rows and elements of x,
and by the rule. Formats are chosen on the training data, all else is of the test data. Beside it
the cost of a core of 8 lanes. `--data` is the folder of free-spoken-digit-dataset. The results go
to a JSON, of which docs/formats.md has the tables.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import golden
from bench import trained
from bench.trained import Labelled
from fixedpoint import FormatError
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.network import QuantizedNetwork, build
from fixedpoint.paths import Paths
from fixedpoint.resources import memories, tail_multipliers
from fixedpoint.rule import Rule
from fixedpoint.widths import Widths
from golden.network import Network
from golden.squash import Array

HERE = Path(__file__).parent
BITS, LANES = (16, 12, 8, 4), 8
CLASSIFIERS = {"digits": (32, 60), "vowels": (32, 60), "spoken": (64, 16)}  # cells, epochs
SPEECH = 8  # recordings that formats are chosen on, and as many others
WINDOW, HOP = 512, 128  # of the denoiser's spectra, at 16 kHz


@dataclass(frozen=True)
class Subject:
    """A network, what its formats are chosen on, and what they are judged by.

    Attributes
    ----------
    calibrate, x : (N, T, D).
    labelled : the same x with its classes; None for signals.
    """

    net: Network
    calibrate: Array
    x: Array
    labelled: Labelled | None = None


def classifier(name: str, data: Path | None) -> Subject:
    """Trained in float."""
    train, test = trained.spoken(data) if data else getattr(trained, name)()
    cells, epochs = CLASSIFIERS[name]
    return Subject(trained.train(name, train, cells, epochs), train.x, test.x, test)


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
    yield "digits", lambda: classifier("digits", None)
    yield "vowels", lambda: classifier("vowels", None)
    if data:
        yield "spoken digits", lambda: classifier("spoken", data)
    if models:
        yield "audio (RTNeural)", lambda: audio(models)
    if models and data:
        yield "denoiser (DTLN 1)", lambda: denoiser(models, data)


def choices(net: Network, seen: Seen, bits: int) -> Iterator[tuple[str, QuantizedNetwork]]:
    """The ways to choose formats."""
    rule = Rule(bits).widths(net, seen)
    for name, widths in (
        ("uniform", Widths.uniform(bits)),
        ("rule, shared scales", replace(rule, scaled=False)),
        ("rule", rule),
    ):
        yield name, build(net, formats_of(net, widths, seen))


def judge(subject: Subject, real: Array, qnet: QuantizedNetwork) -> dict[str, Any]:
    """Error, decisions and cost of one choice."""
    out = qnet.run(qnet.encode(subject.x)[0]).value("out")
    found: dict[str, Any] = {}
    if test := subject.labelled:
        decided, wanted = test.decided(out), test.decided(real)
        found["accuracy"] = float(np.mean(decided == test.labels))
        found["changed"] = int(np.count_nonzero(decided != wanted))
        at = np.arange(len(out)), test.ends
        out, real = out[at], real[at]
    found["error_to_signal"] = float(np.mean((out - real) ** 2) / np.mean(real**2))
    paths = Paths.of(qnet)
    products = [(paths.operand, paths.weight)] * LANES + tail_multipliers(qnet)
    return found | {
        "lane_bits": [paths.operand, paths.weight],
        "multiplier_bits": sum(one * other for one, other in products),
        "memory_bits": sum(memories(qnet).values()),
    }


def measure(subject: Subject) -> dict[str, Any]:
    """Every choice at all widths."""
    real, seen = subject.net.run(subject.x).out, Seen.measure(subject.net, subject.calibrate)
    found: dict[str, Any] = {"sequences": len(subject.x), "steps": subject.x.shape[1]}
    if test := subject.labelled:
        found["accuracy"] = float(np.mean(test.decided(real) == test.labels))
    for bits in BITS:
        try:
            rows = {
                name: judge(subject, real, qnet) for name, qnet in choices(subject.net, seen, bits)
            }
        except FormatError as error:
            rows = {"refused": str(error)}
        found[str(bits)] = rows
    return found


def table(found: dict[str, Any]) -> Iterator[str]:
    """Markdown, a table for each network."""
    for name, result in found.items():
        judged = "accuracy" in result
        real = f", {100 * result['accuracy']:.2f} % right in float" if judged else ""
        yield f"\n### {name}: {result['sequences']} sequences{real}\n"
        answers = ["right", "decisions that change"] if judged else []
        heads = [
            "bits",
            "formats",
            *answers,
            "error to signal",
            "lane",
            "multiplier bits",
            "memory bits",
        ]
        yield f"| {' | '.join(heads)} |"
        yield f"|{'---|' * len(heads)}"
        for bits in map(str, BITS):
            for how, row in result[bits].items():
                cells = [bits, how]
                if judged:
                    cells += [f"{100 * row['accuracy']:.2f} %", str(row["changed"])]
                lane = " x ".join(map(str, row["lane_bits"]))
                cells += [f"{row['error_to_signal']:.1e}", lane]
                cells += [f"{row[f'{kind}_bits']:,}" for kind in ("multiplier", "memory")]
                yield f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the spoken digits")
    parser.add_argument("--models", type=Path, help="folder of public model files")
    parser.add_argument("--json", type=Path, default=HERE / "formats.json", help="results")
    options = parser.parse_args()
    known = json.loads(options.json.read_text()) if options.json.exists() else {}
    for name, make in subjects(options.data, options.models):
        known[name] = measure(make())
        print("\n".join(table({name: known[name]})), flush=True)
        options.json.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()

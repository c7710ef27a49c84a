"""Networks trained in float on data that anyone can have, for the measurements of formats.

Handwritten digits as 8 steps of 8 (scikit-learn), Japanese vowels, motions and power demand (files
in the wheel of aeon), spoken digits (the recordings of free-spoken-digit-dataset, in a folder that
is told). All are classifiers: an `nn.LSTM`, the last step's h, an `nn.Linear`, trained by torch
with seed 0. Of the same recordings, mixed with noise, a detector says at every step whether
somebody speaks.
"""

import inspect
import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from bench import cached
from golden.importers.state_dict import from_tensors
from golden.network import Network
from golden.squash import Array

EPOCHS, BATCH, RATE = 60, 32, 3e-3
RATE_HZ, FRAME, STEP, BANDS = 8000, 256, 160, 20  # of spoken digits


@dataclass(frozen=True)
class Labelled:
    """Sequences, padded with zeros behind their ends.

    Attributes
    ----------
    x : (N, T, D).
    ends : (N,) the last step of each.
    labels : (N,) of the class.
    """

    x: Array
    ends: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, sequences: list[Array], labels: list[int]) -> "Labelled":
        ends = np.array([len(each) - 1 for each in sequences])
        x = np.zeros((len(sequences), ends.max() + 1, sequences[0].shape[1]))
        for row, each in zip(x, sequences, strict=True):
            row[: len(each)] = each
        return cls(x, ends, np.array(labels))

    def counted(self, out: Array) -> Array:
        """The outputs that count, of all (N, T, K): those at each sequence's end."""
        return out[np.arange(len(out)), self.ends]

    def decided(self, out: Array) -> np.ndarray:
        """The class of the largest of them."""
        return self.counted(out).argmax(axis=1)

    def judged(self, decided: np.ndarray) -> dict[str, float]:
        """How good these decisions are, by the measure's name."""
        return {"accuracy": float(np.mean(decided == self.labels))}


@dataclass(frozen=True)
class Detected(Labelled):
    """Sequences with a decision at every step: labels (N, T) of 0 and 1."""

    def counted(self, out: Array) -> Array:
        return out

    def decided(self, out: Array) -> np.ndarray:
        return (out[..., 0] > 0).astype(int)

    def judged(self, decided: np.ndarray) -> dict[str, float]:
        """F1, too: the harmonic mean of how many ones are right, and how many of them are told."""
        f1 = 2 * float(np.sum(decided * self.labels) / np.sum(decided + self.labels))
        return super().judged(decided) | {"f1": f1}


def digits() -> tuple[Labelled, Labelled]:
    """Training and test set: 1,347 and 450 images, rows as steps, 0 to 1."""
    from sklearn.datasets import load_digits  # pyright: ignore[reportMissingImports]

    flat, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(flat))
    x, labels, ends = flat[order].reshape(-1, 8, 8) / 16, classes[order], np.full(len(order), 7)
    cuts = slice(450, None), slice(450)
    train, test = (Labelled(x[cut], ends[cut], labels[cut]) for cut in cuts)
    return train, test


def vowels() -> tuple[Labelled, Labelled]:
    """The authors' split: 270 utterances of nine speakers to train, 370 to test."""
    return _aeon("JapaneseVowels")


def motions() -> tuple[Labelled, Labelled]:
    """A watch's accelerometer and gyroscope over 100 steps, four motions: 40 to train, 40 to
    test."""
    return _aeon("BasicMotions")


def power() -> tuple[Labelled, Labelled]:
    """Italy's demand of power over a day, summer or winter: 67 days to train, 1,029 to test."""
    return _aeon("ItalyPowerDemand")


def _aeon(name: str) -> tuple[Labelled, Labelled]:
    """Training and test set of a file in the wheel."""
    spec = find_spec("aeon")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{name}: `pip install --no-deps aeon` brings the data")
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data" / name
    train, test = (_ts(folder / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    return train, test


def _ts(path: Path) -> Labelled:
    """A .ts file: a line a sequence, its dimensions between colons, the class at the end."""
    head, _, text = path.read_text().partition("@data")
    (classes,) = (each.split()[2:] for each in head.splitlines() if each.startswith("@classLabel"))
    lines = text.split()
    parts = [line.split(":") for line in lines]
    x = [np.array([list(map(float, each.split(","))) for each in part[:-1]]).T for part in parts]
    return Labelled.of(x, [classes.index(part[-1]) for part in parts])


def heart() -> tuple[Detected, Detected]:
    """A heart's beats as an electrode sees them, made up: 400 times 300 steps to train, 65,000 to
    test. To be told in the 8 steps behind a beat's peak."""
    rng, found = np.random.default_rng(0), []
    for count, size in ((400, 300), (1, 65_000)):
        x, labels = map(np.array, zip(*(_beats(rng, size) for _ in range(count)), strict=True))
        found.append(Detected(x, np.full(count, size - 1), labels))
    train, test = found
    return train, test


def _beats(rng: np.random.Generator, size: int) -> tuple[Array, np.ndarray]:
    """(size, 1) the waves P, R and T of beats about 80 steps apart, noise, and a base line that
    drifts; (size,) whether to tell."""
    steps, labels, at = np.arange(size), np.zeros(size, int), 0.0
    sound = 0.4 * np.sin(steps / 40 + rng.uniform(0, 6)) + rng.normal(0, 0.15, size)
    while at < size + 100:
        at += rng.uniform(50, 110)
        for offset, height, width in (
            (-16, 0.15, 3),
            (0, rng.uniform(0.7, 1.3), 1.5),
            (25, 0.5, 6),
        ):
            first, last = (min(max(int(at) + offset + by, 0), size) for by in (-30, 30))
            away = (steps[first:last] - at - offset) / width
            sound[first:last] += height * np.exp(-(away**2) / 2)
        labels[int(at) + 1 : int(at) + 9] = 1
    return sound[:, None], labels


def spoken(folder: Path) -> tuple[Labelled, Labelled]:
    """The authors' split: recordings 0 to 4 of each speaker and digit are the test set."""
    found: dict[bool, tuple[list[Array], list[int]]] = {True: ([], []), False: ([], [])}
    for path in sorted(folder.rglob("*.wav")):
        digit, _, number = path.stem.split("_")
        sequences, labels = found[int(number) < 5]
        sequences.append(_bands(samples(path)))
        labels.append(int(digit))
    if not found[True][0]:
        raise SystemExit(f"{folder}: has no recordings of spoken digits")
    train, test = Labelled.of(*found[False]), Labelled.of(*found[True])
    mean, scale = train.x[train.x != 0].mean(), train.x[train.x != 0].std()
    for part in (train, test):
        part.x[part.x != 0] = (part.x[part.x != 0] - mean) / scale
    return train, test


def samples(path: Path) -> Array:
    """A recording, -1 to 1."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def speech(folder: Path) -> tuple[Detected, Detected]:
    """Spoken digits with pauses, in noise of any level and colour: 150 times 5 s to train, 20 times
    10 s, of recordings that are in none of these, to test."""
    rng, found = np.random.default_rng(0), []
    paths = sorted(folder.rglob("*.wav"))
    if not paths:
        raise SystemExit(f"{folder}: has no recordings of spoken digits")
    for count, seconds, test in ((150, 5, False), (20, 10, True)):
        words = [samples(path) for path in paths if (int(path.stem.split("_")[2]) < 5) == test]
        pairs = [_mixed(rng, words, seconds * RATE_HZ) for _ in range(count)]
        x, labels = (np.array(part) for part in zip(*pairs, strict=True))
        found.append(Detected(x, np.full(count, x.shape[1] - 1), labels))
    mean, scale = found[0].x.mean(), found[0].x.std()
    train, test = (replace(part, x=(part.x - mean) / scale) for part in found)
    return train, test


def _mixed(rng: np.random.Generator, words: list[Array], size: int) -> tuple[Array, np.ndarray]:
    """The bands of words with pauses in noise, and in which frames there is a word."""
    clean, noise, at = np.zeros(size), rng.standard_normal(size), int(rng.integers(RATE_HZ))
    while at < size:
        word = words[rng.integers(len(words))][: size - at]
        clean[at : at + len(word)] = word / word.std() * 10 ** rng.uniform(-0.3, 0.3)
        at += len(word) + int(rng.integers(RATE_HZ // 8, RATE_HZ * 3 // 2))
    colour = rng.uniform(0, 0.95)
    noise = np.array(list(accumulate(noise.tolist(), lambda last, own: own + colour * last)))
    sound = clean + noise / noise.std() * 10 ** -rng.uniform(0, 1.25)
    frames = np.lib.stride_tricks.sliding_window_view(clean, FRAME)[::STEP]
    return _bands(sound / 20), (np.mean(frames**2, axis=1) > 0.01).astype(int)


def _bands(sound: Array) -> Array:
    """The logarithm of the power in bands of equal width on the mel scale, frame by frame."""
    sound = np.pad(sound, (0, max(0, FRAME - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2
    mel = 2595 * np.log10(1 + np.arange(power.shape[1]) * RATE_HZ / FRAME / 700)
    edges = np.linspace(0, mel[-1], BANDS + 2)[:, None]
    rise = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    return np.log(power @ np.maximum(np.minimum(rise, fall), 0).T + 1e-6)


def train(name: str, data: Labelled, cells: int, epochs: int = EPOCHS) -> Network:
    """An `nn.LSTM` with an `nn.Linear`, trained in float32 with seed 0, or as it was kept."""
    code = "".join(map(inspect.getsource, (_train, fit)))
    settings = f"{type(data).__name__} {cells} cells, {epochs} epochs of {BATCH} at {RATE}"
    made_of = (code, settings, data.x, data.ends, data.labels)
    return cached.network(name, lambda: _train(name, data, cells, epochs), *made_of)


def _train(name: str, data: Labelled, cells: int, epochs: int) -> Network:
    import torch  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    torch.set_num_threads(1)
    detects = isinstance(data, Detected)
    classes = 1 if detects else int(data.labels.max()) + 1
    lstm = torch.nn.LSTM(data.x.shape[2], cells, batch_first=True)
    fc = torch.nn.Linear(cells, classes)
    model = torch.nn.ModuleDict({"lstm": lstm, "fc": fc})
    fit(
        lambda x, ends: fc(lstm(x.float())[0] if detects else last(lstm(x.float())[0], ends)),
        torch.optim.Adam(model.parameters(), RATE),
        data,
        epochs,
    )
    return from_tensors({n: t.double().numpy() for n, t in model.state_dict().items()}, name)


def last(out: Any, ends: Any) -> Any:
    """Of outputs (N, T, K) those of each sequence's last step."""
    import torch  # pyright: ignore[reportMissingImports]

    return out[torch.arange(len(out)), ends]


def fit(run: Callable[[Any, Any], Any], steps: Any, data: Labelled, epochs: int) -> None:
    """Train in batches, at a rate that falls to 0.

    Parameters
    ----------
    run : sequences x (N, T, D), float64, and the last step of each, to the logits there (N, K), or
        of a detector to those of all steps.
    steps : torch's optimizer, of what `run` learns.
    """
    import torch  # pyright: ignore[reportMissingImports]

    x, ends, labels = map(torch.tensor, (data.x, data.ends, data.labels))
    (rate,) = {group["lr"] for group in steps.param_groups}
    for epoch in range(epochs):
        for group in steps.param_groups:
            group["lr"] = rate * (1 - epoch / epochs)
        for some in torch.randperm(len(x)).split(BATCH):
            longest = int(ends[some].max()) + 1
            logits = run(x[some, :longest], ends[some])
            steps.zero_grad()
            if isinstance(data, Detected):
                wanted = labels[some].to(logits.dtype)
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits[..., 0], wanted)
            else:
                loss = torch.nn.functional.cross_entropy(logits, labels[some])
            loss.backward()
            steps.step()

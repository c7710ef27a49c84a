"""Networks trained in float on data that anyone can have, for the measurements of formats.

Handwritten digits as 8 steps of 8 (scikit-learn), Japanese vowels (a file in the wheel of aeon),
spoken digits (the recordings of free-spoken-digit-dataset, in a folder that is told). All are
classifiers: an `nn.LSTM`, the last step's h, an `nn.Linear`, trained by torch with seed 0.
"""

import wave
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

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

    def decided(self, out: Array) -> np.ndarray:
        """The class of the largest output at each sequence's end."""
        return out[np.arange(len(out)), self.ends].argmax(axis=1)


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
    spec = find_spec("aeon")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("Japanese vowels: `pip install --no-deps aeon` brings the data")
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data/JapaneseVowels"
    train, test = (_ts(folder / f"JapaneseVowels_{part}.ts") for part in ("TRAIN", "TEST"))
    return train, test


def _ts(path: Path) -> Labelled:
    """A .ts file: a line a sequence, its dimensions between colons, the class at the end."""
    lines = path.read_text().partition("@data")[2].split()
    parts = [line.split(":") for line in lines]
    x = [np.array([list(map(float, each.split(","))) for each in part[:-1]]).T for part in parts]
    return Labelled.of(x, [int(part[-1]) - 1 for part in parts])


def spoken(folder: Path) -> tuple[Labelled, Labelled]:
    """The authors' split: recordings 0 to 4 of each speaker and digit are the test set."""
    found: dict[bool, tuple[list[Array], list[int]]] = {True: ([], []), False: ([], [])}
    for path in sorted(folder.rglob("*.wav")):
        digit, _, number = path.stem.split("_")
        sequences, labels = found[int(number) < 5]
        sequences.append(_bands(path))
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


def _bands(path: Path) -> Array:
    """The logarithm of the power in bands of equal width on the mel scale, frame by frame."""
    sound = samples(path)
    sound = np.pad(sound, (0, max(0, FRAME - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2
    mel = 2595 * np.log10(1 + np.arange(power.shape[1]) * RATE_HZ / FRAME / 700)
    edges = np.linspace(0, mel[-1], BANDS + 2)[:, None]
    rise = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    return np.log(power @ np.maximum(np.minimum(rise, fall), 0).T + 1e-6)


def train(name: str, data: Labelled, cells: int, epochs: int = EPOCHS) -> Network:
    """An `nn.LSTM` with an `nn.Linear`, trained in float32 with seed 0."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    torch.set_num_threads(1)
    classes = int(data.labels.max()) + 1
    lstm = torch.nn.LSTM(data.x.shape[2], cells, batch_first=True)
    fc = torch.nn.Linear(cells, classes)
    model = torch.nn.ModuleDict({"lstm": lstm, "fc": fc})
    fit(
        lambda x, ends: fc(lstm(x.float())[0][torch.arange(len(x)), ends]),
        torch.optim.Adam(model.parameters(), RATE),
        data,
        epochs,
    )
    return from_tensors({n: t.double().numpy() for n, t in model.state_dict().items()}, name)


def fit(run: Callable[[Any, Any], Any], steps: Any, data: Labelled, epochs: int) -> None:
    """Train in batches, at a rate that falls to 0.

    Parameters
    ----------
    run : sequences x (N, T, D), float64, and the last step of each, to the logits there (N, K).
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
            torch.nn.functional.cross_entropy(logits, labels[some]).backward()
            steps.step()

"""Write keras_*.keras: small networks of Keras 3, each with an input and its output.

Made once, with keras 3.15.1 on torch 2.13.0; Keras is no dependency of the tests. To make them
again:

    KERAS_BACKEND=torch python tests/data/make_keras.py     # in an environment with keras and torch

Beside each model is a .npz: input (2, 12, D) and output (2, 12, K), or (2, K) where the model gives
the last step only. Some models are there to be refused; they have no .npz. All files but `plain`,
which is as Keras wrote it, are packed once more, with compression.
"""

import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

STEPS, SEQUENCES = 12, 2


def sequential(*parts: layers.Layer, inputs: int = 3) -> keras.Model:
    return keras.Sequential([layers.Input((None, inputs)), *parts])


def functional() -> keras.Model:
    """Made in another order than it computes, with names of its own."""
    head, top, low = (
        layers.Dense(2, name="head"),
        layers.LSTM(4, name="b"),
        layers.LSTM(5, name="a"),
    )
    low.return_sequences = top.return_sequences = True
    x = keras.Input((STEPS, 3), name="x")
    return keras.Model(x, head(layers.Dropout(0.3)(top(low(x)))))


def networks() -> dict[str, keras.Model]:
    return {
        "plain": sequential(layers.LSTM(6, return_sequences=True)),
        "deep": sequential(
            layers.LSTM(6, return_sequences=True, dropout=0.1, recurrent_dropout=0.1),
            layers.Dropout(0.2),
            layers.LSTM(5, return_sequences=True),
            layers.LSTM(4),
            layers.Dense(2, activation="sigmoid"),
        ),
        "bias_free": sequential(
            layers.LSTM(5, use_bias=False, return_sequences=True), layers.Dense(3, use_bias=False)
        ),
        "sigmoid": sequential(layers.LSTM(5, activation="sigmoid"), layers.Dense(1)),
        "linear": sequential(layers.LSTM(5, activation="linear"), layers.Dense(1)),
        "functional": functional(),
    }


def bidirectional() -> keras.Model:
    """Functional, with a backward layer of its own."""
    forward, backward = (
        layers.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid", **options)
        for options in ({"name": "there"}, {"name": "back", "go_backwards": True})
    )
    x = keras.Input((STEPS, 3))
    both = layers.Bidirectional(forward, backward_layer=backward, name="both")
    return keras.Model(x, layers.Dense(2)(both(x)))


def directions() -> dict[str, keras.Model]:
    """LSTMs that run from the last step to the first, as Keras turns and joins what they give."""

    def lstm(units: int, **options) -> layers.LSTM:
        return layers.LSTM(units, **{"return_sequences": True, **options})

    def back(units: int, **options) -> layers.LSTM:
        return lstm(units, go_backwards=True, **options)

    both, last = layers.Bidirectional, {"return_sequences": False}
    return {
        "hard_sigmoid": sequential(lstm(4, recurrent_activation="hard_sigmoid")),
        "stateful": keras.Sequential(
            [layers.Input(batch_shape=(SEQUENCES, STEPS, 3)), lstm(4, stateful=True)]
        ),
        "bidirectional": sequential(both(lstm(4, **last))),
        "bidirectional_deep": sequential(
            both(lstm(4)), layers.Dropout(0.2), both(lstm(3, use_bias=False)), layers.Dense(2)
        ),
        "bidirectional_first": sequential(both(lstm(3)), lstm(4, **last), layers.Dense(1)),
        "bidirectional_hard": bidirectional(),
        "backwards": sequential(back(4, **last)),
        "backwards_twice": sequential(back(4), back(3)),
        "backwards_below": sequential(back(4), lstm(3, **last), layers.Dense(2)),
        "backwards_bidirectional": sequential(back(4), both(lstm(3, **last)), layers.Dense(2)),
        "backwards_around": sequential(back(3), both(lstm(3)), back(4), layers.Dense(2)),
        "backwards_above": sequential(lstm(4), both(lstm(3)), back(4, **last)),
    }


def others() -> dict[str, keras.Model]:
    """What is not supported."""
    return {
        "lambda": sequential(layers.LSTM(4), layers.Lambda(lambda y: y * 2)),
        "gru": sequential(layers.GRU(4)),
    }


def pack(path: Path) -> None:
    """Write the zip once more, with compression."""
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in found.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def main() -> None:
    folder = Path(__file__).parent
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    for name, net in (networks() | directions()).items():
        for variable in net.weights:  # biases too, which Keras would start at 0 and 1
            hard = "hard" in name and "lstm" in variable.path  # whose gates have to reach 0 and 1
            limit = 3.0 if hard else 0.6
            variable.assign(rng.uniform(-limit, limit, variable.shape))
        if name == "deep":
            net.compile("sgd", "mse")
        x = rng.standard_normal((SEQUENCES, STEPS, net.input_shape[-1])).astype(np.float32)
        net.save(folder / f"keras_{name}.keras")
        np.savez_compressed(
            folder / f"keras_{name}.npz",
            input=x,
            output=net.predict(x, batch_size=SEQUENCES, verbose=0),
        )
    for name, net in others().items():
        net.save(folder / f"keras_{name}.keras")
    for path in folder.glob("keras_*.keras"):
        if path.stem != "keras_plain":
            pack(path)


if __name__ == "__main__":
    main()

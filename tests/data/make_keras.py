"""Write keras_*.keras: small networks of Keras 3, each with an input and its output.

Made once, with keras 3.15.1 on torch 2.13.0; Keras is no dependency of the tests. To make them
again:

    KERAS_BACKEND=torch python tests/data/make_keras.py     # in an environment with keras and torch

Beside each model is a .npz: input (2, 12, D) and output (2, 12, K), or (2, K) where the model gives
the last step only. Some models are there to be refused; they have no .npz.
"""

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


def others() -> dict[str, keras.Model]:
    """What is not supported."""
    return {
        "hard_sigmoid": sequential(layers.LSTM(4, recurrent_activation="hard_sigmoid")),
        "bidirectional": sequential(layers.Bidirectional(layers.LSTM(4))),
        "lambda": sequential(layers.LSTM(4), layers.Lambda(lambda y: y * 2)),
        "gru": sequential(layers.GRU(4)),
    }


def main() -> None:
    folder = Path(__file__).parent
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    for name, net in networks().items():
        for variable in net.weights:  # biases too, which Keras would start at 0 and 1
            variable.assign(rng.uniform(-0.6, 0.6, variable.shape))
        if name == "deep":
            net.compile("sgd", "mse")
        x = rng.standard_normal((SEQUENCES, STEPS, net.input_shape[-1])).astype(np.float32)
        net.save(folder / f"keras_{name}.keras")
        np.savez_compressed(folder / f"keras_{name}.npz", input=x, output=net.predict(x, verbose=0))
    for name, net in others().items():
        net.save(folder / f"keras_{name}.keras")


if __name__ == "__main__":
    main()

"""Write keras_*.keras and keras_*.h5 of layers around LSTMs, each with an input and its output.

Made once, with keras 3.15.1 on torch 2.13.0, as `make_keras` says:

    KERAS_BACKEND=torch python tests/data/make_keras_stages.py

Beside each model is a .npz: input (2, 12, D), or (2, 12) whole numbers for an Embedding, and output
(2, 12, K), or (2, K) where the model gives the last step only.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from make_keras import pack

STEPS, SEQUENCES, INPUTS, WORDS = 12, 2, 3, 7


def lstm(units: int, **options) -> layers.LSTM:
    return layers.LSTM(units, **{"return_sequences": True, **options})


def around() -> keras.Model:
    """Linear layers in front, between and behind; a Bidirectional on turned steps among them."""
    return keras.Sequential(
        [
            layers.Input((STEPS, INPUTS)),
            layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]),
            layers.Rescaling(0.5, offset=0.1),
            layers.Dense(4),
            layers.Conv1D(3, 1),
            layers.BatchNormalization(),
            lstm(4, go_backwards=True),
            layers.Bidirectional(lstm(3)),
            layers.BatchNormalization(scale=False),
            layers.Dense(5, use_bias=False),
            lstm(3, go_backwards=True),
            layers.GaussianNoise(0.1),
            layers.TimeDistributed(layers.Dense(2)),
            layers.Rescaling(2.0, offset=-1.0),
            layers.Activation("tanh"),
            layers.Dense(2, activation="hard_sigmoid"),
        ]
    )


def within() -> keras.Model:
    """A functional model within a functional one, with a state that nobody takes."""
    x = keras.Input((STEPS, INPUTS))
    y, _, _ = lstm(4, return_state=True)(layers.SpatialDropout1D(0.2)(x))
    inner = keras.Model(x, layers.Dense(3)(y))
    z = keras.Input((STEPS, INPUTS))
    cells = layers.RNN(layers.LSTMCell(4), return_sequences=False)(inner(z))
    return keras.Model(z, layers.Dense(2, activation="sigmoid")(cells))


def embedded() -> keras.Model:
    return keras.Sequential(
        [layers.Input((STEPS,)), layers.Embedding(WORDS, 4), lstm(5), layers.Dense(2)]
    )


def convolved(**options) -> keras.Model:
    """A convolution over time in front."""
    x = [layers.Input((None, INPUTS)), layers.Conv1D(4, 3, activation="relu", **options)]
    return keras.Sequential([*x, lstm(5), layers.Dense(2)])


def branched() -> keras.Model:
    """What earlier layers gave is added and joined; a model with a branch within it."""
    x = keras.Input((STEPS, INPUTS))
    front = layers.Dense(4, activation="tanh")(x)
    below = lstm(4)(layers.Dropout(0.1)(front))
    inner = keras.Input((STEPS, 4))
    block = keras.Model(inner, layers.Subtract()([lstm(4)(inner), inner]))
    added = layers.Add()([below, front, block(below)])
    both = layers.Bidirectional(lstm(3))(added)
    joined = layers.Concatenate()([x, both, layers.Average()([below, added])])
    return keras.Model(x, layers.Dense(2)(joined))


def pooled() -> keras.Model:
    """The largest and the mean of all steps, and the last one."""
    x = keras.Input((STEPS, INPUTS))
    y = layers.Bidirectional(lstm(3))(x)
    every = layers.Dense(4, activation="tanh")(y)
    most, mean = layers.GlobalMaxPooling1D()(every), layers.GlobalAveragePooling1D()(y)
    last = layers.LSTM(3)(every)
    return keras.Model(x, layers.Dense(2)(layers.Concatenate()([most, mean, last])))


def largest() -> keras.Model:
    """Of any number of steps."""
    x = [layers.Input((None, INPUTS)), lstm(5), layers.GlobalMaxPooling1D()]
    return keras.Sequential([*x, layers.Dense(2)])


def heads() -> keras.Model:
    """Two outputs."""
    x = keras.Input((STEPS, INPUTS))
    y = lstm(5)(x)
    first, second = layers.Dense(3, name="policy"), layers.Dense(1, name="value")
    return keras.Model(x, [first(y), second(layers.Dense(4, activation="relu")(y))])


def networks() -> dict[str, keras.Model]:
    return {
        "around": around(),
        "within": within(),
        "embedded": embedded(),
        "convolved": convolved(strides=2),
        "causal": convolved(padding="causal", dilation_rate=2),
        "same": convolved(padding="same"),
        "branched": branched(),
        "pooled": pooled(),
        "largest": largest(),
        "heads": heads(),
    }


def main() -> None:
    folder = Path(__file__).parent
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    for name, net in networks().items():
        for variable in net.weights:
            low = 0.3 if "variance" in variable.path else -0.6
            variable.assign(rng.uniform(low, 0.8, variable.shape))
        x = rng.standard_normal((SEQUENCES, STEPS, INPUTS)).astype(np.float32)
        if name == "embedded":
            x = rng.integers(0, WORDS, (SEQUENCES, STEPS))
        for suffix in ("keras", "h5"):
            net.save(folder / f"keras_{name}.{suffix}")
        pack(folder / f"keras_{name}.keras")
        output = net.predict(x, batch_size=SEQUENCES, verbose=0)
        output = np.concatenate(output, axis=-1) if isinstance(output, list) else output
        np.savez_compressed(folder / f"keras_{name}.npz", input=x, output=output)


if __name__ == "__main__":
    main()

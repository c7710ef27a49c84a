"""Writes the tf2onnx samples of this folder: Keras layers as tf2onnx 1.17.0 exports them.

Needs TensorFlow 2.21.0 and tf2onnx, which nothing else here needs:
`python tests/data/make_tf2onnx.py`. Beside each `tf2onnx_*.onnx` it writes a `.npz` with an input x
and Keras' own output y, both batch first (N, T, ...). Sizes are open unless `steps` is given.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

BATCH, STEPS, INPUTS = 3, 7, 4


def write(name: str, stack: list, folder: Path, steps: int | None = None, opset: int = 15) -> None:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((steps, INPUTS)), *stack])
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(0.5 * rng.standard_normal(weight.shape))
    path = folder / f"tf2onnx_{name}.onnx"
    signature = [tf.TensorSpec((None, steps, INPUTS), tf.float32, name="x")]
    run = tf.function(lambda x: model(x, training=False))
    tf2onnx.convert.from_function(
        run, input_signature=signature, opset=opset, output_path=str(path)
    )
    x = rng.standard_normal((BATCH, steps or STEPS, INPUTS)).astype(np.float32)
    np.savez_compressed(path.with_suffix(".npz"), x=x, y=np.asarray(model(x)))


def lstm(cells: int, every: bool = True, **options: object) -> layers.LSTM:
    return layers.LSTM(cells, return_sequences=every, **options)


if __name__ == "__main__":
    here, both = Path(__file__).parent, layers.Bidirectional
    write("every", [lstm(6), layers.Dropout(0.2), lstm(5), layers.Dense(2)], here)
    write("last", [lstm(6), lstm(5, False), layers.Dense(2, activation="sigmoid")], here, opset=11)
    write("both_every", [both(lstm(6)), both(lstm(5)), layers.Dense(2)], here, steps=5)
    write("both_final", [both(lstm(6)), both(lstm(5, False)), layers.Dense(2)], here, opset=18)
    write("backward", [lstm(6, go_backwards=True), lstm(5, False), layers.Dense(1)], here)
    write("backward_final", [lstm(6, False, go_backwards=True, use_bias=False)], here, opset=13)

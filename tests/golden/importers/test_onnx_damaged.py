"""Damaged ONNX files: a network or one readable line, in memory bounded by the file's size."""

import tracemalloc
from collections import Counter

import numpy as np
import onnx
import pytest

from golden import ModelError
from golden.importers.onnx import load_onnx
from tests.golden.importers import onnx_models, random_onnx
from tests.golden.importers.test_onnx_cells import MODELS as CELLS
from tests.golden.importers.test_onnx_over_time import MODELS as OVER_TIME

SAMPLES = [path.read_bytes() for path in onnx_models.SAMPLES if path.stat().st_size < 9000]
SAMPLES += [model.SerializeToString() for model in (*CELLS.values(), *OVER_TIME.values())]
ROOM, TIMES = 4 << 20, 40  # bytes that reading may take, and how many times the file's size
COUNT, LONG = 300, 4000  # files of each kind, in the ordinary suite and with -m soak


def original(rng):
    """The bytes of a file that can be read: of a framework, or a random one."""
    if rng.integers(3):
        return random_onnx.random_model(int(rng.integers(200)))[0].SerializeToString()
    return SAMPLES[rng.integers(len(SAMPLES))]


def truncated(rng):
    data = original(rng)
    return data[: rng.integers(len(data))]


def flipped(rng):
    """One to six bits of a file are others."""
    data = bytearray(original(rng))
    for at in rng.integers(len(data), size=rng.integers(1, 7)):
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def noise(rng):
    return rng.bytes(int(rng.integers(300)))


def spliced(rng):
    """The beginning of a file and the end of another one."""
    head, tail = original(rng), original(rng)
    return head[: rng.integers(len(head))] + tail[rng.integers(len(tail)) :]


def mutated(rng):
    """A file of protocol buffers that are whole, but in which one to three things are others."""
    model = onnx.ModelProto.FromString(original(rng))
    for _ in range(rng.integers(1, 4)):
        if len(model.graph.node) and len(model.graph.initializer):
            MUTATIONS[rng.integers(len(MUTATIONS))](model, rng)
    return model.SerializeToString()


def any_of(rng, entries):
    return entries[int(rng.integers(len(entries)))]


def absurd(rng):
    """A size or index that is hardly ever right: negative, zero, small or vast."""
    return int(rng.integers(-3, 1 << int(rng.integers(2, 62))))


def rewire(model, rng):
    """An input is another tensor, perhaps one that is made later: a cycle."""
    node = any_of(rng, model.graph.node)
    names = [name for other in model.graph.node for name in (*other.input, *other.output)]
    if node.input:
        node.input[int(rng.integers(len(node.input)))] = str(any_of(rng, names))


def other_operator(model, rng):
    operators = ["LSTM", "Concat", "Split", "Expand", "Tile", "Reshape", "Gather", "Where", "Mul"]
    operators += [other.op_type for other in model.graph.node]
    any_of(rng, model.graph.node).op_type = any_of(rng, operators)


def shuffle(model, rng):
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes[k] for k in rng.permutation(len(nodes)))


def remove(model, rng):
    model.graph.node.remove(any_of(rng, model.graph.node))


def repeat(model, rng):
    """A node is there again, before or behind itself, perhaps with new names for its outputs."""
    node = onnx.NodeProto.FromString(any_of(rng, model.graph.node).SerializeToString())
    if rng.integers(2):
        node.output[:] = [f"{name}again" for name in node.output]
    model.graph.node.insert(int(rng.integers(len(model.graph.node) + 1)), node)


def other_attribute(model, rng):
    node = any_of(rng, model.graph.node)
    if node.attribute:
        found = any_of(rng, node.attribute)
        found.i, found.f = absurd(rng), float(any_of(rng, [0, -1, 1e30, np.nan, np.inf]))
        found.ints[:] = [absurd(rng) for _ in found.ints]
        found.floats[:] = [found.f for _ in found.floats]
        if found.s:
            found.s = any_of(rng, [b"reverse", b"bidirectional", b"\xff", b""])


def rename_attribute(model, rng):
    node = any_of(rng, model.graph.node)
    if node.attribute:
        names = ["axes", "axis", "layout", "input_forget", "activations", "perm", "clip"]
        any_of(rng, node.attribute).name = any_of(rng, names)


def drop_input(model, rng):
    node = any_of(rng, model.graph.node)
    if node.input:
        del node.input[int(rng.integers(len(node.input)))]


def other_shape(model, rng):
    stored = any_of(rng, model.graph.initializer)
    stored.dims[:] = [absurd(rng) for _ in stored.dims]


def other_type(model, rng):
    any_of(rng, model.graph.initializer).data_type = int(rng.integers(0, 24))


def other_numbers(model, rng):
    """Random bytes, NaN, or sizes that are absurd; the shape stays right."""
    stored = any_of(rng, model.graph.initializer)
    values = np.frombuffer(rng.bytes(len(stored.raw_data)), np.uint8)
    if stored.data_type == onnx.TensorProto.INT64:
        values = np.array([absurd(rng) for _ in range(len(stored.raw_data) // 8)], np.int64)
    elif rng.integers(2):
        values = np.full(len(stored.raw_data) // 4, np.nan, np.float32)
    stored.raw_data = values.tobytes()


def transposed_sizes(model, rng):
    stored = any_of(rng, model.graph.initializer)
    stored.dims[:] = list(stored.dims)[::-1]


def other_input(model, rng):
    dims = any_of(rng, model.graph.input).type.tensor_type.shape.dim
    if dims:
        any_of(rng, dims).dim_value = absurd(rng)


def other_output(model, rng):
    names = [name for node in model.graph.node for name in node.output]
    any_of(rng, model.graph.output).name = str(any_of(rng, names))


def other_opset(model, rng):
    if model.opset_import:
        any_of(rng, model.opset_import).version = int(rng.integers(5, 25))


MUTATIONS = [
    rewire, other_operator, shuffle, remove, repeat, other_attribute, rename_attribute, drop_input,
    other_shape, other_type, other_numbers, transposed_sizes, other_input, other_output,
    other_opset,
]  # fmt: skip


def outcome(data, path):
    """ "read", or "refused" by a `ModelError` of one line; no other error, and bounded memory."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        net = load_onnx(path)
        found = "read"
    except ModelError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 600
        found = "refused"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < ROOM + TIMES * len(data)
    if found == "read":
        assert all(np.isfinite(values).all() for v in net.layers for values in v.weights.values())
    return found


def check(damage, first, count, path):
    """`count` files; where damage may be harmless both outcomes must occur, and often."""
    found = Counter()
    for seed in range(first, first + count):
        data = damage(np.random.default_rng([505, seed]))
        try:
            found[outcome(data, path)] += 1
        except BaseException as error:
            error.add_note(f"seed {seed} of {damage.__name__}, file {path}")
            raise
    assert found["refused"] > count // 20
    assert damage not in HARMLESS or found["read"] > count // 20


HARMLESS = (flipped, mutated)  # sometimes, as in an unused bit or node
DAMAGES = pytest.mark.parametrize("damage", [truncated, flipped, noise, spliced, mutated])


@DAMAGES
def test_damaged_files(damage, tmp_path):
    check(damage, 0, COUNT, tmp_path / "fuzz.onnx")


@pytest.mark.soak
@pytest.mark.parametrize("first", range(COUNT, COUNT + 2 * LONG, LONG))
@DAMAGES
def test_damaged_files_soak(damage, first, tmp_path):
    check(damage, first, LONG, tmp_path / "fuzz.onnx")


def test_a_vast_axis_is_never_walked_along(tmp_path):
    """Were its 2^61 steps counted one by one, this would not end."""
    after = [onnx_models.node("Slice", "y", "from", "to", "at")]
    whole = {"from": np.array([-1]), "to": np.array([1 << 62]), "at": np.array([0])}
    parts = {"after": after, "whole": whole, "outputs": ["out"], "shape": [1 << 61, 1, 2]}
    net = load_onnx(onnx_models.save(onnx_models.plain(**parts), tmp_path / "vast.onnx"))
    assert net.output == "last"


def test_a_shape_of_any_length_makes_no_long_message(tmp_path):
    stored = onnx.numpy_helper.from_array(np.zeros((1, 12, 2), np.float32), "W")
    stored.dims[:] = [7] * 5000
    path = onnx_models.save(onnx_models.plain(arrays={"W": stored}), tmp_path / "long.onnx")
    with pytest.raises(ModelError, match="initializer 'W': shape") as caught:
        load_onnx(path)
    assert len(str(caught.value)) < 420

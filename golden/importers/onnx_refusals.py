"""Operators that no network here can say, called by what they are, and what to do instead."""

from golden.errors import ModelError
from golden.importers import shown

DOMAINS = ("", "ai.onnx")
LOOP = (
    "a loop over the steps, not supported; export the LSTM as one operator: nn.LSTM with "
    "torch.onnx.export, keras.layers.LSTM with tf2onnx at opset 15 or more, or give the .keras file"
)
QUANTISED = (
    "quantised already, not supported; give the float model, its codes are chosen here (--bits)"
)
REFUSED = {
    "GRU": "a GRU, not supported; the cells are those of LSTM: train nn.LSTM or layers.LSTM",
    "RNN": "a plain RNN, not supported; the cells are those of LSTM: train nn.LSTM or layers.LSTM",
    "Loop": LOOP,
    "Scan": LOOP,
    "If": "a branch of the program, not supported; export with sizes that are fixed, or with "
    "torch.onnx.export(..., dynamo=True), which leaves none",
    "DynamicQuantizeLSTM": QUANTISED,
    "QuantizeLinear": QUANTISED,
    "DynamicQuantizeLinear": QUANTISED,
    "QLinearMatMul": QUANTISED,
    "MatMulInteger": QUANTISED,
}
UNROLLED = (
    "of what no LSTM operator made, as in an LSTM that is unrolled into its steps; export it as "
    "one operator: nn.LSTM, not nn.LSTMCell; keras.layers.LSTM(unroll=False) with TensorFlow and "
    "tf2onnx, or give the .keras file"
)
PACKED = (
    "sequences of different lengths (sequence_lens, as of pack_padded_sequence) are not supported; "
    "export the model without packing, and run sequences of one length"
)
NORMALISED = "a normalisation over values of the same step, not supported"
WHY = {
    "LayerNormalization": NORMALISED,
    "InstanceNormalization": NORMALISED,
    "ReduceMean": "a mean, not supported",
    "ReduceMax": "the largest of several, not supported",
}
"""Of operators on what flows, where more can be said than that they are not supported."""


def check(label: str, operator: str, domain: str) -> None:
    """Refuse an operator that is known by name, before anything of it is read."""
    if operator in REFUSED:
        raise ModelError(f"{label}: {REFUSED[operator]}")
    if domain not in DOMAINS:
        raise ModelError(f"{label}: domain {shown(domain)} is not supported")

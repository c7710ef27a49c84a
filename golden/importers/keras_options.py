"""The layers of Keras that are understood, and the options that each may have."""

import re
from typing import Any

SQUASHES = {"tanh": "tanh", "sigmoid": "sigma", "linear": "identity", "relu": "relu"}
GATES = ("sigmoid", "hard_sigmoid")
NOTHING = (
    "Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "Identity",
    "ActivityRegularization",
)  # fmt: skip
"""Layers that do nothing at inference."""
COMPUTING = (
    "LSTM", "RNN", "Bidirectional", "Dense", "TimeDistributed", "Activation", "BatchNormalization",
    "Normalization", "Rescaling", "Conv1D", "Embedding", "Softmax", "ReLU", "LeakyReLU",
)  # fmt: skip
MERGING = ("Add", "Subtract", "Average", "Concatenate")
"""Layers of several inputs."""
POOLS = ("GlobalAveragePooling1D", "GlobalMaxPooling1D")
"""Layers that make one vector of all steps."""
CLASSES = ("InputLayer", *COMPUTING, *MERGING, *POOLS, *NOTHING)
MODELS = ("Sequential", "Functional")
DEEPEST = 8  # models within models
ONLY_LSTM = "the cells are those of LSTM: train layers.LSTM"
MASKING = (
    "steps that equal the mask keep the state; leave the mask out and run each sequence at its own "
    "length"
)
NORMALISED = (
    "it normalises over the values of a step; save what is before it or behind it as a model of "
    "its own, or train layers.BatchNormalization, which is folded into the weights"
)
WHY = {
    "GRU": ONLY_LSTM,
    "SimpleRNN": ONLY_LSTM,
    "Masking": MASKING,
    "LayerNormalization": NORMALISED,
    "GroupNormalization": NORMALISED,
    "UnitNormalization": NORMALISED,
}
"""Of layers that are not read, where more can be said than which are."""
POLICIES = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")

TRAINING = re.compile(
    r"name|trainable|dtype|(\w+_)?(initializer|regularizer|constraint)|unit_forget_bias"
    r"|(recurrent_)?dropout|seed|rate|noise_shape|stddev|renorm_\w+|l[12]|batch_input_shape|momentum"
)
"""Options of every layer that change nothing once a network is trained (dtype is looked at)."""
OPTIONS: dict[str, dict[str, tuple[Any, ...]]] = {
    "InputLayer": {"batch_shape": (), "sparse": (False,), "ragged": (False,), "optional": (False,)},
    "LSTM": {
        "units": (),
        "activation": tuple(SQUASHES),
        "recurrent_activation": GATES,
        "use_bias": (True, False),
        "return_sequences": (True, False),
        "return_state": (True, False),
        "go_backwards": (True, False),
        "stateful": (True, False),
        "time_major": (False,),
        "cell": (),
        "unroll": (True, False),
        "zero_output_for_mask": (True, False),
        "implementation": (0, 1, 2),
        "use_cudnn": ("auto", True, False),
    },
    "Dense": {
        "units": (),
        "activation": (),
        "use_bias": (True, False),
        "lora_rank": (None,),
        "quantization_config": (None,),
    },
    "TimeDistributed": {"layer": ()},
    "Activation": {"activation": ()},
    "Softmax": {"axis": (-1, [-1], 2, [2])},
    "ReLU": {"max_value": (None, 6, 6.0), "negative_slope": (0, 0.0), "threshold": (0, 0.0)},
    "LeakyReLU": {"negative_slope": (), "alpha": ()},
    "BatchNormalization": {
        "axis": (-1, 2, [-1], [2]),
        "epsilon": (),
        "center": (True, False),
        "scale": (True, False),
        "renorm": (False,),
        "synchronized": (True, False),
        "fused": (True, False),
    },
    "Normalization": {
        "axis": (-1, 2, [-1], [2]),
        "invert": (False,),
        "mean": (),
        "variance": (),
    },
    "Rescaling": {"scale": (), "offset": ()},
    "Conv1D": {
        "filters": (),
        "kernel_size": (),
        "strides": (),
        "padding": ("valid", "same", "causal"),
        "data_format": ("channels_last",),
        "dilation_rate": (),
        "groups": (1,),
        "activation": (),
        "use_bias": (True, False),
        "lora_rank": (None,),
        "quantization_config": (None,),
    },
    "Embedding": {
        "input_dim": (),
        "output_dim": (),
        "mask_zero": (False,),
        "input_length": (),
        "weights": (None,),
        "lora_rank": (None,),
        "quantization_config": (None,),
    },
    **{kind: {} for kind in (*NOTHING, *MERGING)},
    "Concatenate": {"axis": ()},
    **{kind: {"data_format": ("channels_last",), "keepdims": (False,)} for kind in POOLS},
    "Bidirectional": {"merge_mode": ("concat",), "layer": (), "backward_layer": ()},
}
OPTIONS["RNN"] = OPTIONS["LSTM"]
OPTIONS["LSTMCell"] = OPTIONS["LSTM"]
"""What each layer's other options may be; () for what is looked at elsewhere.

`stateful` says that a state is carried from one call to the next; a file holds no such state.
"""
FUNCTIONS = ("Activation", "Softmax", "ReLU", "LeakyReLU")
"""Layers that are a function and nothing else."""
WITHIN = ("Dense", *FUNCTIONS, "BatchNormalization", *NOTHING)
"""What a TimeDistributed may hold."""

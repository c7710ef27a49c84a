"""How much of an error signal survives in a memory cell: the constant flow, measured.

The truncated gradient of the weight between an input unit and a cell input is, where that unit is 1
at one step t alone, e_s(T) times ds(T)/ds(t) times i(t) g'(net(t)). So input units are added, one
for each lag, that are 1 at their own step and have weights of 0, which changes nothing of the run;
and the gradients of those weights tell ds(T)/ds(t).
Source: Hochreiter & Schmidhuber (1997), appendix A.1, equations (27) and (28), and A.2, (35): it is
1 for the cell of 1997. Its counterpart in a plain recurrent network is `golden.rnn.error_flow`.
"""

from dataclasses import replace

import numpy as np

from golden.errors import InputError
from golden.learning import Parameters, gradient
from golden.network import Network
from golden.squash import Array, squash


def state_flow(net: Network, x: Array, lag: int) -> Array:
    """ds(T-1)/ds(T-1-q) of each cell under the truncated gradient, (lag + 1, C) for q = 0 to `lag`.

    Parameters
    ----------
    net : one layer and a readout, see `Parameters.of`; a weight from each cell to the outputs.
    x : (T, D), T > lag.

    Raises
    ------
    ModelError : a network that cannot learn.
    InputError : an x that does not fit; a lag outside 0 to T - 1; a cell at which no error arrives,
        or into which none can leave, since a function or a gate is at its end to the last bit.
    """
    if not 0 <= lag < len(x):
        raise InputError(f"state flow: lag {lag}, must be from 0 to {len(x) - 1}")
    trace, layer = net.run(x), net.layers[0]
    p, count = Parameters.of(net), lag + 1
    probes = np.zeros((len(x), count))
    probes[len(x) - 1 - np.arange(count), np.arange(count)] = 1.0
    wider = np.insert(p.hidden, [net.inputs] * count, 0.0, axis=1)
    probed = replace(p, hidden=wider, shape=replace(p.shape, inputs=net.inputs + count))
    target = trace.out[-1] + 1.0  # any that is missed
    changes = gradient(probed, np.column_stack((x, probes)), target).hidden[probed.rows("g")]
    arrived = changes[:, net.inputs : net.inputs + count].T
    i, z = trace.get("i"), trace.get("g")
    entered = np.repeat(i, layer.block_size, axis=-1) * squash(layer.g).derivative(z)
    local = entered[::-1][:count]
    if not np.all(local * arrived[0]):
        raise InputError("state flow: a function or a gate of a cell is at its end, nothing flows")
    return arrived / arrived[0] * local[0] / local

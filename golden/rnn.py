"""The plain recurrent network, for contrast: the one whose error signal fades.

    y(t) = f(W [x(t), y(t-1)] + b)          out = squash(V y + c)

Trained by back-propagation through time, an error that flows back q steps is multiplied by q
factors f'(net) w; where each is below 1 the product dies exponentially, and so does learning over
long lags.
Source: Hochreiter & Schmidhuber (1997), section 3.1, equations (1)-(2).
"""

from dataclasses import dataclass

import numpy as np

from golden.cell import LayerState, check_array
from golden.dense import Dense
from golden.errors import InputError, ModelError
from golden.fast_learning import constants, kernels
from golden.learning import Gradient, check_sequence
from golden.network import check_values, check_words
from golden.squash import Array, Squash, squash
from golden.trace import Trace


@dataclass(frozen=True)
class RecurrentNetwork:
    """One fully recurrent hidden layer and a readout.

    Attributes
    ----------
    weights : (H, D + H), columns x then y.  biases : (H,).
    readout : dense output units on y.
    squash : name of the squashing function of the hidden units.
    name, made_by : as of a `Network`.

    Raises
    ------
    ModelError : shapes that do not agree, an unknown squash, values that are not finite.
    """

    weights: Array
    biases: Array
    readout: Dense
    squash: str = "sigma"
    name: str = "rnn"
    made_by: str = ""

    def __post_init__(self) -> None:
        check_words(self.name, self.made_by)
        squash(self.squash)
        if np.ndim(self.weights) != 2:
            raise ModelError(
                f"hidden weights: shape {np.shape(self.weights)}, must be (units, sources)"
            )
        units, sources = self.weights.shape
        if units < 1 or sources <= units:
            have = f"shape {self.weights.shape} leaves {sources - units} inputs"
            raise ModelError(f"hidden weights: {have}, at least 1 is needed")
        check_array("hidden weights", self.weights, (units, sources))
        check_array("hidden biases", self.biases, (units,))
        check_array("readout weights", self.readout.weights, (self.readout.outputs, units))

    @property
    def units(self) -> int:
        return len(self.weights)

    @property
    def inputs(self) -> int:
        return self.weights.shape[1] - self.units

    @property
    def outputs(self) -> int:
        return self.readout.outputs

    def run(self, x: Array, state: Array | None = None) -> Trace:
        """Run over x (T, D) or (N, T, D) from hidden values `state` (H,) or (N, H), default zero.

        Returns
        -------
        A `Trace` with the one signal y (..., T, H), and out (..., T, K). Its state holds y of the
        last step; s and gates are of width 0.

        Raises
        ------
        InputError : a shape that does not fit, values that are not finite.
        """
        x = check_values(x, self.inputs)
        start = np.zeros((*x.shape[:-2], self.units)) if state is None else np.asarray(state)
        if start.shape != (*x.shape[:-2], self.units):
            raise InputError(f"state: shape {start.shape}, must be {(*x.shape[:-2], self.units)}")
        f = squash(self.squash)
        back = np.ascontiguousarray(self.weights[:, self.inputs :].T)
        net_x = x @ self.weights[:, : self.inputs].T + self.biases
        hidden = np.empty_like(net_x)
        y = start
        for t in range(x.shape[-2]):
            y = f(net_x[..., t, :] + y @ back)
            hidden[..., t, :] = y
        none = np.zeros((*y.shape[:-1], 0))
        return Trace(({"y": hidden},), self.readout.run(hidden), (LayerState(none, y, none),))


@dataclass(frozen=True)
class RecurrentParameters:
    """The weights, changed in place: hidden (H, D+H+1) and readout (K, H+1), the bias last."""

    hidden: Array
    readout: Array
    f: Squash
    out: Squash

    @classmethod
    def of(cls, net: RecurrentNetwork) -> "RecurrentParameters":
        hidden = np.column_stack((net.weights, net.biases))
        readout = np.column_stack((net.readout.weights, net.readout.biases))
        return cls(hidden, readout, squash(net.squash), squash(net.readout.squash))

    def network(self, name: str, made_by: str = "") -> RecurrentNetwork:
        """The network with these weights, copied; `ModelError` if they are not finite."""
        readout = Dense(self.readout[:, :-1].copy(), self.readout[:, -1].copy(), self.out.name)
        weights, biases = self.hidden[:, :-1].copy(), self.hidden[:, -1].copy()
        return RecurrentNetwork(weights, biases, readout, self.f.name, name, made_by)


def gradient(p: RecurrentParameters, x: Array, target: Array) -> Gradient:
    """The full gradient of E = 1/2 sum_k (target_k - out_k)^2 at the last step, through time.

    Parameters
    ----------
    x : (T, D) inputs.  target : (K,).
    """
    units = len(p.hidden)
    _check(p, x, target)
    u = np.empty((len(x), p.hidden.shape[1]))
    y = np.zeros((len(x) + 1, units))  # y[t + 1] is y(t)
    for t in range(len(x)):
        u[t] = np.concatenate((x[t], y[t], [1.0]))
        y[t + 1] = p.f(p.hidden @ u[t])
    seen = np.append(y[-1], 1.0)
    out = p.out(p.readout @ seen)
    e_k = p.out.derivative(out) * (target - out)
    theta = np.empty((len(x), units))  # the paper's error signal of each unit and step
    e_y = e_k @ p.readout[:, :-1]
    for t in reversed(range(len(x))):
        theta[t] = p.f.derivative(y[t + 1]) * e_y
        e_y = theta[t] @ p.hidden[:, -1 - units : -1]
    return Gradient(-theta.T @ u, -np.outer(e_k, seen), out)


def fast_gradient(p: RecurrentParameters, x: Array, target: Array) -> Gradient:
    """`gradient` compiled; `CarouselError` if numba is not installed."""
    _check(p, x, target)
    functions = constants(p.f), constants(p.out)
    arrays = (np.ascontiguousarray(values, dtype=np.float64) for values in (x, target))
    return Gradient(*kernels().rnn_gradient(p.hidden, p.readout, functions, *arrays))


def fast_train_sequence(p: RecurrentParameters, x: Array, target: Array, rate: float) -> Array:
    """One on-line step: change `p` by -rate * gradient; return the outputs from before it."""
    change = fast_gradient(p, x, target)
    p.hidden[:] -= rate * change.hidden
    p.readout[:] -= rate * change.readout
    return change.out


def _check(p: RecurrentParameters, x: Array, target: Array) -> None:
    check_sequence(x, target, p.hidden.shape[1] - len(p.hidden) - 1, len(p.readout))
    if target.ndim != 1:
        raise InputError(
            f"target: shape {target.shape}, must be ({len(p.readout)},): the last step's alone"
        )


def error_flow(net: RecurrentNetwork, y: Array, lag: int) -> Array:
    """How much of an error signal at the last step of `y` survives q steps back: equation (2).

    Parameters
    ----------
    y : (T, H), the hidden values of a run, T > lag.
    lag : the largest q.

    Returns
    -------
    (lag + 1, H, H): [q, v, u] = d theta_v(T-1-q) / d theta_u(T-1), the sum over all paths of the
    products of f'(net) w. The identity at q = 0.
    """
    if y.ndim != 2 or y.shape[1] != net.units or not 0 <= lag < len(y):
        raise InputError(
            f"error flow: y {y.shape} and lag {lag}, must be (T, {net.units}) with 0 <= lag < T"
        )
    slope = squash(net.squash).derivative(y)
    back = net.weights[:, net.inputs :].T  # theta_v(t-1) = f'_v(t-1) sum_u w_uv theta_u(t)
    flow = [np.eye(net.units)]
    for q in range(1, lag + 1):
        flow.append(slope[-1 - q][:, None] * (back @ flow[-1]))
    return np.array(flow)


def flow_bound(units: int, largest: float, lag: int, steepest: float = 0.25) -> float:
    """The paper's bound on every entry of `error_flow`: n tau^q with tau = n w_max f'_max.

    Parameters
    ----------
    units, largest : n and w_max, the largest |w| between hidden units.
    lag : q.
    steepest : f'_max; 0.25 for logistic units, 1 for tanh.
    """
    return units * (units * largest * steepest) ** lag

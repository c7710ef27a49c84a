"""Training on the integer model: what a torch module computes is what the integer network does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fixedpoint import FormatError, choose_formats
from fixedpoint.aware import Aware
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.rule import Rule
from golden import Dense, Network
from tests.fixedpoint import straight
from tests.fixedpoint.nets import layer, paper_network

pytestmark = pytest.mark.soak  # torch takes gigabytes, which `make test` does not install

KINDS = {
    "plain": lambda rng: [layer(rng, 3, 4)],
    "stacked": lambda rng: [layer(rng, 3, 4), layer(rng, 4, 5)],
    "projected": lambda rng: [layer(rng, 3, 4, projection=2), layer(rng, 2, 3)],
    "first state": lambda rng: [layer(rng, 3, 4, initial=("s", "y"))],
    "reverse": lambda rng: [replace(layer(rng, 3, 4), reverse=True)],
    "bidirectional": lambda rng: [
        layer(rng, 3, 4),
        replace(layer(rng, 3, 4, projection=3), reverse=True, beside=True),
        layer(rng, 7, 2),
    ],
}


def made(kind, bits, seed=0):
    """A random network with dense stages behind, its module, and input of unlike ranges."""
    rng = np.random.default_rng([bits, seed])
    layers = KINDS[kind](rng)
    width, head = layers[-1].shape.outputs, []
    for outputs, squash in ((3, "tanh"), (2, "identity"))[: int(rng.integers(3))]:
        head.append(Dense(rng.normal(size=(outputs, width)), rng.normal(size=outputs), squash))
        width = outputs
    output = str(rng.choice(["every", "last"]))
    net = Network(tuple(layers), tuple(head), output=output)
    x = rng.normal(size=(4, 9, 3)) * [1, 8, 0.1]
    return net, Aware(net, choose_formats(net, bits, x)), x


def same(module, x):
    """Whether the module gives what the integer network of its weights gives; beyond their
    formats too."""
    qnet = module.quantized()
    wanted = qnet.run(qnet.encode(3 * x)[0]).value("out")
    return np.array_equal(module(torch.tensor(3 * x)).detach().numpy(), wanted)


@pytest.mark.parametrize("bits", [4, 8, 12, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_forward_is_the_integer_network_to_the_bit_before_and_after_training(kind, bits):
    for seed in range(3):
        net, module, x = made(kind, bits, seed)
        assert same(module, x)
        steps = torch.optim.SGD(module.parameters(), 0.1)
        module(torch.tensor(x)).square().mean().backward()
        steps.step()
        assert same(module, x)
        trained = module.network().layers[0].weights["g"]
        assert bits == 4 or not np.array_equal(trained, net.layers[0].weights["g"])


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_each_operation_one_after_the_other(kind, bits):
    """Against torch's own of plain operations, of x and all weights, with and without limiting."""
    for seed, largest in ((0, 1), (1, 3)):
        _, module, x = made(kind, bits, seed)
        learnt = [values for values in module.parameters() if values.requires_grad]
        x = torch.tensor(largest * x, requires_grad=True)
        outer = torch.tensor(np.random.default_rng(seed).normal(size=module(x).shape))
        found, wanted = (
            torch.autograd.grad((run(x) * outer).sum(), [x, *learnt])
            for run in (module, lambda x, module=module: straight.network(module, x))
        )
        for ours, theirs in zip(found, wanted, strict=True):
            assert (ours - theirs).abs().max() <= 1e-12 * theirs.abs().max()


def test_a_module_may_run_again_before_gradients_go_back():
    _, module, x = made("stacked", 8)
    x, other = torch.tensor(x), torch.tensor(x[::-1].copy())
    alone = [
        torch.autograd.grad(module(each).square().sum(), module.layers[0].rows.weights)[0]
        for each in (x, other)
    ]
    both = module(x).square().sum() + module(other).square().sum()
    (found,) = torch.autograd.grad(both, module.layers[0].rows.weights)
    assert torch.allclose(found, sum(alone), rtol=1e-12)


def test_gradients_are_those_of_float_where_codes_are_fine():
    """At 20 bits, against torch's own derivative of the real function by differences."""
    net, module, x = made("plain", 20, 1)
    module(torch.tensor(x)).sum().backward()
    rows = module.layers[0].rows
    for row, column in ((0, 0), (3, 5)):
        found, step = rows.weights.grad[4 + row, column].item(), 1e-5  # f is behind four of i
        ends = []
        for by in (-step, step):
            weights = {kind: values.copy() for kind, values in net.layers[0].weights.items()}
            weights["f"][row, column] += by
            moved = replace(net, layers=(replace(net.layers[0], weights=weights),))
            ends.append(moved.run(x).out.sum())
        assert found == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=0.02, abs=1e-3)


def test_a_weight_beyond_its_format_has_no_gradient():
    _, module, x = made("plain", 8)
    rows = module.layers[0].rows
    with torch.no_grad():
        rows.weights[1, 2] = 1e6
    module(torch.tensor(x)).square().sum().backward()
    assert rows.weights.grad[1, 2] == 0 and rows.weights.grad[1, 3] != 0


@pytest.mark.parametrize("kind", ("stacked", "projected"))
def test_what_was_pruned_stays_so(kind):
    """A weight of 0 has no gradient, whatever the optimizer remembers; all others move."""
    rng = np.random.default_rng(5)
    net, module, x = made(kind, 12)
    layers = tuple(
        replace(real, weights={k: w * (rng.random(w.shape) < 0.5) for k, w in real.weights.items()})
        for real in net.layers
    )
    net = replace(net, layers=layers)
    module = Aware(net, choose_formats(net, 12, x))
    steps = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(3):
        steps.zero_grad()
        module(torch.tensor(x)).square().mean().backward()
        steps.step()
    for before, after in zip(net.layers, module.network().layers, strict=True):
        for name, weights in before.weights.items():
            assert np.all(after.weights[name][weights == 0] == 0)
            assert np.any(after.weights[name][weights != 0] != weights[weights != 0])
    assert same(module, x)


@pytest.mark.parametrize("seed", (1, 2, 3))
def test_training_makes_narrow_weights_better(seed):
    """Weights of 4 bits, towards the float network's own outputs; x and y have 8, whose rounding,
    which no weight takes back, is a hundredth of the first error."""
    rng = np.random.default_rng(seed)
    net, x = Network((layer(rng, 3, 8),)), rng.normal(size=(16, 12, 3))
    seen = Seen.measure(net, x)
    formats = formats_of(net, replace(Rule(8).widths(net, seen), weights=4), seen)
    module, wanted = Aware(net, formats), torch.tensor(net.run(x).out)
    steps, errors = torch.optim.Adam(module.parameters(), 3e-3), []
    for k in range(60):
        steps.param_groups[0]["lr"] = 3e-3 * (1 - k / 60)
        steps.zero_grad()
        error = (module(torch.tensor(x)) - wanted).square().mean()
        error.backward()
        steps.step()
        errors.append(error.item())
    assert formats.layers[0].y.lsb ** 2 / 12 < 0.01 * errors[0]
    assert min(errors[-10:]) < 0.75 * errors[0]


def test_what_torch_has_not_is_refused():
    net, x = paper_network()
    with pytest.raises(FormatError, match="layer 0 is not an LSTM layer as torch has it"):
        Aware(net, choose_formats(net, 8, x))

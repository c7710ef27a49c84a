"""The integer model's steps in torch's own operations, past whose roundings gradients go."""

from functools import lru_cache

import torch

from fixedpoint.gradients import slopes


def rounded(values, shift=0):
    """values / 2^shift to the nearest; backward as if nothing were rounded."""
    values = values * 2.0**-shift
    return torch.floor(values + 0.5).detach() + (values - values.detach())


def limited(values, low, high):
    """Backward where nothing is limited; a value at its limit is not, whatever torch's own says."""
    inside = (values >= low) & (values <= high)
    return values.clamp(low, high).detach() + inside * (values - values.detach())


@lru_cache
def tables(unit):
    """What a squash gives, and its slopes."""
    return torch.tensor(unit.lookup()), torch.tensor(slopes(unit))


def looked_up(unit, codes):
    """What a squash gives; backward by its slope."""
    index = codes.detach().long() - unit.low
    value, slope = (table[index] for table in tables(unit))
    return value + slope * (codes - codes.detach())


def coded(rows):
    """Codes of a stage's weights, on the common scale, and biases."""
    weights = limited(rounded(rows.weights * rows.scale), rows.low, rows.high) * rows.common
    return weights, rounded(rows.biases * rows.bias_scale)


def layer(part, x):
    """A layer: codes (T, N, D) to codes (T, N, outputs)."""
    fixed = part.fixed
    shape, forms, again = fixed.shape, fixed.formats, fixed.projection
    weights, biases = coded(part.rows)
    rows, by_kind = len(biases) // 4, (fixed.gate, fixed.gate, fixed.gate, fixed.g)
    s, y = (
        torch.tensor(codes).double().expand(x.shape[1], -1)
        for codes in (fixed.initial.s, fixed.initial.y)
    )
    found = []
    for u in x.flip(0) if shape.reverse else x:
        sums = (torch.cat([u, y], 1) @ weights.T + biases).split(rows, 1)
        nets = zip(by_kind, sums, shape.kinds, strict=True)
        i, f, o, g = (
            looked_up(unit, limited(rounded(own, fixed.net_shift(kind)), unit.low, unit.high))
            for unit, own, kind in nets
        )
        kept, added = rounded(f * s, fixed.keep_shift), rounded(i * g, fixed.input_shift)
        s = limited(kept + added, forms.s.low, forms.s.high)
        h = looked_up(fixed.h, limited(rounded(s, fixed.h_shift), fixed.h.low, fixed.h.high))
        y = rounded(o * h, fixed.output_shift)
        y = limited(y, forms.cell_output.low, forms.cell_output.high)
        if again is not None:
            y = rounded(y @ coded(part.projection)[0].T, int(again.shifts[0]))
            y = limited(y, forms.y.low, forms.y.high)
        found.append(y)
    out = torch.stack(found)
    return out.flip(0) if shape.reverse else out


def network(module, x):
    """What `Aware` gives for real x (N, T, D)."""
    qnet = module.qnet
    scale = 2.0 ** (torch.tensor(qnet.formats.scales) + qnet.formats.input.frac)
    form = qnet.formats.input
    codes = limited(rounded(x * scale), form.low, form.high).transpose(0, 1)
    for stage in module.net.stages:
        codes = torch.cat([layer(module.layers[k], codes) for k in stage], 2)
    codes = codes[-1:] if module.net.output == "last" else codes
    for rows, stage in zip(module.head, qnet.head, strict=True):
        weights, biases = coded(rows)
        unit = stage.squash
        codes = rounded(codes @ weights.T + biases, int(stage.shifts[0]))
        codes = limited(codes, unit.low, unit.high)
        codes = codes if unit.squash.linear else looked_up(unit, codes)
    return codes.transpose(0, 1) * qnet.out_format.lsb

// The same network in float64, from the same weights: the truth that the formats round.
"use strict";

/** A squashing function, an affine image of the logistic sigma or an identity with limits. */
function squashOf({ linear, low, high, scale, slope, offset }) {
  if (linear) {
    const least = low ?? -Infinity;
    const most = high ?? Infinity;
    return (a) => Math.min(Math.max(a, least), most);
  }
  if (offset) return (a) => (scale / 2) * Math.tanh((a * slope) / 2);
  return (a) => scale / (1 + Math.exp(-slope * a));
}

/** Row by row: bias and weighted sum. */
function sums(weights, biases, sources) {
  const found = new Array(weights.length);
  for (let k = 0; k < weights.length; k++) {
    const row = weights[k];
    let sum = biases[k];
    for (let n = 0; n < row.length; n++) sum += row[n] * sources[n];
    found[k] = sum;
  }
  return found;
}

class FloatLayer {
  constructor(layer) {
    this.layer = layer;
    this.gate = this.clipped(squashOf(layer.gate), layer.clip.gate);
    this.g = this.clipped(squashOf(layer.g), layer.clip.g);
    this.h = squashOf(layer.h);
    this.reset();
  }

  clipped(squash, ends) {
    return ends ? (a) => squash(Math.min(Math.max(a, ends[0]), ends[1])) : squash;
  }

  reset() {
    const { layer } = this;
    this.s = [...layer.initial.s];
    this.y = [...layer.initial.y];
    this.gates = new Array(layer.gates.length * layer.blocks).fill(0);
  }

  /** The net inputs of a gate, with what it sees of a state. */
  net(kind, sources, state) {
    const { weights, biases, peepholes } = this.layer;
    const found = sums(weights[kind], biases[kind], sources);
    return peepholes[kind] ? found.map((sum, k) => sum + peepholes[kind][k] * state[k]) : found;
  }

  /** A step: x to y; all signals by kind are left in `this.signals`. */
  step(x) {
    const { layer, s: before } = this;
    const sources = [...x, ...this.y, ...(layer.gate_recurrence ? this.gates : [])];
    const block = (cell) => Math.floor(cell / layer.block_size);
    const i = this.net("i", sources, before).map(this.gate);
    const f = layer.gates.includes("f") ? this.net("f", sources, before).map(this.gate) : null;
    const keep = f ?? (layer.coupled ? i.map((gate) => 1 - gate) : i.map(() => 1));
    const g = sums(layer.weights.g, layer.biases.g, sources).map(this.g);
    const s = g.map((value, c) => keep[block(c)] * before[c] + i[block(c)] * value);
    const o = this.net("o", sources, s).map(this.gate);
    const m = s.map((state, c) => o[block(c)] * this.h(state));
    const none = () => new Array(layer.projection.length).fill(0);
    const y = layer.projection ? sums(layer.projection, none(), m) : m;
    this.signals = { i, ...(f ? { f } : {}), o, g, s, m, y };
    Object.assign(this, { s, y, gates: [...i, ...(f ?? []), ...o] });
    return y;
  }
}

class FloatNetwork {
  constructor(net) {
    this.layers = net.layers.map((layer) => new FloatLayer(layer));
    this.head = net.head.map((stage) => ({ ...stage, squash: squashOf(stage.squash) }));
  }

  reset() {
    this.layers.forEach((layer) => layer.reset());
  }

  /** A step: x to the outputs. */
  step(x) {
    const y = this.layers.reduce((values, layer) => layer.step(values), x);
    const dense = (values, { weights, biases, squash }) =>
      sums(weights, biases, values).map(squash);
    return this.head.reduce(dense, y);
  }
}

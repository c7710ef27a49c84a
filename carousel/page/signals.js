// The picture of a run: gates as strips, states and outputs as lines, part by part of the sequence.
"use strict";

const LEFT = 66; // for names
const GATES = { i: "in-door", f: "keep", o: "out-door" };

/** Where each part stands: symbols as wide as a letter, lags share what is left. */
function pieces(run, width) {
  const weigh = (part) => (run.length(part) === 1 ? 0 : Math.log2(run.length(part) + 1));
  const narrow = run.parts.filter((part) => !weigh(part)).length;
  const heavy = run.parts.reduce((sum, part) => sum + weigh(part), 0);
  const letter = Math.min(26, (width - LEFT) / Math.max(run.parts.length, 1));
  const rest = width - LEFT - narrow * letter;
  let at = LEFT;
  return run.parts.map((part, k) => {
    const wide = weigh(part) ? (rest * weigh(part)) / heavy : letter;
    at += wide;
    const length = run.length(part);
    return { part, length, history: run.histories[k], from: at - wide, to: at, step: wide / length };
  });
}

function drawSignals(canvas, run, name) {
  const { pen, width, height } = canvasOf(canvas);
  const shown = pieces(run, width);
  const { gates, states, outputs } = channels(run);
  const strip = Math.min(15, 120 / Math.max(gates.length, 1));
  drawParts(pen, shown, name, height);
  gates.forEach((gate, k) => drawStrip(pen, shown, gate, 22 + k * strip, strip - 2));
  const top = 22 + gates.length * strip + 16;
  const half = (height - top - 14) / 2;
  const box = { width, top, height: half };
  drawLines(pen, shown, states, box, "states");
  drawLines(pen, shown, outputs, { ...box, top: top + half + 14 }, "outputs");
}

/** Which of the values in a history is what: of each signal gateware, then float. */
function channels(run) {
  const found = { gates: [], states: [], outputs: [] };
  let at = 0;
  const pair = (count) => {
    const units = Array.from({ length: count }, (_, k) => [at + k, at + count + k]);
    at += 2 * count;
    return units;
  };
  for (const { kind, places } of run.signals) {
    const units = pair(places.length);
    if (kind === "s") found.states.push(...units);
    else found.gates.push(...units.map(([own], k) => ({ own, name: `${GATES[kind]} ${k + 1}` })));
  }
  found.outputs = pair(run.data.core.outputs);
  return found;
}

/** The names of the parts above, and lines where a lag begins and ends. */
function drawParts(pen, shown, name, height) {
  pen.textAlign = "center";
  for (const { part, length, from, to } of shown) {
    const text = name(part);
    pen.fillStyle = colour(length > 1 ? "quiet" : "ink");
    if (pen.measureText(text).width < to - from) pen.fillText(text, (from + to) / 2, 12);
    if (length > 1) for (const x of [from, to]) guide(pen, [x, 18], [x, height]);
  }
}

/** A gate over time: the more it is open, the stronger its colour. */
function drawStrip(pen, shown, { own, name }, top, high) {
  pen.textAlign = "left";
  pen.fillStyle = colour("quiet");
  pen.fillText(name, 0, top + high - 2);
  for (const { history, from, to, step } of shown) {
    pen.fillStyle = colour("off");
    pen.fillRect(from + 0.5, top, to - from - 1, high);
    pen.fillStyle = colour("gateware");
    history.high.forEach((values, k) => {
      const x = from + k * history.each * step;
      pen.globalAlpha = Math.min(Math.max(values[own], 0), 1);
      pen.fillRect(x, top, Math.max(Math.min(history.each * step, to - x), 0.7), high);
    });
    pen.globalAlpha = 1;
  }
}

/** Signals over time: float64 broad, the gateware on it. */
function drawLines(pen, shown, units, { width, top, height }, title) {
  const [low, high] = extent(shown, units.flat());
  const y = (value) => top + height - ((value - low) / (high - low)) * height;
  pen.textAlign = "left";
  pen.fillStyle = colour("quiet");
  pen.fillText(title, 0, top + height / 2 + 4);
  for (const mark of [low, high]) {
    pen.fillStyle = colour("quiet");
    pen.fillText(mark.toPrecision(3), 0, y(mark) + (mark === low ? 0 : 10));
    guide(pen, [LEFT, y(mark)], [width, y(mark)]);
  }
  for (const which of [1, 0]) {
    halo(pen, which === 1);
    for (const unit of units) trace(pen, shown, unit[which], y);
    pen.globalAlpha = 1;
  }
}

/** From the lowest to the highest value, and at least from 0 to 1. */
function extent(shown, units) {
  let [low, high] = [0, 1];
  for (const { history } of shown) {
    for (const unit of units) {
      for (const row of history.low) if (row[unit] < low) low = row[unit];
      for (const row of history.high) if (row[unit] > high) high = row[unit];
    }
  }
  return [low, high];
}

/** One signal: up and down between the lowest and the highest of every piece. */
function trace(pen, shown, channel, y) {
  pen.beginPath();
  for (const { history, from, to, step } of shown) {
    history.low.forEach((values, k) => {
      if (!Number.isFinite(values[channel])) return;
      const x = Math.min(from + (k + 0.5) * history.each * step, to);
      pen.lineTo(x, y(values[channel]));
      if (history.high[k][channel] !== values[channel]) pen.lineTo(x, y(history.high[k][channel]));
    });
  }
  pen.stroke();
}

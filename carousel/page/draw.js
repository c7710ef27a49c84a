// Small drawing helpers: canvases as sharp as the screen, colours of the style sheet, bits.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
const element = (id) => document.getElementById(id);

/** A canvas of its own size in pixels of the page; cleared. */
function canvasOf(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  pen.lineJoin = "round";
  return { pen, width, height };
}

/** A line through the points of `place`, (x, y) by number. */
function line(pen, count, place) {
  pen.beginPath();
  for (let k = 0; k < count; k++) pen.lineTo(...place(k));
  pen.stroke();
}

/** A thin line that only guides the eye. */
function guide(pen, from, to) {
  pen.lineWidth = 1;
  pen.strokeStyle = colour("line");
  line(pen, 2, (k) => (k ? to : from));
}

/** The stroke of a line: float64 broad and pale, so that the gateware is seen on it. */
function halo(pen, float) {
  pen.strokeStyle = colour(float ? "float" : "gateware");
  pen.lineWidth = float ? 7 : 2;
  pen.globalAlpha = float ? 0.4 : 1;
}

/** The squares of a code's bits, the highest first, two's complement. */
function showBits(box, code, width) {
  while (box.children.length < width) box.append(document.createElement("i"));
  for (let k = 0; k < width; k++) {
    box.children[k].classList.toggle("on", ((code >> (width - 1 - k)) & 1) === 1);
  }
}

/** A number with its sign, always as wide. */
function signed(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) < 0 ? text.replace("-", "−") : ` ${text.replace("-", "")}`;
}

const whole = (count) => count.toLocaleString("en");
const amount = (size) => (size < 10 ? String(Number(size.toPrecision(2))) : whole(Math.round(size)));

/** Random whole numbers from a seed: the same sequence on every machine (xorshift). */
class Dice {
  constructor(seed) {
    this.state = seed | 1;
  }

  below(count) {
    let { state } = this;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state;
    return (state >>> 0) % count;
  }
}

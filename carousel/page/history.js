// What is kept of a long run to draw it: lowest and highest of every signal, in a few hundred pieces.
"use strict";

const PIECES = 400; // at most, of a part of a sequence

/** Lowest and highest of some signals over the steps of one part, in pieces of equal length. */
class History {
  constructor() {
    this.each = 1; // steps a piece
    this.steps = 0;
    this.low = [];
    this.high = [];
  }

  push(values) {
    if (this.steps % this.each === 0) {
      if (this.low.length === PIECES) this.halve();
      this.low.push(values.slice());
      this.high.push(values.slice());
    } else {
      const [low, high] = [this.low.at(-1), this.high.at(-1)];
      for (let k = 0; k < values.length; k++) {
        if (values[k] < low[k]) low[k] = values[k];
        if (values[k] > high[k]) high[k] = values[k];
      }
    }
    this.steps++;
  }

  /** Two pieces become one. */
  halve() {
    const pairs = (rows, better) =>
      Array.from({ length: rows.length / 2 }, (_, k) =>
        rows[2 * k].map((value, n) => better(value, rows[2 * k + 1][n])),
      );
    this.low = pairs(this.low, Math.min);
    this.high = pairs(this.high, Math.max);
    this.each *= 2;
  }
}

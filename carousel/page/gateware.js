// The gateware: a core's own Verilog, compiled to WebAssembly, and what it shows of its signals.
"use strict";

/** Bytes that the page carries: base64 of gzip. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

class Gateware {
  /** A core, from what the page says of it. */
  static async load(core) {
    const stub = () => 0; // the runtime can report to a file; a core has nothing to report
    const wasi_snapshot_preview1 = { fd_close: stub, fd_seek: stub, fd_write: stub };
    const bytes = await unpack(core.wasm);
    const { instance } = await WebAssembly.instantiate(bytes, { wasi_snapshot_preview1 });
    instance.exports._initialize();
    return new Gateware(core, instance.exports);
  }

  constructor(core, wasm) {
    this.core = core;
    this.wasm = wasm;
    this.reset();
  }

  /** Back to the state after power-up. */
  reset() {
    this.wasm.reset();
  }

  get clocks() {
    return this.wasm.clocks();
  }

  /**
   * Run some steps, back to back.
   *
   * codes: those of the input vectors, one after another, of at most `core.room` steps.
   * first, last: whether the first vector begins a sequence, and the last one ends it.
   * Gives `out`, the codes that left, and `signals`, by stream the codes that passed, in order.
   */
  run(codes, first, last) {
    const { core, wasm } = this;
    const steps = codes.length / core.inputs;
    new Int32Array(wasm.memory.buffer, wasm.inputs(), codes.length).set(codes);
    const left = wasm.run(steps, first ? 1 : 0, last ? 1 : 0);
    if (left < 0) throw new Error("the core stands still");
    const take = (place, count) => new Int32Array(wasm.memory.buffer, place, count).slice();
    return {
      out: take(wasm.outputs(), left),
      signals: core.streams.map((rows, k) => take(wasm.signals(k), steps * rows.length)),
    };
  }

  /** Where a signal's units stand: [stream, place in its step], in the units' order. */
  places(layer, kind) {
    const found = [];
    this.core.streams.forEach((rows, stream) =>
      rows.forEach((row, place) => {
        if (row.layer === layer && row.kind === kind) found[row.index] = [stream, place];
      }),
    );
    return found;
  }

  /** The codes of such places at a step of what `run` gave. */
  read(shown, places, step) {
    return places.map(
      ([stream, place]) => shown.signals[stream][step * this.core.streams[stream].length + place],
    );
  }
}

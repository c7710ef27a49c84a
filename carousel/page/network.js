// The network: sequences that one composes, run by the gateware and in float64 side by side.
"use strict";

const LAGS = [10, 1000, 100000, 1000000];
const TURN = 24; // milliseconds of work between two looks at the keyboard

/** A network that runs a sequence of parts: {symbol}, {lag} or {sequence}. */
class NetworkRun {
  constructor(data, gateware, parts) {
    Object.assign(this, { data, gateware, parts });
    this.float = new FloatNetwork(data.float);
    this.dice = new Dice(6);
    this.histories = parts.map(() => new History());
    this.drifts = parts.map(() => null);
    this.done = 0;
    this.total = parts.reduce((sum, part) => sum + this.length(part), 0);
    this.work = this.chunks();
    const { layers } = data.core;
    this.signals = layers.flatMap((kinds, layer) =>
      Object.entries(kinds)
        .filter(([kind]) => "ifos".includes(kind))
        .map(([kind, form]) => ({ layer, kind, form, places: gateware.places(layer, kind) })),
    );
    this.states = this.signals.filter((signal) => signal.kind === "s");
    this.values = new Float64Array(
      2 * (this.signals.reduce((sum, one) => sum + one.places.length, 0) + data.core.outputs),
    ).fill(NaN);
  }

  length(part) {
    if (part.lag !== undefined) return part.lag;
    return part.sequence === undefined ? 1 : this.data.symbols.sequences[part.sequence].length;
  }

  /** The number of the vector at a step of a part; a lag is random. */
  vector(part, step) {
    const { between, sequences } = this.data.symbols;
    if (part.lag !== undefined) return between[this.dice.below(between.length)];
    return part.sequence === undefined ? part.symbol : sequences[part.sequence][step];
  }

  /** One call of the core after another. */
  *chunks() {
    const { room } = this.gateware.core;
    for (const [place, part] of this.parts.entries()) {
      const length = this.length(part);
      for (let at = 0; at < length; at += room) {
        const steps = Math.min(room, length - at);
        this.chunk(place, Array.from({ length: steps }, (_, t) => this.vector(part, at + t)));
        this.done += steps;
        yield;
      }
    }
  }

  chunk(place, numbers) {
    const { core, symbols } = this.data;
    const codes = new Int32Array(numbers.flatMap((number) => symbols.vectors[number]));
    const last = this.done + numbers.length === this.total;
    const shown = this.gateware.run(codes, this.done === 0, last);
    const outs = core.every || last ? shown.out : [];
    numbers.forEach((number, t) => {
      this.outFloat = this.float.step(symbols.vectors[number].map((x, k) => x * 2 ** -core.input.fracs[k]));
      if (core.every || (last && t === numbers.length - 1)) {
        const at = core.every ? t * core.outputs : 0;
        this.out = Array.from(outs.slice(at, at + core.outputs));
      }
      this.note(place, shown, t);
    });
  }

  /** Keep what is drawn, and how far states have moved in a lag. */
  note(place, shown, t) {
    const { values } = this;
    let at = 0;
    for (const one of this.signals) {
      const lsb = 2 ** -one.form.frac;
      const real = this.float.layers[one.layer].signals[one.kind];
      const codes = this.gateware.read(shown, one.places, t);
      for (const code of codes) values[at++] = code * lsb;
      for (const value of real) values[at++] = value;
      Object.assign(one, { codes, real });
    }
    const lsb = 2 ** -this.data.core.output.frac;
    for (const code of this.out ?? []) values[at++] = code * lsb;
    if (this.out) for (const value of this.outFloat) values[at++] = value;
    this.histories[place].push(values);
    const lag = this.parts[place].lag !== undefined;
    if (lag && this.before) {
      this.follow((this.drifts[place] ??= { from: this.before, gateware: 0, float: 0 }));
    }
    this.before = this.states.map(({ codes, real }) => ({ codes, real }));
  }

  /** How far the states are from where they were as a lag began. */
  follow(drift) {
    this.states.forEach(({ codes, real }, k) => {
      const from = drift.from[k];
      for (let n = 0; n < codes.length; n++) {
        drift.gateware = Math.max(drift.gateware, Math.abs(codes[n] - from.codes[n]));
        drift.float = Math.max(drift.float, Math.abs(real[n] - from.real[n]));
      }
    });
  }

  /** Work for a while; false when all is done. */
  turn() {
    const end = performance.now() + TURN;
    while (performance.now() < end) if (this.work.next().done) return false;
    return true;
  }
}

/** Composing, running and what is shown of it. */
class NetworkView {
  constructor(data, gateware) {
    Object.assign(this, { data, gateware, parts: [], lag: LAGS[1], run: null, story: null });
    const { core, symbols, name } = data;
    element("net-about").textContent = symbols.names.length
      ? "Here nobody stands at the doors: the network has learnt when to open them. Tell it something, let time pass, and see what it answers at the end. A lag is filled with random symbols that mean nothing."
      : "Here nobody stands at the doors: the network has learnt when to open them. Play the sequences it was given, with lags of their steps in random order between them.";
    element("net-name").textContent =
      `${name}: ${core.inputs} inputs, ${core.outputs} outputs, ${core.cycles} clocks a step with ` +
      `${core.lanes} multipliers.`;
    element("go").addEventListener("click", () => (this.running ? this.stop() : this.start()));
    element("clear").addEventListener("click", () => this.compose([]));
    this.buttons();
    const first = Object.values(symbols.stories)[1];
    this.compose(first ? this.told(first) : [{ sequence: 0 }]);
  }

  told(story) {
    return story.map((part) => (part.lag === null ? { lag: this.lag, chosen: true } : part));
  }

  buttons() {
    const { names, stories, sequences } = this.data.symbols;
    const button = (box, text, act) => {
      const made = document.createElement("button");
      made.textContent = text;
      made.addEventListener("click", act);
      element(box).append(made);
      return made;
    };
    for (const [name, story] of Object.entries(stories)) {
      button("stories", name, () => this.compose(this.told(story)));
    }
    this.lagButtons = LAGS.map((lag) => button("lags", whole(lag), () => this.setLag(lag)));
    names.forEach((name, symbol) => button("palette", name, () => this.add({ symbol })));
    sequences.forEach((_, k) =>
      button("palette", `sequence ${k + 1}`, () => this.add({ sequence: k })),
    );
    button("palette", "+ a lag", () => this.add({ lag: this.lag, chosen: true }));
    this.setLag(this.lag);
  }

  setLag(lag) {
    this.lag = lag;
    this.lagButtons.forEach((made, k) => made.setAttribute("aria-pressed", LAGS[k] === lag));
    if (this.parts.length && !this.running) {
      this.compose(this.parts.map((part) => (part.chosen ? { ...part, lag } : part)));
    }
  }

  add(part) {
    this.compose([...this.parts, part]);
  }

  name(part) {
    if (part.lag !== undefined) return `${whole(part.lag)} steps`;
    if (part.sequence !== undefined) return `sequence ${part.sequence + 1}`;
    return this.data.symbols.names[part.symbol];
  }

  compose(parts) {
    this.stop();
    this.parts = parts;
    this.run = null;
    const items = parts.map((part, k) => {
      const item = document.createElement("li");
      const made = document.createElement("button");
      made.textContent = this.name(part);
      made.title = "take it out";
      made.addEventListener("click", () => this.compose(parts.filter((_, n) => n !== k)));
      item.classList.toggle("lag", part.lag !== undefined);
      item.append(made);
      return item;
    });
    element("sequence").replaceChildren(...items);
    element("go").disabled = parts.length === 0;
    this.show();
  }

  /** Run to the end, in turns, so that the page stays alive. */
  async start() {
    this.gateware.reset();
    this.run = new NetworkRun(this.data, this.gateware, this.parts);
    this.running = this.run;
    this.began = performance.now();
    element("go").textContent = "Stop";
    const { run } = this;
    let rest = 0; // drawing takes a tenth of the time at most
    while (this.running === run && run.turn()) {
      const now = performance.now();
      if (now > rest) {
        this.show();
        rest = performance.now() + Math.max(50, 9 * (performance.now() - now));
      }
      await new Promise((resume) => setTimeout(resume));
    }
    if (this.running === run) this.stop();
  }

  stop() {
    this.running = null;
    element("go").textContent = "Run";
    this.show();
  }

  show() {
    const { run } = this;
    element("progress").max = Math.max(run?.total ?? 1, 1);
    element("progress").value = run?.done ?? 0;
    element("pace").textContent = run ? this.pace(run) : "";
    const drawn = run ?? new NetworkRun(this.data, this.gateware, this.parts);
    drawSignals(element("signals"), drawn, (part) => this.name(part));
    const ended = run && run.done === run.total && run.total > 0;
    element("answer").replaceChildren(...(ended ? this.answer(run) : []));
    element("drift").replaceChildren(...(run ? this.drift(run) : []));
  }

  pace(run) {
    const rate = run.done / ((performance.now() - this.began) / 1000);
    if (!this.running) return `${whole(run.done)} steps, ${whole(run.done * run.data.core.cycles)} clocks`;
    const left = Math.ceil((run.total - run.done) / rate);
    return `${whole(run.done)} of ${whole(run.total)} steps, ${whole(Math.round(rate))} a second, ${left} s to go`;
  }

  /** The outputs after the last step. */
  answer(run) {
    const { core, classes } = this.data;
    const values = run.out.map((code) => code * 2 ** -core.output.frac);
    const best = values.indexOf(Math.max(...values));
    const head = document.createElement("p");
    head.className = "headline";
    head.textContent = classes.length
      ? `The network answers: ${classes[best].split("").join(" then ")}`
      : "The outputs after the last step";
    const bars = values.map((value, k) => {
      const bar = document.createElement("div");
      bar.className = `bar${classes.length && k === best ? " best" : ""}`;
      const name = document.createElement("span");
      name.textContent = classes[k] ?? `out ${k + 1}`;
      const track = document.createElement("div");
      track.className = "track";
      const fill = document.createElement("span");
      fill.style.width = `${100 * Math.min(Math.max(value, 0), 1)}%`;
      track.append(fill);
      const number = document.createElement("span");
      number.className = "number";
      number.textContent = `${signed(value, 4)} ${signed(run.outFloat[k], 4)}`;
      number.title = "gateware, float64";
      bar.append(name, track, number);
      return bar;
    });
    return [head, ...bars];
  }

  /** How far a state moved at most in each lag. */
  drift(run) {
    const lags = run.parts
      .map((part, k) => ({ part, moved: run.drifts[k] }))
      .filter(({ moved }) => moved);
    if (!lags.length) return [];
    const row = (cells) => {
      const made = document.createElement("tr");
      cells.forEach(([text, style], k) => {
        const cell = document.createElement(k ? "td" : "th");
        cell.textContent = text;
        if (style) cell.className = style;
        made.append(cell);
      });
      return made;
    };
    const { frac } = run.states[0].form;
    const head = row([["a state moved at most, in a lag of"], ["gateware"], ["float64"]]);
    return [
      head,
      ...lags.map(({ part, moved }) =>
        row([
          [this.name(part)],
          [`${whole(moved.gateware)} LSB`, moved.gateware ? "some" : "none"],
          [`${amount(moved.float * 2 ** frac)} LSB`, "some"],
        ]),
      ),
    ];
  }
}

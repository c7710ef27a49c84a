// The safe: one cell with two doors; beside it an LSTM in float64 and a plain recurrent unit.
"use strict";

const PAST = 600; // moments that the strip shows

/** What somebody at the doors does, and what the three memories make of it. */
class Safe {
  constructor(data, gateware) {
    this.gateware = gateware;
    this.lstm = new FloatNetwork(data.float);
    this.dice = new Dice(1997);
    const { core } = data;
    this.format = core.layers[0].s;
    this.units = core.input.fracs.map((frac) => 2 ** frac); // codes of each input a one has
    this.lsb = 2 ** -this.format.frac;
    this.grain = Math.max(this.lsb, 1 / this.units[0]); // what comes is a multiple of it
    this.gateOne = 2 ** core.layers[0].i.frac;
    this.readOne = 2 ** core.layers[0].y.frac;
    this.places = ["s", "i", "o", "y"].map((kind) => gateware.places(0, kind));
    this.open = { in: false, out: false };
    this.value = 0.75;
    this.empty();
  }

  /** A new sequence: nothing is inside. */
  empty() {
    this.begins = true;
    this.coming = false; // the value is before the door
    this.once = false; // the in-door is open for this step alone
    this.lstm.reset();
    this.plain = 0;
    this.steps = 0;
    this.shutFor = 0;
    this.now = { s: 0, i: 0, o: 0, y: 0, x: 0, lstm: 0, plain: 0 };
    this.kept = { ...this.now };
    this.past = [];
  }

  /** Open or shut a door. What one wants to put in comes as the in-door opens, then what comes. */
  turn(door, open = !this.open[door]) {
    if (door === "in" && open && !this.open.in) this.coming = true;
    this.open[door] = open;
  }

  /** Open the in-door for one step. */
  put() {
    this.coming = this.once = true;
  }

  /** What comes in the next step, a number that input and state can hold exactly. */
  next() {
    const { grain } = this;
    const street = this.dice.below(1 / grain) * grain - 0.5;
    const x = this.coming ? Math.round(this.value / grain) * grain : street;
    this.coming = false;
    return x;
  }

  /** Run steps; the doors stand still meanwhile, but for the one step of `put`. */
  run(steps) {
    while (steps > 0) {
      const count = this.once ? 1 : Math.min(steps, this.gateware.core.room);
      this.chunk(count);
      this.once = false;
      steps -= count;
    }
    this.past.push({ s: this.now.s * this.lsb, lstm: this.now.lstm, plain: this.now.plain });
    if (this.past.length > PAST) this.past.shift();
  }

  chunk(count) {
    const open = this.open.in || this.once;
    const doors = [open ? 1 : 0, this.open.out ? 1 : 0];
    const codes = new Int32Array(3 * count);
    const xs = Array.from({ length: count }, () => this.next());
    xs.forEach((x, t) => codes.set([x, ...doors].map((value, k) => value * this.units[k]), 3 * t));
    const shown = this.gateware.run(codes, this.begins, false);
    this.begins = false;
    for (let t = 0; t < count; t++) this.account(shown, t, xs[t], doors, open);
  }

  /** One step of the two in float64, and what of the three has moved since the door was shut. */
  account(shown, t, x, doors, open) {
    this.lstm.step([x, ...doors]);
    this.plain = Math.tanh(this.plain + x);
    const [s, i, o, y] = this.places.map((places) => this.gateware.read(shown, places, t)[0]);
    this.now = { s, i, o, y, x, lstm: this.lstm.layers[0].s[0], plain: this.plain };
    this.steps++;
    if (open) this.kept = { ...this.now };
    this.shutFor = open ? 0 : this.shutFor + 1;
  }

  /** By how many of the state's last bits (LSB) each has moved since the door was shut. */
  get moved() {
    const { now, kept, lsb } = this;
    const by = (name) => (now[name] - kept[name]) / lsb;
    return { gateware: now.s - kept.s, float: by("lstm"), plain: by("plain") };
  }
}

/** Its controls and what is shown of it. */
class SafeView {
  constructor(safe) {
    this.safe = safe;
    this.plays = true;
    this.flash = 0;
    this.credit = 0;
    const click = (id, act) => element(id).addEventListener("click", act);
    click("door-in", () => this.turn("in"));
    click("door-out", () => this.turn("out"));
    click("put", () => this.put());
    click("empty", () => this.act(() => safe.empty()));
    click("play", () => this.play(!this.plays));
    click("one", () => this.one());
    element("value").addEventListener("input", (event) => {
      safe.value = Number(event.target.value);
      this.show();
    });
    element("speed").addEventListener("input", () => this.show());
    document.addEventListener("keydown", (event) => this.key(event));
    this.show();
  }

  get speed() {
    return Math.round(10 ** Number(element("speed").value));
  }

  act(what) {
    what();
    this.show();
  }

  turn(door) {
    this.act(() => this.safe.turn(door));
  }

  put() {
    this.flash = performance.now() + 350; // the door is seen open for longer than a step
    this.act(() => this.safe.put());
  }

  play(on) {
    this.plays = on;
    this.show();
  }

  one() {
    this.plays = false;
    this.act(() => this.safe.run(1));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      i: () => this.turn("in"),
      o: () => this.turn("out"),
      p: () => this.put(),
      e: () => this.act(() => this.safe.empty()),
      ".": () => this.one(),
      t: () => this.play(!this.plays),
    };
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Called once a frame. */
  frame() {
    if (!this.plays) return;
    this.safe.run(this.speed);
    this.show();
  }

  show() {
    const { safe } = this;
    const { now, lsb } = safe;
    const flashed = performance.now() < this.flash;
    for (const door of ["in", "out"]) {
      const open = safe.open[door] || (door === "in" && flashed);
      element(`door-${door}`).setAttribute("aria-pressed", open);
    }
    const gate = (name, code) => {
      element(name).textContent = code === 0 ? "shut: 0" : `open: ${code / safe.gateOne}`;
    };
    gate("gate-in", flashed ? safe.gateOne : now.i);
    gate("gate-out", now.o);
    element("outside").textContent = signed(now.x, 2);
    element("outside-note").textContent = safe.open.in ? "walks in" : "passes by";
    element("inside").textContent = signed(now.s * lsb, 6);
    element("read").textContent = signed(now.y / safe.readOne, 2);
    element("read-note").textContent = safe.open.out ? "what is inside" : "nothing to be seen";
    element("value-shown").textContent = signed(safe.value, 4);
    element("play").firstChild.textContent = this.plays ? "Stop time " : "Let time run ";
    const { speed } = this;
    element("speed-shown").textContent = `${whole(speed)} ${speed === 1 ? "step" : "steps"} a frame`;
    this.showState(now.s);
    this.showRows();
    this.strip();
  }

  showState(code) {
    const { format } = this.safe;
    showBits(element("bits"), code, format.width);
    element("bits-note").textContent = `its ${format.width} bits`;
    const part = (50 * code) / 2 ** (format.width - 1);
    const bar = element("fill").style;
    bar.left = `${50 + Math.min(part, 0)}%`;
    bar.width = `${Math.abs(part)}%`;
  }

  showRows() {
    const { safe } = this;
    const { now, moved, lsb, format } = safe;
    const values = { gateware: now.s * lsb, float: now.lstm, plain: now.plain };
    for (const [name, value] of Object.entries(values)) {
      const [, number, bits, by] = element(`row-${name}`).children;
      number.textContent = signed(value, 9);
      showBits(bits, Math.round(value / lsb), format.width);
      by.textContent = safe.shutFor ? distance(moved[name]) : "the door is open";
      by.classList.toggle("none", safe.shutFor > 0 && moved[name] === 0);
      by.classList.toggle("some", safe.shutFor > 0 && moved[name] !== 0);
    }
    element("shut-for").textContent = whole(safe.shutFor);
    const held = safe.shutFor > 0 && moved.gateware === 0;
    element("verdict").textContent = held ? "Not one bit of the box has moved." : "";
  }

  strip() {
    const { pen, width, height } = canvasOf(element("strip"));
    const { past } = this.safe;
    const most = Math.max(1.1, ...past.flatMap((each) => Object.values(each).map(Math.abs))) * 1.08;
    const y = (value) => height / 2 - (value / most) * (height / 2 - 4);
    const left = 34;
    pen.fillStyle = colour("quiet");
    for (const mark of [-Math.floor(most), 0, Math.floor(most)]) {
      guide(pen, [left, y(mark)], [width, y(mark)]);
      pen.fillText(signed(mark, 0), 0, y(mark) + 4);
    }
    const x = (k) => left + ((PAST - past.length + k) / PAST) * (width - left);
    const draw = (name) => line(pen, past.length, (k) => [x(k), y(past[k][name])]);
    pen.strokeStyle = colour("plain");
    pen.lineWidth = 1;
    draw("plain");
    halo(pen, true);
    draw("lstm");
    halo(pen, false);
    draw("s");
  }
}

/** A number of last bits in words. */
function distance(by) {
  if (by === 0) return "0 LSB";
  return `${by < 0 ? "−" : "+"}${amount(Math.abs(by))} LSB`;
}

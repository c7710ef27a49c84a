// The check: what was recorded of the integer model is replayed, and every code compared.
"use strict";

/** Replay a core's recorded sequences: how many codes were compared, and how many differ. */
async function replay(core) {
  const gateware = await Gateware.load(core);
  const ints = async (text) => new Int32Array(await unpack(text));
  const [x, wanted] = [await ints(core.recorded.x), await ints(core.recorded.codes)];
  const elements = x.length / core.recorded.sequences;
  let compared = 0;
  let differing = 0;
  for (let start = 0; start < x.length; start += elements) {
    const parts = [[], ...core.streams.map(() => [])];
    const chunk = core.room * core.inputs;
    for (let at = 0; at < elements; at += chunk) {
      const codes = x.subarray(start + at, start + Math.min(at + chunk, elements));
      const shown = gateware.run(codes, at === 0, at + chunk >= elements);
      [shown.out, ...shown.signals].forEach((values, k) => parts[k].push(...values));
    }
    for (const code of parts.flat()) if (code !== wanted[compared++]) differing++;
  }
  return { compared, differing: differing + Math.abs(wanted.length - compared) };
}

/** Both cores of the page. */
async function selfCheck(data) {
  const found = [await replay(data.network.core), await replay(data.safe.core)];
  const sum = (name) => found.reduce((total, each) => total + each[name], 0);
  return { compared: sum("compared"), differing: sum("differing") };
}

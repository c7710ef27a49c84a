// The beginning: load both cores, show them, and check them where the address asks for it.
"use strict";

/** Say why nothing can be shown. */
function fail(text) {
  element("failed").textContent = text;
  element("failed").hidden = false;
}

async function check(data) {
  element("check").disabled = true;
  element("checked").textContent = "…";
  const { compared, differing } = await selfCheck(data);
  const found = element("checked");
  found.textContent = `${whole(differing)} of ${whole(compared)} codes differ`;
  found.className = differing ? "some" : "none";
  element("check").disabled = false;
}

function facts(data) {
  const core = data.network.core;
  const tools = Object.entries(data.tools).map(([name, version]) => `${name} ${version}`);
  const rows = {
    "Verilog of the network": `${data.network.name}.v, SHA-256 ${core.verilog_sha256}`,
    "Verilog of the safe": `doors.v, SHA-256 ${data.safe.core.verilog_sha256}`,
    "made with": tools.join(", "),
    "this file": `${whole(document.documentElement.outerHTML.length)} characters, no network access`,
  };
  for (const [name, text] of Object.entries(rows)) {
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, said.textContent] = [name, text];
    element("facts").append(term, said);
  }
}

async function start() {
  if (typeof WebAssembly !== "object") {
    fail("This browser has no WebAssembly, which the circuits on this page run as. Firefox, Chrome, Edge and Safari have it, if it is not switched off.");
    return;
  }
  if (typeof DecompressionStream !== "function") {
    fail("This browser cannot unpack what this page carries (DecompressionStream): a newer one is needed.");
    return;
  }
  const data = JSON.parse(element("data").textContent);
  const safe = new Safe(data.safe, await Gateware.load(data.safe.core));
  const network = await Gateware.load(data.network.core);
  element("main").hidden = false;
  const view = new SafeView(safe);
  const composer = new NetworkView(data.network, network);
  facts(data);
  window.carousel = { data, safe, view, network, composer };
  element("check").addEventListener("click", () => check(data));
  window.addEventListener("resize", () => composer.show());
  const frame = () => {
    view.frame();
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  if (location.hash === "#self-check") {
    await check(data);
    element("proof").scrollIntoView();
  }
}

start().catch((error) => fail(`This page cannot run here: ${error.message}`));

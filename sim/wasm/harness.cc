// A core's Verilog as a WebAssembly module. `core.cc` is what Yosys made of it; `design.h` says what
// it is called, how many codes go in and come out, and which inner wires are read.
//
// A clock is one evaluation: what is read after `eval` and before `commit` is what a register would
// take at the edge. That holds while no signal needs a second evaluation, which `run` watches.

#include "core.cc"
#include "design.h"

#define EXPORT(name) extern "C" __attribute__((export_name(name)))

namespace {

Top core;
int32_t given[ROOM * INPUTS];     // codes of input vectors
int32_t left[ROOM * OUTPUTS];     // codes that left by the output stream
int32_t seen[STREAMS][ROOM * MOST];  // codes that passed by inner wires
int32_t clocks;

bool eval() {
    core.p_clk.set<uint32_t>(1);
    core.prev_p_clk = cxxrtl::value<1>{0u};
    return core.eval();
}

}  // namespace

EXPORT("inputs") int32_t *inputs() { return given; }
EXPORT("outputs") int32_t *outputs() { return left; }
EXPORT("signals") int32_t *signals(int32_t stream) { return seen[stream]; }
EXPORT("clocks") int32_t clocks_run() { return clocks; }

// Back to the state after power-up.
EXPORT("reset") void reset() {
    core.reset();
    core.p_rst.set<uint32_t>(1);
    eval();
    core.commit();
    core.p_rst.set<uint32_t>(0);
    core.p_o__ready.set<uint32_t>(1);
    clocks = 0;
}

// Run `steps` vectors through the core, back to back, until all that they yield has been seen.
// `first`, `last`: whether the first begins a sequence, and the last ends one. Returns how many
// codes left; -1 where the core stands still, or where a clock needed a second evaluation.
EXPORT("run") int32_t run(int32_t steps, int32_t first, int32_t last) {
    const int32_t elements = steps * INPUTS, leave = EVERY ? steps * OUTPUTS : last ? OUTPUTS : 0;
    int32_t taken = 0, out = 0, count[STREAMS] = {}, waited = 0;
    for (bool done = false; !done;) {
        const bool valid = taken < elements;
        core.p_i__valid.set<uint32_t>(valid);
        if (valid) {
            core.p_i__data.set<uint32_t>(given[taken] & INPUT_MASK);
            core.p_i__first.set<uint32_t>(first && taken < INPUTS);
            core.p_i__last.set<uint32_t>(last && taken >= elements - INPUTS);
        }
        if (!eval()) return -1;
        const int32_t before = taken + out;
        if (valid && core.p_i__ready.get<uint32_t>()) taken++;
        if (core.p_o__valid.get<uint32_t>()) left[out++] = output_code(core);
        done = taken == elements && out == leave;
        for (int32_t k = 0; k < STREAMS; k++) {
            int32_t code;
            if (signal_code(core, k, code)) seen[k][count[k]++] = code;
            done = done && count[k] == steps * ROWS[k];
        }
        core.commit();
        clocks++;
        waited = taken + out > before ? 0 : waited + 1;
        if (waited > PATIENCE) return -1;
    }
    return out;
}

// The clock loop of `sim.testbench` as a part of the simulator: many clocks in one call, from
// Python inside it, while no time passes for cocotb. It does what `sim.pins.Awaited` does; what it
// leaves of a clock are the bytes of the ports `seen` and `rises`, the lowest first.

#include <cstdint>
#include <cstring>

#include "Vtop.h"
#include "Vtop__Syms.h"
#include "verilated_syms.h"

namespace {

Vtop& top() {
    static Vtop* const found = [] {
        const auto* names = Verilated::threadContextp()->scopeNameMap();
        return static_cast<Vtop__Syms*>(names->begin()->second->symsp())->__Vm_modelp;
    }();
    return *found;
}

void cycle() {
    top().clk = 1;
    top().eval();
    top().clk = 0;
    top().eval();
}

// The state port, which not every core has.
template <class Model>
auto access(Model& model, uint64_t word, int) -> decltype(void(model.state)) {
    model.state = word;
}
template <class Model>
void access(Model&, uint64_t, long) {}

bool bit(const uint8_t* bytes, uint32_t place) { return bytes[place / 8] >> place % 8 & 1; }

// Where samples go, and those of `rises` with their clocks where one says that they moved.
struct Samples {
    uint8_t *seen, *rises;
    int64_t* clocks;
    uint64_t count, moves;
    uint32_t in_beat, moved;

    const uint8_t* take() {
        uint8_t* to = seen + count * sizeof(top().seen);
        std::memcpy(to, &top().seen, sizeof(top().seen));
        if (bit(to, moved)) {
            std::memcpy(rises + moves * sizeof(top().rises), &top().rises, sizeof(top().rises));
            clocks[moves++] = count;
        }
        ++count;
        return to;
    }
};

struct Source {
    const int64_t* words;
    uint64_t end, at, junk, offering;
};

}  // namespace

extern "C" {

void carousel_sizes(uint64_t* to) {
    to[0] = sizeof(top().seen);
    to[1] = sizeof(top().rises);
}

void carousel_reset(uint64_t clocks, uint64_t junk) {
    top().rst = 1;
    top().drive = junk;
    access(top(), 0, 0);
    for (uint64_t k = 0; k < clocks; ++k) cycle();
    top().rst = 0;
}

void carousel_stream(Samples* samples, Source* source, uint64_t clocks, const uint8_t* pause,
                     const uint8_t* ready) {
    for (uint64_t k = 0; k < clocks; ++k) {
        cycle();
        const uint8_t* now = samples->take();
        if (bit(now, samples->in_beat)) {
            ++source->at;
            source->offering = 0;
        }
        if (!source->offering && !pause[k] && source->at < source->end) source->offering = 1;
        const uint64_t word = source->offering ? source->words[source->at] : source->junk;
        top().drive = word | ready[k];
    }
}

void carousel_access(Samples* samples, const int64_t* words, uint64_t count) {
    for (uint64_t k = 0; k < count; ++k) {
        cycle();
        samples->take();
        access(top(), words[k], 0);
    }
}
}

"""C for a core in AXI: the driver, its registers, the core's description and an example."""

from collections.abc import Iterator
from pathlib import Path

from fixedpoint.formats import Format
from rtl.axi.table import BITS, IDENTIFICATION, KINDS, OFFSETS, VERSION, registers
from rtl.kit.filled import filled
from rtl.kit.recording import Recording
from rtl.planning import CorePlan
from rtl.program.loading import image
from rtl.verilog import module_name

HERE = Path(__file__).parent / "c"
STEPS = 20  # of the example


def driver(plan: CorePlan, recording: Recording) -> dict[str, str]:
    """By name: `carousel.c`, `carousel.h` and `carousel_registers.h`, which are the same for every
    core; `<module>.h`, what this one is; `<module>_example.c`; with a load port `<module>_load.h`,
    the words of this network."""
    module = module_name(plan.qnet)
    sources = {
        name: (HERE / name).read_text(encoding="utf-8") for name in ("carousel.c", "carousel.h")
    }
    sources["carousel_registers.h"] = _guarded("carousel_registers", _registers())
    sources[f"{module}.h"] = _guarded(module, _description(plan, module))
    sources[f"{module}_example.c"] = _example(plan, module, recording)
    if plan.options.load_port:
        sources[f"{module}_load.h"] = _guarded(f"{module}_load", _load(plan, module))
    return sources


def _guarded(name: str, lines: Iterator[str]) -> str:
    guard = f"{name.upper()}_H"
    return "\n".join([f"#ifndef {guard}", f"#define {guard}", "", *lines, "", "#endif", ""])


def _registers() -> Iterator[str]:
    yield "/* Offsets in bytes, and bits; not every core has every register. */"
    yield f"#define CAROUSEL_IDENTIFICATION_VALUE {IDENTIFICATION:#x}u"
    yield f"#define CAROUSEL_VERSION_VALUE {VERSION}u"
    for name, offset in OFFSETS.items():
        if name != "SATURATED":
            yield f"#define CAROUSEL_{name} {offset:#04x}u"
            continue
        for k, kind in enumerate(KINDS):
            yield f"#define CAROUSEL_SATURATED_{kind.upper()} {offset + 4 * k:#04x}u"
    for register, names in BITS.items():
        for place, bit in enumerate(names):
            yield f"#define CAROUSEL_{register}_{bit.upper()} {1 << place:#x}u"


def _description(plan: CorePlan, module: str) -> Iterator[str]:
    names = {register.name for register in registers(plan)}
    own = plan.qnet.formats.inputs
    yield '#include "carousel.h"'
    yield ""
    if own:
        yield f"static const signed char {module}_fractions[] = {{"
        yield from (f"    {', '.join(map(str, own[k : k + 16]))}," for k in range(0, len(own), 16))
        yield "};"
        yield ""
    yield f"static const struct carousel_core {module} = {{"
    yield f'    .name = "{module}",'
    yield f"    .inputs = {plan.qnet.inputs},"
    yield f"    .outputs = {plan.qnet.outputs},"
    yield f"    .input = {_format(plan.qnet.formats.input)},"
    yield f"    .output = {_format(plan.qnet.out_format)},"
    if own:
        yield f"    .fractions = {module}_fractions,"
    yield f"    .cycles_per_step = {plan.cycles_per_step},"
    yield f"    .state_words = {len(plan.state_words)},"
    yield f"    .loads = {int('LOAD_DATA' in names)},"
    yield f"    .wide_loads = {int('LOAD_DATA_HIGH' in names)},"
    yield f"    .clears = {int(not plan.holds_sequences)},"
    yield f"    .counts_steps = {int('STEPS' in names)},"
    yield "};"


def _format(form: Format) -> str:
    return f"{{.width = {form.width}, .fraction = {form.frac}, .is_signed = {int(form.signed)}}}"


def _load(plan: CorePlan, module: str) -> Iterator[str]:
    yield '#include "carousel.h"'
    yield ""
    yield f"static const struct carousel_word {module}_words[] = {{"
    for address, word in image(plan.parts[0].program):
        yield f"    {{{address:#x}, {word:#x}}},"
    yield "};"


def _example(plan: CorePlan, module: str, recording: Recording) -> str:
    """A program part that sends the recorded first sequence, or its beginning, and prints outputs.

    A sequence whose only output is its last goes whole.
    """
    qnet = plan.qnet
    ends = next(k for k, beat in enumerate(recording.sent) if beat.last) // qnet.inputs + 1
    steps = min(ends, STEPS) if qnet.output == "every" and not plan.holds_sequences else ends
    codes = [beat.data for beat in recording.sent[: steps * qnet.inputs]]
    rows = (codes[k : k + qnet.inputs] for k in range(0, len(codes), qnet.inputs))
    text = ",\n".join(f"    {', '.join(map(str, row))}" for row in rows)
    values = {
        "MODULE": module,
        "CODES": text,
        "STEPS": steps,
        "OUTPUTS": qnet.outputs,
        "GIVEN": steps if qnet.output == "every" else 1,
    }
    return filled(HERE / "example.c.in", values)

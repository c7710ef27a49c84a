"""The registers that a core has. Offsets and bits are the same for every core; what a core lacks is
not mapped."""

from fixedpoint.formats import Format
from rtl.axi import registers as generic
from rtl.axi.registers import Field, Register
from rtl.planning import CorePlan

IDENTIFICATION = 0x4341524F  # "CARO"
VERSION = 1
OFFSETS = {
    "IDENTIFICATION": 0x00,
    "VERSION": 0x04,
    "SHAPE": 0x08,
    "NETWORK": 0x0C,
    "LANES": 0x10,
    "CYCLES_PER_STEP": 0x14,
    "INPUT_FORMAT": 0x18,
    "OUTPUT_FORMAT": 0x1C,
    "CONTROL": 0x20,
    "STATUS": 0x24,
    "FRAMING_ERRORS": 0x28,
    "CYCLES": 0x2C,
    "STEPS": 0x30,
    "SATURATED": 0x40,  # the first of KINDS, the others behind it
    "STATE_WORDS": 0x80,
    "STATE_ADDRESS": 0x84,
    "STATE_DATA": 0x88,
    "LOAD_ADDRESS": 0x90,
    "LOAD_DATA_HIGH": 0x94,
    "LOAD_DATA": 0x98,
    "CORRECTED": 0xA0,
    "UNCORRECTABLE": 0xA4,
}
BITS = {
    "CONTROL": ("enable", "clear"),
    "STATUS": ("idle", "framing_error", "overflow", "too_long", "uncorrectable"),
}
"""Of these registers, from the lowest bit up."""
KINDS = {
    "i": "net inputs of input gates",
    "f": "net inputs of forget gates",
    "o": "net inputs of output gates",
    "g": "net inputs of cells",
    "h": "states on their way into h",
    "s": "states",
    "m": "cell outputs before a projection",
    "y": "cell outputs",
    "out": "net inputs of the readout",
    "dense": "net inputs of dense stages before the readout",
    "stem": "net inputs of dense stages in front of and between layers",
}
COUNTERS = {
    "cycles": "Clocks in which a step ran, since reset; wraps around.",
    "steps": "Steps begun since reset; wraps around.",
}
UPSETS = {
    "corrected": "Clocks in which a flipped bit was mended, since reset; wraps around.",
    "uncorrectable": "Clocks in which a word was read that cannot be mended, since reset; wraps "
    "around.",
}
"""Counters of a protected core."""


def counters(plan: CorePlan) -> tuple[str, ...]:
    """The counters that a core has beside those of clipped values."""
    stepping = () if plan.holds_sequences else COUNTERS
    return (*stepping, *(UPSETS if plan.options.protect else ()))


def registers(plan: CorePlan) -> tuple[Register, ...]:
    """The register map of a core, from the lowest offset up."""
    found = [*_identity(plan), *_formats(plan), _control(plan), _status(plan), _framing()]
    found += [
        whole(name.upper(), "ro", description)
        for name, description in COUNTERS.items()
        if not plan.holds_sequences
    ]
    found += [
        generic.whole(
            f"SATURATED_{kind.upper()}",
            OFFSETS["SATURATED"] + 4 * k,
            "ro",
            f"Clipped {what}, since reset; wraps around.",
        )
        for k, (kind, what) in enumerate(KINDS.items())
        if kind in plan.saturation_kinds
    ]
    if plan.options.state_port:
        found += _state(plan)
    if plan.options.load_port:
        found += _load(plan)
    if plan.options.protect:
        found += [whole(name.upper(), "ro", text) for name, text in UPSETS.items()]
    return tuple(found)


def _constant(name: str, description: str, *fields: Field) -> Register:
    return Register(name, OFFSETS[name], "ro", description, fields, constant=True)


def whole(
    name: str, access: str, description: str, reset: int | None = 0, **options: bool
) -> Register:
    """`rtl.axi.registers.whole` at the register's own offset."""
    return generic.whole(name, OFFSETS[name], access, description, reset, **options)


def _bit(register: str, name: str, reset: int, description: str) -> Field:
    return Field(name, BITS[register].index(name), 1, reset, description)


def _identity(plan: CorePlan) -> list[Register]:
    qnet = plan.qnet
    cells = sum(layer.shape.cells for layer in qnet.layers)
    pace = plan.cycles_per_step
    return [
        whole(
            "IDENTIFICATION",
            "ro",
            '"CARO".',
            IDENTIFICATION,
            constant=True,
        ),
        whole("VERSION", "ro", "Of this register map.", VERSION, constant=True),
        _constant(
            "SHAPE",
            "Elements of a vector.",
            Field("inputs", 0, 16, qnet.inputs, "Elements in."),
            Field("outputs", 16, 16, qnet.outputs, "Elements out."),
        ),
        _constant(
            "NETWORK",
            "What computes.",
            Field("cells", 0, 16, cells, "Cells of all layers."),
            Field("layers", 16, 16, len(qnet.layers), "Layers; two directions are two."),
        ),
        _constant("LANES", "Multipliers.", Field("lanes", 0, 16, plan.lanes, "Multipliers.")),
        whole(
            "CYCLES_PER_STEP",
            "ro",
            "Clocks a step, predicted.",
            pace,
            constant=True,
        ),
    ]


def _formats(plan: CorePlan) -> list[Register]:
    qnet = plan.qnet
    return [
        _format("INPUT_FORMAT", "in", qnet.formats.input, bool(qnet.formats.inputs)),
        _format("OUTPUT_FORMAT", "out", qnet.out_format),
    ]


def _format(name: str, way: str, form: Format, own: bool = False) -> Register:
    text = "1: each element has fraction bits of its own, which the core's JSON and header say."
    return _constant(
        name,
        f"Codes of elements {way}.",
        Field("width", 0, 8, form.width, "Bits."),
        Field("fraction_bits", 8, 8, form.frac, "Of these after the point.", signed=True),
        Field("signed", 16, 1, int(form.signed), "1: two's complement."),
        *([Field("own_fractions", 17, 1, 1, text)] if own else []),
    )


def _control(plan: CorePlan) -> Register:
    text = "0: no vector begins; one that has begun is taken whole."
    fields = [_bit("CONTROL", "enable", 1, text)]
    if not plan.holds_sequences:
        text = "Written 1: the next beat begins a vector and a sequence; reads 0."
        fields.append(_bit("CONTROL", "clear", 0, text))
    return Register("CONTROL", OFFSETS["CONTROL"], "rw", "What the core may do.", tuple(fields))


def _status(plan: CorePlan) -> Register:
    fields = []
    if plan.has_idle:
        fields.append(_bit("STATUS", "idle", 1, "No step runs, no vector waits or has begun."))
    text = "A sequence ended inside a vector, since reset."
    fields.append(_bit("STATUS", "framing_error", 0, text))
    if "s" in plan.saturation_kinds:
        fields.append(_bit("STATUS", "overflow", 0, "A state was clipped, since reset."))
    if plan.holds_sequences:
        text = "A sequence was longer than the core holds, since reset."
        fields.append(_bit("STATUS", "too_long", 0, text))
    if plan.options.protect:
        text = "A word was read that cannot be mended, since reset."
        fields.append(_bit("STATUS", "uncorrectable", 0, text))
    return Register("STATUS", OFFSETS["STATUS"], "ro", "Status.", tuple(fields))


def _framing() -> Register:
    return whole(
        "FRAMING_ERRORS",
        "ro",
        "Sequences that ended inside a vector; wraps around.",
    )


def _state(plan: CorePlan) -> list[Register]:
    words = len(plan.state_words)
    place = Field("address", 0, words.bit_length(), 0, f"0 to {words - 1}; {words}: at the end.")
    text = "Which word of the state; goes on by 1 after each access to STATE_DATA."
    return [
        _constant("STATE_WORDS", "Of the state.", Field("words", 0, 16, words, "How many.")),
        Register("STATE_ADDRESS", OFFSETS["STATE_ADDRESS"], "rw", text, (place,)),
        whole(
            "STATE_DATA",
            "rw",
            "The word, a code sign-extended.",
            None,
            signed=True,
        ),
    ]


def _load(plan: CorePlan) -> list[Register]:
    address_bits, word_bits = plan.load_bits
    text = "Which weight word; goes on by 1 after each write to LOAD_DATA."
    found = [
        Register(
            "LOAD_ADDRESS",
            OFFSETS["LOAD_ADDRESS"],
            "rw",
            text,
            (Field("address", 0, address_bits, 0, ""),),
        ),
        whole("LOAD_DATA", "wo", "The lower bits of the word; writes it.", None),
    ]
    if word_bits > 32:
        field = Field("high", 0, word_bits - 32, 0, "Bits 32 and above.")
        text = "The upper bits of words that LOAD_DATA writes."
        found.insert(1, Register("LOAD_DATA_HIGH", OFFSETS["LOAD_DATA_HIGH"], "rw", text, (field,)))
    return found

"""The registers that a core has. Offsets and bits are the same for every core; what a core lacks is
not mapped."""

from fixedpoint.formats import Format
from rtl.axi.registers import Field, Register, whole
from rtl.planning import CorePlan

IDENTIFICATION = 0x4341524F  # "CARO"
VERSION = 1
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
}
COUNTERS = {
    "cycles": "Clocks in which a step ran, since reset; wraps around.",
    "steps": "Steps begun since reset; wraps around.",
}


def registers(plan: CorePlan) -> tuple[Register, ...]:
    """The register map of a core, from the lowest offset up."""
    found = [*_identity(plan), *_formats(plan), _control(plan), _status(plan), _framing()]
    found += [
        whole(name.upper(), offset, "ro", description)
        for offset, (name, description) in zip((0x2C, 0x30), COUNTERS.items(), strict=True)
        if not plan.holds_sequences
    ]
    found += [
        whole(
            f"SATURATED_{kind.upper()}",
            0x40 + 4 * k,
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
    return tuple(found)


def _constant(name: str, offset: int, description: str, *fields: Field) -> Register:
    return Register(name, offset, "ro", description, fields, constant=True)


def _identity(plan: CorePlan) -> list[Register]:
    qnet = plan.qnet
    cells = sum(layer.shape.cells for layer in qnet.layers)
    pace = plan.cycles_per_step
    return [
        whole("IDENTIFICATION", 0x00, "ro", '"CARO".', IDENTIFICATION, constant=True),
        whole("VERSION", 0x04, "ro", "Of this register map.", VERSION, constant=True),
        _constant(
            "SHAPE",
            0x08,
            "Elements of a vector.",
            Field("inputs", 0, 16, qnet.inputs, "Elements in."),
            Field("outputs", 16, 16, qnet.outputs, "Elements out."),
        ),
        _constant(
            "NETWORK",
            0x0C,
            "What computes.",
            Field("cells", 0, 16, cells, "Cells of all layers."),
            Field("layers", 16, 16, len(qnet.layers), "Layers; two directions are two."),
        ),
        _constant("LANES", 0x10, "Multipliers.", Field("lanes", 0, 16, plan.lanes, "Multipliers.")),
        whole("CYCLES_PER_STEP", 0x14, "ro", "Clocks a step, predicted.", pace, constant=True),
    ]


def _formats(plan: CorePlan) -> list[Register]:
    qnet = plan.qnet
    return [
        _format("INPUT_FORMAT", 0x18, "in", qnet.formats.input),
        _format("OUTPUT_FORMAT", 0x1C, "out", qnet.out_format),
    ]


def _format(name: str, offset: int, way: str, form: Format) -> Register:
    return _constant(
        name,
        offset,
        f"Codes of elements {way}.",
        Field("width", 0, 8, form.width, "Bits."),
        Field("fraction_bits", 8, 8, form.frac, "Of these after the point.", signed=True),
        Field("signed", 16, 1, int(form.signed), "1: two's complement."),
    )


def _control(plan: CorePlan) -> Register:
    fields = [Field("enable", 0, 1, 1, "0: no vector begins; one that has begun is taken whole.")]
    if not plan.holds_sequences:
        text = "Written 1: the next beat begins a vector and a sequence; reads 0."
        fields.append(Field("clear", 1, 1, 0, text))
    return Register("CONTROL", 0x20, "rw", "What the core may do.", tuple(fields))


def _status(plan: CorePlan) -> Register:
    fields = []
    if plan.has_idle:
        fields.append(Field("idle", 0, 1, 1, "No step runs, no vector waits or has begun."))
    text = "A sequence ended inside a vector, since reset."
    fields.append(Field("framing_error", 1, 1, 0, text))
    if "s" in plan.saturation_kinds:
        fields.append(Field("overflow", 2, 1, 0, "A state was clipped, since reset."))
    if plan.holds_sequences:
        text = "A sequence was longer than the core holds, since reset."
        fields.append(Field("too_long", 3, 1, 0, text))
    return Register("STATUS", 0x24, "ro", "Status.", tuple(fields))


def _framing() -> Register:
    return whole(
        "FRAMING_ERRORS", 0x28, "ro", "Sequences that ended inside a vector; wraps around."
    )


def _state(plan: CorePlan) -> list[Register]:
    words = len(plan.state_words)
    place = Field("address", 0, words.bit_length(), 0, f"0 to {words - 1}; {words}: at the end.")
    text = "Which word of the state; goes on by 1 after each access to STATE_DATA."
    return [
        _constant("STATE_WORDS", 0x80, "Of the state.", Field("words", 0, 16, words, "How many.")),
        Register("STATE_ADDRESS", 0x84, "rw", text, (place,)),
        whole("STATE_DATA", 0x88, "rw", "The word, a code sign-extended.", None, signed=True),
    ]


def _load(plan: CorePlan) -> list[Register]:
    address_bits, word_bits = plan.load_bits
    text = "Which weight word; goes on by 1 after each write to LOAD_DATA."
    found = [
        Register("LOAD_ADDRESS", 0x90, "rw", text, (Field("address", 0, address_bits, 0, ""),)),
        whole("LOAD_DATA", 0x98, "wo", "The lower bits of the word; writes it.", None),
    ]
    if word_bits > 32:
        field = Field("high", 0, word_bits - 32, 0, "Bits 32 and above.")
        text = "The upper bits of words that LOAD_DATA writes."
        found.insert(1, Register("LOAD_DATA_HIGH", 0x94, "rw", text, (field,)))
    return found

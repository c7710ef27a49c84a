#include "carousel.h"
#include "carousel_registers.h"

enum { CHUNK = 64, PATIENCE = 1000000 };

#define TRY(call)              \
    do {                       \
        int failed = (call);   \
        if (failed)            \
            return failed;     \
    } while (0)

static int get(struct carousel *it, uint32_t offset, uint32_t *value)
{
    return it->io.read(it->io.context, offset, value);
}

static int put(struct carousel *it, uint32_t offset, uint32_t value)
{
    return it->io.write(it->io.context, offset, value);
}

static int expect(struct carousel *it, uint32_t offset, uint32_t wanted)
{
    uint32_t value = 0;
    TRY(get(it, offset, &value));
    return value == wanted ? 0 : CAROUSEL_ANOTHER_CORE;
}

static uint32_t format_word(struct carousel_format format)
{
    return (uint32_t)format.width | ((uint32_t)format.fraction & 0xffu) << 8
        | (uint32_t)(format.is_signed != 0) << 16;
}

int carousel_open(struct carousel *it, const struct carousel_core *core,
                  const struct carousel_io *io)
{
    it->core = core;
    it->io = *io;
    TRY(expect(it, CAROUSEL_IDENTIFICATION, CAROUSEL_IDENTIFICATION_VALUE));
    TRY(expect(it, CAROUSEL_VERSION, CAROUSEL_VERSION_VALUE));
    TRY(expect(it, CAROUSEL_SHAPE, core->inputs | core->outputs << 16));
    TRY(expect(it, CAROUSEL_CYCLES_PER_STEP, core->cycles_per_step));
    TRY(expect(it, CAROUSEL_INPUT_FORMAT,
               format_word(core->input) | (uint32_t)(core->fractions != 0) << 17));
    TRY(expect(it, CAROUSEL_OUTPUT_FORMAT, format_word(core->output)));
    return core->state_words ? expect(it, CAROUSEL_STATE_WORDS, core->state_words) : 0;
}

struct carousel_format carousel_input(const struct carousel_core *core, unsigned element)
{
    struct carousel_format found = core->input;
    if (core->fractions)
        found.fraction = core->fractions[element];
    return found;
}

static double power_of_two(int exponent)
{
    double found = 1.0;
    for (; exponent > 0; exponent--)
        found *= 2.0;
    for (; exponent < 0; exponent++)
        found /= 2.0;
    return found;
}

int32_t carousel_encode(struct carousel_format format, double value)
{
    double high = power_of_two(format.width - (format.is_signed ? 1 : 0)) - 1.0;
    double low = format.is_signed ? -high - 1.0 : 0.0;
    double scaled = value * power_of_two(format.fraction) + 0.5;
    int64_t code;
    if (scaled >= high + 1.0)
        return (int32_t)high;
    if (!(scaled >= low))
        return (int32_t)low;
    code = (int64_t)scaled; /* towards zero */
    return (int32_t)((double)code > scaled ? code - 1 : code);
}

double carousel_decode(struct carousel_format format, int32_t code)
{
    return code * power_of_two(-format.fraction);
}

static size_t bytes_of(struct carousel_format format)
{
    return (size_t)(format.width + 7) / 8;
}

int carousel_send(struct carousel *it, const int32_t *codes, size_t vectors, int last)
{
    size_t left = vectors * it->core->inputs, size = bytes_of(it->core->input), k, byte;
    uint8_t bytes[4 * CHUNK];
    while (left) {
        size_t count = left < CHUNK ? left : CHUNK;
        for (k = 0; k < count; k++)
            for (byte = 0; byte < size; byte++)
                bytes[k * size + byte] = (uint8_t)((uint32_t)codes[k] >> 8 * byte);
        left -= count;
        codes += count;
        TRY(it->io.send(it->io.context, bytes, count * size, last && !left));
    }
    return 0;
}

int carousel_receive(struct carousel *it, int32_t *codes, size_t vectors)
{
    struct carousel_format format = it->core->output;
    size_t left = vectors * it->core->outputs, size = bytes_of(format), k, byte;
    uint8_t bytes[4 * CHUNK];
    while (left) {
        size_t count = left < CHUNK ? left : CHUNK;
        TRY(it->io.receive(it->io.context, bytes, count * size));
        for (k = 0; k < count; k++) {
            int64_t code = 0;
            for (byte = 0; byte < size; byte++)
                code |= (int64_t)bytes[k * size + byte] << 8 * byte;
            if (format.is_signed && code >> (8 * size - 1))
                code -= (int64_t)1 << 8 * size;
            codes[k] = (int32_t)code;
        }
        left -= count;
        codes += count;
    }
    return 0;
}

int carousel_reset(struct carousel *it)
{
    if (!it->core->clears)
        return CAROUSEL_LACKS;
    return put(it, CAROUSEL_CONTROL, CAROUSEL_CONTROL_ENABLE | CAROUSEL_CONTROL_CLEAR);
}

int carousel_start(struct carousel *it)
{
    return put(it, CAROUSEL_CONTROL, CAROUSEL_CONTROL_ENABLE);
}

int carousel_stop(struct carousel *it)
{
    uint32_t status = 0, tries;
    TRY(put(it, CAROUSEL_CONTROL, 0));
    for (tries = 0; tries < PATIENCE; tries++) {
        TRY(get(it, CAROUSEL_STATUS, &status));
        if (status & CAROUSEL_STATUS_IDLE)
            return 0;
    }
    return CAROUSEL_BUSY;
}

int carousel_save(struct carousel *it, int32_t *words)
{
    unsigned k;
    uint32_t word = 0;
    if (!it->core->state_words)
        return CAROUSEL_LACKS;
    TRY(put(it, CAROUSEL_STATE_ADDRESS, 0));
    for (k = 0; k < it->core->state_words; k++) {
        TRY(get(it, CAROUSEL_STATE_DATA, &word));
        words[k] = word & 0x80000000u ? -(int32_t)(~word) - 1 : (int32_t)word;
    }
    return 0;
}

int carousel_restore(struct carousel *it, const int32_t *words)
{
    unsigned k;
    if (!it->core->state_words)
        return CAROUSEL_LACKS;
    TRY(put(it, CAROUSEL_STATE_ADDRESS, 0));
    for (k = 0; k < it->core->state_words; k++)
        TRY(put(it, CAROUSEL_STATE_DATA, (uint32_t)words[k]));
    return 0;
}

int carousel_load(struct carousel *it, const struct carousel_word *words, size_t count)
{
    size_t k;
    if (!it->core->loads)
        return CAROUSEL_LACKS;
    for (k = 0; k < count; k++) {
        TRY(put(it, CAROUSEL_LOAD_ADDRESS, words[k].address));
        if (it->core->wide_loads)
            TRY(put(it, CAROUSEL_LOAD_DATA_HIGH, (uint32_t)(words[k].word >> 32)));
        TRY(put(it, CAROUSEL_LOAD_DATA, (uint32_t)words[k].word));
    }
    return 0;
}

int carousel_count(struct carousel *it, uint32_t offset, uint32_t *value)
{
    return get(it, offset, value);
}

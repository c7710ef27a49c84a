/* A driver for cores in AXI. It is the same for every core; what differs is in the core's header.
 *
 * It reaches the registers and the streams through four functions of yours, each of which returns 0,
 * or something else that the driver then hands back. So it knows no bus, no DMA and no system.
 * Functions of the driver return 0, one of the errors below, or what yours returned.
 */
#ifndef CAROUSEL_H
#define CAROUSEL_H

#include <stddef.h>
#include <stdint.h>

#define CAROUSEL_ANOTHER_CORE (-1) /* the registers are not those of the core that was named */
#define CAROUSEL_BUSY (-2)         /* the core did not come to rest */
#define CAROUSEL_LACKS (-3)        /* the core has no such port */

/* How numbers are coded: two's complement if `is_signed`, `fraction` of `width` bits after the point. */
struct carousel_format {
    int width, fraction, is_signed;
};

/* A core, as its own header describes it. */
struct carousel_core {
    const char *name;
    unsigned inputs, outputs; /* elements of a vector */
    struct carousel_format input, output;
    const signed char *fractions; /* of each element of the input; 0: all have those of `input` */
    unsigned cycles_per_step;
    unsigned state_words; /* 0: the state cannot be reached */
    int loads;            /* whether other weights can be loaded */
    int wide_loads;       /* ... in words of more than 32 bits */
    int clears;           /* whether a sequence can be broken off */
    int counts_steps;
};

/* A word of a memory, and where it goes. */
struct carousel_word {
    uint32_t address;
    uint64_t word;
};

/* Yours: a register at a byte offset; bytes to the core's input stream, with TLAST on the last element
 * if `last`; bytes from its output stream. */
struct carousel_io {
    void *context;
    int (*read)(void *context, uint32_t offset, uint32_t *value);
    int (*write)(void *context, uint32_t offset, uint32_t value);
    int (*send)(void *context, const uint8_t *bytes, size_t count, int last);
    int (*receive)(void *context, uint8_t *bytes, size_t count);
};

struct carousel {
    const struct carousel_core *core;
    struct carousel_io io;
};

/* Look whether the registers are those of this core; all else needs this first. */
int carousel_open(struct carousel *it, const struct carousel_core *core,
                  const struct carousel_io *io);

/* The format of an element of the input. */
struct carousel_format carousel_input(const struct carousel_core *core, unsigned element);

/* The nearest code, ties upwards, clipped to what the format can hold; and what a code says. */
int32_t carousel_encode(struct carousel_format format, double value);
double carousel_decode(struct carousel_format format, int32_t code);

/* Codes of whole vectors, one after the other; `last`: they end their sequence. */
int carousel_send(struct carousel *it, const int32_t *codes, size_t vectors, int last);
int carousel_receive(struct carousel *it, int32_t *codes, size_t vectors);

/* Break off: the next vector starts a sequence. Counters go on. */
int carousel_reset(struct carousel *it);

/* While it is stopped no vector begins, and the driver can wait until the core is at rest. */
int carousel_stop(struct carousel *it);
int carousel_start(struct carousel *it);

/* The state, as many words as the core has, which must be at rest: stop it before, start it after.
 * A vector that follows a restore goes on from there. */
int carousel_save(struct carousel *it, int32_t *words);
int carousel_restore(struct carousel *it, const int32_t *words);

/* Make it run another network of the same structure; it must be at rest. */
int carousel_load(struct carousel *it, const struct carousel_word *words, size_t count);

/* A register by its offset (carousel_registers.h), say CAROUSEL_SATURATED_S. */
int carousel_count(struct carousel *it, uint32_t offset, uint32_t *value);

#endif

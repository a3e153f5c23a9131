/* How times are spread. */
#include "tests/sim/spread.h"

#include "tests/sim/internal.h"

#define PARTS 32u           /* of an octave */
#define PART_BITS 5u

static uint32_t step_of(uint64_t ms)
{
    uint32_t bits = PART_BITS;

    if (ms < PARTS)
        return (uint32_t)ms;
    ms = ms > UINT32_MAX ? UINT32_MAX : ms;
    while (ms >> bits > 1)
        bits++;
    return PARTS + (bits - PART_BITS) * PARTS + (uint32_t)(ms >> (bits - PART_BITS)) - PARTS;
}

uint64_t gx_sim_spread_end(uint32_t step)
{
    uint32_t octave = step / PARTS;

    return octave == 0 ? step : ((uint64_t)(PARTS + step % PARTS + 1) << (octave - 1)) - 1;
}

void gx_sim_spread_note(struct gx_sim_spread *s, uint64_t ms, uint64_t n)
{
    static_assert(GX_SIM_SPREAD_STEPS == (32 - PART_BITS + 1) * PARTS, "every time of 32 bits has its step");

    s->n += n;
    s->most_ms = n > 0 && ms > s->most_ms ? ms : s->most_ms;
    s->steps[step_of(ms)] += n;
}

void gx_sim_spread_add(struct gx_sim_spread *sum, const struct gx_sim_spread *more)
{
    sum->n += more->n;
    sum->most_ms = more->most_ms > sum->most_ms ? more->most_ms : sum->most_ms;
    sim_add(sum->steps, more->steps, GX_SIM_SPREAD_STEPS);
}

uint64_t gx_sim_spread_quantile(const struct gx_sim_spread *s, double share)
{
    uint64_t rank = (uint64_t)(share * (double)s->n + 0.999999), before = 0;
    uint32_t step = 0;

    rank = rank < 1 ? 1 : rank;
    if (rank >= s->n)
        return s->most_ms;
    while (before + s->steps[step] < rank)
        before += s->steps[step++];
    return gx_sim_spread_end(step) < s->most_ms ? gx_sim_spread_end(step) : s->most_ms;
}

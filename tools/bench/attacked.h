/* A member of the bench's group that lies: attacker.c does it, attacked.c measures what honest members have of it. */
#ifndef GX_BENCH_ATTACKED_H
#define GX_BENCH_ATTACKED_H

#include "tools/bench/bench.h"

enum gx_attack {
    GX_ATTACK_SIGNATURES,       /* message chunks whose signatures do not hold */
    GX_ATTACK_WANTS,            /* it asks for everything, again and again */
    GX_ATTACK_CLAIMS            /* it claims to have what it never sends, up to the end of all logs */
};

/* Told by the attacker while it runs. */
struct gx_attack_seen {
    uint64_t frames, bytes;     /* that it got rid of */
};

struct gx_attacker {
    pid_t pid;
    struct gx_attack_seen *seen;
};

/* A process of its own that connects to all members it knows of, and to whom cut it as soon as that lets it in again.  node is down, and its home is in the
 * group. */
bool gx_attack_begin(struct gx_attacker *out, struct gx_bench_node *node, enum gx_attack how);
/* False: it ended before, by itself. */
bool gx_attack_end(struct gx_attacker *attacker, struct gx_attack_seen *seen);

#endif

/* A stranger on the wire.  TCP, ZMTP 3 and CURVE (ZeroMQ RFC 23 and 26) are spoken here by hand and not by libzmq: what was sent, what came, and when a
 * connection ends is known to the byte, and nothing waits in queues.  Each is another one: its key is drawn anew. */
#ifndef GX_BENCH_STRANGER_H
#define GX_BENCH_STRANGER_H

#include "tools/bench/bench.h"

#define GX_STRANGER_WAITS_MS 10000u

struct gx_stranger {
    int fd;                             /* -1: none */
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
    uint8_t shared[32];                 /* what seals either way, once they met */
    uint64_t said;                      /* the last nonce */
    uint64_t in_bytes, out_bytes;       /* on the wire, since they met */
};

/* TCP alone, from 127.0.0.`host`.  What does not come in GX_STRANGER_WAITS_MS, here and later, does not come.  False: it was not let in. */
bool gx_stranger_connect(struct gx_stranger *out, const struct gx_addr *to, uint8_t host);
/* Both handshakes, as a DEALER with an empty name.  False: the other side ended it. */
bool gx_stranger_meet(struct gx_stranger *s, const struct gx_curve_pk *server);
/* One frame; more: it is not the message's last.  False: the other side ended it. */
bool gx_stranger_say(struct gx_stranger *s, struct gx_span bytes, bool more);
/* A frame that announces n bytes, and as many of no meaning. */
bool gx_stranger_say_large(struct gx_stranger *s, uint64_t n);
/* So many frames of a byte, none of which is a message's last. */
bool gx_stranger_say_small(struct gx_stranger *s, size_t n);
/* The next frame into out, at most GX_FRAME_BYTES_MAX.  False: the other side ended it. */
bool gx_stranger_hear(struct gx_stranger *s, uint8_t *out, size_t *n);
/* HELLO, and the one that answers it. */
bool gx_stranger_greet(struct gx_stranger *s, struct gx_nonce *mine, struct gx_nonce *theirs);
void gx_stranger_close(struct gx_stranger *s);

#endif

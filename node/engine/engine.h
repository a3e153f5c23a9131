/* The node as a state machine: inputs in, effects out.  node/README.md §2.
 *
 * The contract:
 *  1. gx_engine_step is the only way in.  It reads no clock, no socket, no file and no randomness but what it is handed.
 *  2. One step is one LMDB write transaction (begun at the first write).  Effects are handed out only after its commit; if the commit fails they
 *     are dropped, the tables in memory are read anew from the store, and all sessions are closed.  So nothing is ever sent or acknowledged
 *     that a crash could forget.
 *  3. Inputs belong to the caller and are copied if kept.  Effects point into the engine's step arena, valid until the next step; the bytes of
 *     a VERIFY stay valid until its ticket is answered.
 *  4. Verification leaves and returns: VERIFY(ticket, key, domain, bytes, signature) out, VERIFIED(ticket, ok) in, in ticket order, none left out.
 *     Own messages of a step are signed together, on more than one thread when config.hands are there; the order of results is the same.
 *  5. Hostile bytes never assert; broken invariants always do.
 *  6. Every table has a bound with a name in proto/limits.h. */
#ifndef GX_ENGINE_ENGINE_H
#define GX_ENGINE_ENGINE_H

#include "crypto/person.h"
#include "crypto/rng.h"
#include "crypto/sign.h"
#include "node/engine/answer.h"
#include "node/engine/command.h"
#include "proto/addr.h"
#include "proto/ids.h"
#include "store/env.h"
#include "store/events.h"

struct gx_engine;

/* A connection to another node.  Even numbers are given by os to connections that came in, odd ones by the engine to those it asked for;
 * none is used twice while the process lives. */
typedef uint64_t gx_session_id;

/* More than one thread, for what needs no order: work(ctx, i) for each i below n, by any of them, and back when all is done. */
struct gx_hands {
    void (*each)(void *self, void (*work)(void *ctx, size_t i), void *ctx, size_t n);
    void *self;
};

/* How much is kept of messages (node/README.md §8); 0: what is usual. */
struct gx_carry_limits {
    uint32_t recent_days;                       /* `recent`: of so many days on which something arrived, up to GX_DAYS_MAX; */
    uint64_t recent_bytes;                      /* and no more than this of a group */
    uint32_t off_messages;                      /* `off`: of each log */
    uint64_t author_bytes, group_bytes;         /* always: of all that one member wrote in a group, and of the group */
};
#define GX_CARRY_RECENT_DAYS 30u
#define GX_CARRY_RECENT_BYTES (UINT64_C(64) << 20)
#define GX_CARRY_OFF_MESSAGES 100u
#define GX_CARRY_AUTHOR_BYTES (UINT64_C(1) << 30)
#define GX_CARRY_GROUP_BYTES (UINT64_C(4) << 30)

struct gx_engine_config {
    struct gx_store *store;                     /* borrowed; open for writing, or read_only for offline verbs */
    bool offline;                               /* the store is read-only: commands that write answer GX_E_USAGE */
    struct gx_rng *rng;                         /* borrowed */
    struct gx_person person;
    struct gx_dh_sk card_sk;                    /* secret of person.card */
    char name[257];                             /* what this person calls themself, UTF-8 */
    struct gx_device_seed device_seed;
    struct gx_incarnation_secret incarnation;
    struct gx_curve_pk transport_pk;            /* this node's CURVE key at the members' door */
    struct gx_curve_pk old_transport_pk;        /* the one of before, which is still answered to; zero: there is none */
    struct gx_carry_limits carry;
    struct gx_hands hands;                      /* each may be NULL: one after the other */
    /* Where the engine notes the index of the input it is at, if it is marked (else, and between steps, UINT32_MAX), so that os can lay it in a page that outlives a crash
     * and name the frame that killed the node.  May be NULL. */
    volatile uint32_t *progress;
};

enum gx_input_kind {
    GX_IN_FRAME,            /* bytes from a session */
    GX_IN_SESSION_UP,       /* a connection is ready to carry frames */
    GX_IN_SESSION_DOWN,     /* it ended, or an asked-for one could not be made */
    GX_IN_COMMAND,          /* from a person or script */
    GX_IN_CLIENT_GONE,      /* that client closed: its waits and watches end */
    GX_IN_VERIFIED,         /* answer to a VERIFY */
    GX_IN_LISTENING,        /* addresses the members' door can be reached at (at start and whenever they change) */
    GX_IN_DOOR,             /* a guests' door is open, or could not be opened */
    GX_IN_TRANSPORT_KEY,    /* answer to a TRANSPORT_KEY: there is a new one, it is kept, and its door can be reached at these addresses */
    GX_IN_LAN,              /* the own addresses that a beacon can go out from, each with the port that answers come to: at start and whenever they change */
    GX_IN_DATAGRAM,         /* bytes that came by UDP on the LAN: who sent them, and where from, is not proved */
    GX_IN_VACUUMED,         /* answer to a VACUUM: how large the store's file was and is, or why it was not made smaller */
    GX_IN_TIMER             /* the time of the last WAKE is reached */
};

struct gx_input {
    enum gx_input_kind kind;
    struct gx_time now;
    gx_session_id session;                      /* FRAME, SESSION_UP, SESSION_DOWN */
    struct gx_span bytes;                       /* FRAME, DATAGRAM */
    /* SESSION_UP */
    bool inbound;
    uint32_t door;                              /* inbound: 0 the members' door, else the number of a guests' door */
    struct gx_curve_pk peer_key;                /* authenticated by CURVE: the other side's key; TRANSPORT_KEY: the own one */
    struct gx_curve_pk own_key;                 /* a member's: the own key it was made with, which may be the one of before */
    struct gx_addr peer_addr;                   /* family 0 when unknown; DATAGRAM: where it says that it comes from */
    /* COMMAND, CLIENT_GONE */
    uint64_t client;                            /* a control connection */
    const struct gx_command *command;
    /* VERIFIED */
    uint64_t ticket;
    bool ok;
    /* LISTENING, TRANSPORT_KEY: own addresses, best first; n_addrs <= GX_ENDPOINT_ADDRS_MAX.  LAN: n_addrs <= GX_LAN_SOURCES_MAX */
    size_t n_addrs;
    const struct gx_addr *addrs;
    /* LAN: bit i: on the network of addrs[i] contacts alone are looked for, and who has a code; no others find this node there.  DATAGRAM: 1: it came from
     * such a network */
    uint32_t contacts_only;
    /* VACUUMED */
    enum gx_err err;
    uint64_t before_bytes, after_bytes;
    /* DOOR: number in door, port it listens on in addrs[].port (all addresses a guest may use); n_addrs 0: it failed */
};

enum gx_effect_kind {
    GX_OUT_SEND,            /* bytes to a session; drop it when the queue is full, and say so with SESSION_DOWN or not at all */
    GX_OUT_CONNECT,         /* open a session to an address */
    GX_OUT_DISCONNECT,      /* close a session once what was sent to it is out; no SESSION_DOWN follows */
    GX_OUT_DOOR_OPEN,       /* bind a guests' door */
    GX_OUT_DOOR_CLOSE,
    GX_OUT_BEACON,          /* bytes to all on the LAN that the own address `addr` (one of the last LAN input) is in, from there */
    GX_OUT_DATAGRAM,        /* bytes by UDP to addr, which is on a LAN that this node is in */
    GX_OUT_VERIFY,
    GX_OUT_ANSWER,          /* final answer to a command */
    GX_OUT_NOTE,            /* one object of a subscription (watch), to the client of that command */
    GX_OUT_NAME,            /* this person has another name from now on: keep it */
    GX_OUT_TRANSPORT_KEY,   /* make another transport key and keep it, with a members' door of its own, and say so; the one of before is still answered to
                             * for GX_TRANSPORT_KEY_MS where it was.  Until that is over there is no other: nothing happens */
    GX_OUT_VACUUM,          /* before the next step make the store's file smaller (gx_store_vacuum), and say so */
    GX_OUT_LOG,             /* a line for the log, no secrets, no control characters */
    GX_OUT_WAKE             /* a TIMER input at wake_mono_ms; the newest replaces earlier ones */
};

struct gx_effect {
    enum gx_effect_kind kind;
    gx_session_id session;                      /* SEND, CONNECT, DISCONNECT */
    struct gx_span bytes;                       /* SEND: one frame; BEACON, DATAGRAM: what goes out; VERIFY: the message; LOG, NAME: text */
    /* CONNECT, BEACON, DATAGRAM */
    struct gx_addr addr;
    /* CONNECT */
    struct gx_curve_pk server_key;
    bool as_guest;                              /* use guest_sk as the client's key instead of the node's transport key */
    struct gx_curve_pk guest_pk;
    struct gx_curve_sk guest_sk;
    /* DOOR_OPEN, DOOR_CLOSE */
    uint32_t door;                              /* number, from 1, never reused while the process lives */
    struct gx_curve_pk door_pk;
    struct gx_curve_sk door_sk;
    uint16_t port;                              /* the port it had before; 0 or taken: any */
    /* VERIFY */
    uint64_t ticket;
    enum gx_domain domain;
    const struct gx_sign_pk *pk;
    const struct gx_sig *sig;
    /* ANSWER, NOTE */
    uint64_t client, request;                   /* of the command */
    const struct gx_answer *answer;
    /* WAKE */
    uint64_t wake_mono_ms;
};

/* Might it be what killed the node?  What came from outside; but not a PING or its answer, which come to a node at rest and do nothing. */
bool gx_input_is_marked(const struct gx_input *in);

/* The list of effects of one step; borrowed from the engine. */
struct gx_effects {
    const struct gx_effect *list;
    size_t n;
};

/* Returns GX_OK, GX_E_MEMORY, GX_E_STORE, GX_E_CORRUPT, GX_E_VERSION (rows of the store). */
enum gx_err gx_engine_new(struct gx_engine **out, const struct gx_engine_config *config, struct gx_time now) GX_MUST_CHECK;
void gx_engine_free(struct gx_engine *engine);      /* wipes its secrets; NULL does nothing */

/* Take n inputs (n <= GX_STEP_INPUTS_MAX, asserted) in order.
 * Returns GX_OK
 *         GX_E_FULL     the disk or map is full: nothing of this step happened, commands were answered so; go on, later steps may work.
 *         GX_E_STORE, GX_E_CORRUPT, GX_E_MEMORY   the step was undone and the engine read its store anew; when it happens again, stop the node.
 * In each case `effects` is what may be carried out now. */
enum gx_err gx_engine_step(struct gx_engine *engine, struct gx_effects *effects, const struct gx_input *inputs, size_t n) GX_MUST_CHECK;

/* Counters of what was refused and why: for status and tests.  name: enum gx_err's name or one of the engine's own reasons. */
uint64_t gx_engine_dropped(const struct gx_engine *engine, const char *name);

#endif

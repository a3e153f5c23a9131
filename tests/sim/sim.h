/* Simulated networks: the engine and the store that ship, a clock that jumps, a network in memory.
 *
 * One thread, one seed: the same seed and the same calls give the same run, step by step; gx_sim_trace is its fingerprint.
 *
 * A run has two phases.  In the first, do to it what you like: crash nodes at any step, restart them with the store they had, with an old one or
 * with none, cut islands apart, make links slow.  Then gx_sim_heal, gx_sim_run for as long as healing may take, and gx_sim_check: what must
 * never happen was looked for at every step, what must have happened in the end is looked for then.
 *
 * What it does not model: radio, NAT, the cost of computing in virtual time, ZeroMQ's own buffers.  A link is a TCP connection: it loses
 * nothing and keeps the order, so loss makes frames come later.  To connect takes the journeys, and has the limits, that
 * TCP, ZMTP and CURVE have in node/os, and nobody is kept out for want of a place. */
#ifndef GX_SIM_H
#define GX_SIM_H

#include "node/engine/command.h"
#include "proto/err.h"
#include "tests/sim/spread.h"

struct gx_sim;

#define GX_SIM_NODES_MAX 12000u
#define GX_SIM_ISLANDS_MAX 16u

/* --- a world --------------------------------------------------------------------------------------------------------------------------- */

struct gx_sim_options {
    uint64_t seed;
    uint32_t n_nodes;       /* 1 to GX_SIM_NODES_MAX; all are up */
    const char *names;      /* one after the other, name_bytes each, ending in 0; NULL: n0, n1, ... */
    size_t name_bytes;
    const char *dir;        /* where a folder for the stores is made; NULL: /dev/shm */
    bool no_writemap;       /* LMDB writes by pwrite, as in the real node */
    bool no_memo;           /* signatures are verified and secrets agreed on as often as it comes to that; else once, by their exact bytes */
    bool measure;           /* tests/sim/measure.h: gather figures */
    const char *islands;    /* their names, in what is said of cuts: one after the other, island_bytes each; NULL: numbers */
    size_t island_bytes;
};

/* Has the machine what so many such worlds at once take, each in a process of its own?  The soft limit of open files is raised where it has to be.  False:
 * why says what is needed, and what there is. */
bool gx_sim_machine_can(const struct gx_sim_options *options, uint64_t at_once, char why[200]) GX_MUST_CHECK;

/* Is there room for what a step writes?  A run that broke something where there is none proves nothing. */
bool gx_sim_has_room(const char *dir);

/* Returns GX_OK
 *         GX_E_MEMORY   no memory.
 *         GX_E_STORE    no folder or no store could be made: is there room in `dir`, are there descriptors (one a node, two with no_writemap)? */
enum gx_err gx_sim_new(struct gx_sim **out, const struct gx_sim_options *options) GX_MUST_CHECK;
void gx_sim_free(struct gx_sim *sim);       /* and removes its folder; NULL does nothing */
bool gx_sim_ran_full(const struct gx_sim *sim);        /* there is no room where its stores are, or was none for a step */
/* Remove the folder, in a signal handler too, as the last thing before the program ends: *out of gx_sim_new is set before anything lies in it. */
void gx_sim_clean(const struct gx_sim *sim);

uint64_t gx_sim_now_ms(const struct gx_sim *sim);       /* since the beginning */
uint64_t gx_sim_wall_ms(const struct gx_sim *sim);      /* as right clocks show it */
void gx_sim_run(struct gx_sim *sim, uint64_t ms);
/* Let time pass until all is said: nobody was told anything new for 90 s, and nobody waits to connect to somebody who is there.  At most most_ms, which
 * is how long coming to rest may take: gx_sim_check then says what had to be so by then and is not.  Returns how long it took. */
uint64_t gx_sim_rest(struct gx_sim *sim, uint64_t most_ms);
/* A number below n, from the stream for what people do: asking for one more changes nothing that the network or a node draws. */
uint32_t gx_sim_pick(struct gx_sim *sim, uint32_t n);

/* --- the network ------------------------------------------------------------------------------------------------------------------------- */

struct gx_sim_link {
    uint32_t delay_ms;      /* one way, at least 1 */
    uint32_t jitter_ms;     /* and up to so much more */
    uint32_t loss_ppm;      /* frames that are sent once more, 200 ms later at least, and hold up those behind them */
    uint32_t bytes_per_s;   /* of one connection in one direction; 0: no limit */
};

/* Everybody is on island 0 at first.  On one island and between islands all links are alike. */
void gx_sim_island(struct gx_sim *sim, uint32_t node, uint32_t island);
void gx_sim_link(struct gx_sim *sim, uint32_t island, uint32_t other, const struct gx_sim_link *link);
/* What is sent from one island to another stays on the way until the cut is over.  Both ways: call it twice. */
void gx_sim_cut(struct gx_sim *sim, uint32_t from, uint32_t to, bool cut);
/* The link between two islands goes down, and every period_ms up or down again; 0 ends it, up.  Connections outlive it unless it is down for 30 s,
 * when the kernels give them up.  It takes the place of cuts between the two. */
void gx_sim_flap(struct gx_sim *sim, uint32_t island, uint32_t other, uint64_t period_ms);
/* No cuts, no loss, all nodes up and running, room on every disk, clocks right, no lies. */
void gx_sim_heal(struct gx_sim *sim);
void gx_sim_heal_but(struct gx_sim *sim, uint32_t away);    /* that node stays down */

/* --- on a LAN ---------------------------------------------------------------------------------------------------------------------------- */

/* From now on that node hears and sends beacons, on the LAN that its island is. */
void gx_sim_beacons(struct gx_sim *sim, uint32_t node);
/* Its machine gets another address; connections to and from the one before end, and nobody is reached there any more. */
void gx_sim_move(struct gx_sim *sim, uint32_t node);

/* --- nodes ------------------------------------------------------------------------------------------------------------------------------- */

const char *gx_sim_node_name(const struct gx_sim *sim, uint32_t node);
bool gx_sim_is_up(const struct gx_sim *sim, uint32_t node);
/* As by kill -9, now: others see the connection end when the news has come to them. */
void gx_sim_crash(struct gx_sim *sim, uint32_t node);
/* At the n-th step from now: its commit is done, and nothing of it was said. */
void gx_sim_crash_at(struct gx_sim *sim, uint32_t node, uint32_t n);
/* Set the store of a node that is down aside, for GX_SIM_SAVED. */
void gx_sim_save(struct gx_sim *sim, uint32_t node);

/* SAVED: as it was set aside (SAME when it never was); EMPTY: none; the person's keys are there, all groups
 * are lost.  Both make a new incarnation, as the node does
 * when it finds its incarnation file beside another store. */
enum gx_sim_store { GX_SIM_SAME, GX_SIM_SAVED, GX_SIM_EMPTY };
void gx_sim_start(struct gx_sim *sim, uint32_t node, enum gx_sim_store which);
/* As by SIGSTOP and SIGCONT: it does nothing, its connections stay, and what comes in waits. */
void gx_sim_pause(struct gx_sim *sim, uint32_t node, bool paused);
/* Its store cannot grow: what does not fit in pages that are free is refused, and undone. */
void gx_sim_disk_full(struct gx_sim *sim, uint32_t node, bool full);
/* Its wall clock is so far off. */
void gx_sim_skew(struct gx_sim *sim, uint32_t node, int64_t ms);

/* --- liars ------------------------------------------------------------------------------------------------------------------------------- */

/* id, name, what it does. */
#define GX_SIM_ROLES(X)                                                                                                                             \
    X(GX_SIM_EQUIVOCATOR, "equivocator", "signs two events in one place of its logs, and shows each to half of the others")                         \
    X(GX_SIM_BACKDATER, "backdater", "writes as if it knew nothing of what came since, on top of its logs or beside what stands there; removed, too") \
    X(GX_SIM_REPLAYER, "replayer", "says again what it heard and said, to others, and events of one group in another")                              \
    X(GX_SIM_OMITTER, "omitter", "says that it has everything, gives nothing it is asked for, and passes nothing on")                               \
    X(GX_SIM_GARBAGE, "garbage", "sends frames with a bit flipped, random ones, and others' events altered under the signature they had")           \
    X(GX_SIM_OVERSIZE, "oversize", "sends frames, lists, texts and names that are too long")                                                        \
    X(GX_SIM_FLOODER, "flooder", "asks for everything, claims everything, talks, and says again what it said, without a pause")                     \
    X(GX_SIM_SYBIL, "sybil", "makes up people, admits them, and they admit more and talk")                                                          \
    X(GX_SIM_LEAKER, "leaker", "hands a code for two to all who are not in, and they come at once")                                                 \
    X(GX_SIM_OVERCAP, "overcap", "admits past the cap and past the number up to which codes let in")                                                \
    X(GX_SIM_TALKER, "talker", "does not hear that it was removed, and goes on talking")                                                            \
    X(GX_SIM_CLOCK, "clock", "puts times ten years ahead and behind into what it writes, and ticks as far ahead as others let it")                  \
    X(GX_SIM_SLOW, "slow", "reads its connections at a crawl")                                                                                      \
    X(GX_SIM_COLLUDER, "colluder", "of a pair: each tells what the other writes too late, and lets in by an old request who is out")

enum gx_sim_role {
#define GX_X(id, name, does) id,
    GX_SIM_ROLES(GX_X)
#undef GX_X
        GX_SIM_ROLE_COUNT
};
#define GX_SIM_NOBODY UINT32_MAX
const char *gx_sim_role_name(enum gx_sim_role role);
/* From now on that node lies, until the world is healed: then its engine, which ran all the time, is alone again, with the store it has.
 * with: whom a colluder is in league with, and nobody else (GX_SIM_NOBODY).
 * Rules that are a liar's to break do not hold for it, not after the heal either: its own store and state, and that its messages reach everybody. */
void gx_sim_turn(struct gx_sim *sim, uint32_t node, enum gx_sim_role role, uint32_t with);
bool gx_sim_lies(const struct gx_sim *sim, uint32_t node);      /* or did */

/* --- people ------------------------------------------------------------------------------------------------------------------------------- */

/* An answer as lines, `key=value`, nested ones too.  Owned by the world: valid until the next gx_sim_ask of that node. */
struct gx_sim_reply {
    bool done, ok;
    uint8_t exit_code;
    char error[64];         /* name of the error */
    const char *values;
};

/* Ask a node that is up and not paused as its person would, and let at most wait_ms pass until it has answered.  Strings of cmd: valid until then.
 * True when the answer is a yes. */
bool gx_sim_ask(struct gx_sim *sim, struct gx_sim_reply *reply, uint32_t node, struct gx_command cmd, uint64_t wait_ms);
/* The digits that its last `invite` by digits showed; NULL: none has.  Owned by the world: valid until the next. */
const char *gx_sim_digits(const struct gx_sim *sim, uint32_t node);
/* The first value of that key; false when there is none or it does not fit. */
bool gx_sim_value(const struct gx_sim_reply *reply, char *out, size_t cap, const char *key);

/* --- the verdict ---------------------------------------------------------------------------------------------------------------------------- */

/* oracle, what it says.  README of tests/ has the reasons. */
#define GX_SIM_ORACLES(X)                                                                                           \
    X(GX_SIM_STEP, "step", "a step of the engine fails only where the machine does")                                \
    X(GX_SIM_CAP, "cap", "resolved members are never more than the cap")                                            \
    X(GX_SIM_QR, "qr", "nobody counts as admitted by QR at or past that limit")                                     \
    X(GX_SIM_SEATS, "seats", "who is a member is what counting the operations that count anew gives; codes and bans hold")  \
    X(GX_SIM_ACKED, "acked", "what was acknowledged is in the store after any crash")                               \
    X(GX_SIM_STORE, "store", "only verified canonical events are stored, and all that is derived from them fits")   \
    X(GX_SIM_STATE, "state", "after healing every member's node has the same state, and has it after a restart")                                \
    X(GX_SIM_DELIVERY, "delivery", "after healing every member has every acknowledged message of every member")     \
    X(GX_SIM_IDLE, "idle", "after healing nothing but pings is sent")                                               \
    X(GX_SIM_SHOWN, "shown", "who was removed is not heard any more, and what was heard before stays")                                               \
    X(GX_SIM_SECRETS, "secrets", "whom a message was sealed to reads it in the end, newcomers the last of before where the group says so, and nobody else; an "  \
                                 "epoch lists nobody known to be out")                                              \
    X(GX_SIM_BOUNDS, "bounds", "what others can make a node hold has the ends that it names")                                                       \
    X(GX_SIM_SERVED, "served", "a node serves devices only that are live in its own view")                                                           \
    X(GX_SIM_EXPECT, "expect", "what the test itself says must be so")

enum gx_sim_oracle {
#define GX_X(id, name, says) id,
    GX_SIM_ORACLES(GX_X)
#undef GX_X
        GX_SIM_ORACLE_COUNT
};
const char *gx_sim_oracle_name(enum gx_sim_oracle oracle);

struct gx_sim_violation {
    enum gx_sim_oracle oracle;
    uint64_t at_ms;
    uint32_t node;
    char text[200];
};
/* What was found first, in its order; *n: how many these are, at most 64.  Borrowed: valid while the world is. */
const struct gx_sim_violation *gx_sim_violations(const struct gx_sim *sim, size_t *n);
/* What a test found itself: counts as GX_SIM_EXPECT. */
void gx_sim_expect(struct gx_sim *sim, bool holds, uint32_t node, const char *text);

/* A person removed that node's from their group just now: what it writes from then on must be shown nowhere, what `by` has of it goes on to be. */
void gx_sim_removed(struct gx_sim *sim, uint32_t node, uint32_t by);

/* Everything that must be so at rest: call it when the world was healed and had the time to come to rest.  Returns whether nothing was violated
 * since the beginning. */
bool gx_sim_check(struct gx_sim *sim);

/* The newest message has had the time to reach everybody: who was removed has not got it. */
void gx_sim_check_heard(struct gx_sim *sim);

struct gx_sim_counts {       /* nothing but uint64_t */
    uint64_t steps, inputs, frames, bytes, connects, verifies, verified_before;
    uint64_t acked;             /* messages */
    uint64_t joined, closed;    /* memberships that began; requests that came after the QR limit */
    uint64_t due, delivered;    /* of these, at members: counted by gx_sim_check */
    uint64_t too_late;          /* messages of removed ones at members, likewise */
    uint64_t crashes, crashes_at_commit, restored, emptied, stalled, resent;
    uint64_t events_checked, read_anew;     /* groups that a second engine said the same of */
    uint64_t pauses, full_steps, flaps, broken;     /* steps undone for want of room; times a link went down; connections that ended by it */
    uint64_t unqueued;          /* frames for which a connection had no room */
    uint64_t links_apart, links_lazy, links_eager;      /* LINK frames that were sent */
    uint64_t lies, among_liars;     /* among_liars: frames that one who lies, or did, sent to another */
    uint64_t told[GX_SIM_ROLE_COUNT], arrived[GX_SIM_ROLE_COUNT];      /* lies of each kind, and frames of them that honest nodes got */
    uint64_t dropped;           /* messages that a member had and does not keep, at each: counted by gx_sim_check */
    uint64_t agreed;            /* messages of liars that an honest member has, at each of them: counted by gx_sim_check */
    uint64_t sealed, locked;    /* messages at nodes that hold them, and those that could not be read there: likewise */
    uint64_t before;            /* messages that newcomers read of before: likewise */
    uint64_t epochs;            /* of honest authors: likewise */
    uint64_t moves, beacons, datagrams, gifts;      /* other addresses; what was said on LANs, and of it invitations by digits */
    uint64_t transport_keys;                        /* replaced after a removal */
    uint64_t compared_same, compared_parts;         /* what two nodes hold was the same, was looked at in parts */
    uint64_t met_by_gate, met_by_gate_zero;         /* groups that became shared on a session, counted at each of its ends */
};
const struct gx_sim_counts *gx_sim_counts(const struct gx_sim *sim);
void gx_sim_counts_add(struct gx_sim_counts *sum, const struct gx_sim_counts *more);

/* What became of removals that took effect, of people who have stayed out; counted by gx_sim_check.  A message that was written behind one and is sealed
 * to who is out can be read by them, should it come to them. */
struct gx_sim_removals {        /* nothing but uint64_t, numbers first */
    uint64_t n, apart;          /* apart: of these, while some link was cut */
    uint64_t unheard;           /* members who have not heard of one */
    uint64_t behind, knowing;   /* messages of those who had heard, and of these such as are sealed to who is out: none */
    uint64_t read;              /* of those in window: held and opened by who is out */
    struct gx_sim_spread window;        /* messages of those who had not heard that are sealed to who is out: how long behind the removal they were written */
    struct gx_sim_spread heard;         /* who was a member then and is: how long it took until they heard */
};
const struct gx_sim_removals *gx_sim_removals(const struct gx_sim *sim);
void gx_sim_removals_add(struct gx_sim_removals *sum, const struct gx_sim_removals *more);

void gx_sim_trace(const struct gx_sim *sim, uint8_t out[32]);

#endif

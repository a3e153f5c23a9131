/* gx-bench in parts: what work costs raw (raw.c), two nodes to do it (world.c), numbers (figures.c) and the measures (measure_*.c). */
#ifndef GX_BENCH_H
#define GX_BENCH_H

#include "node/os/client.h"
#include "proto/law.h"
#include "store/env.h"

#define GX_BENCH_REPEATS_MAX 32u
#define GX_BENCH_WAIT_MS 600000         /* what did not come true by then does not */
#define GX_BENCH_WINDOW 64u             /* requests outstanding in "many at once" */
#define GX_BENCH_TEXT_BYTES 64u

/* --- figures.c ------------------------------------------------------------------------------------------------------------------ */

/* One number from each repeat. */
struct gx_figures {
    double v[GX_BENCH_REPEATS_MAX];
    size_t n;
};
void gx_figures_add(struct gx_figures *f, double value);
double gx_figures_median(const struct gx_figures *f);
double gx_figures_min(const struct gx_figures *f);
double gx_figures_max(const struct gx_figures *f);

/* Samples of one repeat. */
struct gx_samples {
    double *v;
    size_t n, cap;
};
bool gx_samples_room(struct gx_samples *s, size_t cap);         /* empties it too */
void gx_samples_add(struct gx_samples *s, double value);        /* within what there is room for */
double gx_samples_quantile(struct gx_samples *s, double q);     /* sorts it */
double gx_samples_sum(const struct gx_samples *s);
void gx_samples_free(struct gx_samples *s);

enum gx_goal { GX_GOAL_NONE, GX_GOAL_AT_LEAST, GX_GOAL_AT_MOST };

/* What does not change with load. */
struct gx_bench_count {
    const char *what;                   /* key in JSON; NULL: none */
    uint64_t n;
};
#define GX_BENCH_COUNTS_MAX 5u

/* A line of the report. */
struct gx_measure {
    const char *name;                   /* key in JSON */
    const char *unit, *raw;             /* of value and raw; what raw is */
    const char *note;                   /* NULL: none */
    const char *skipped;                /* why there are no figures; NULL: there are */
    struct gx_figures value, raw_value, ratio;
    const char *beside;                 /* a second raw cost, and what it is; NULL: none */
    struct gx_figures beside_value, beside_ratio;
    struct gx_figures cpu_us;           /* CPU time of the nodes an operation; where no node takes part, of this process */
    struct gx_bench_count counts[GX_BENCH_COUNTS_MAX];
    enum gx_goal goal_is;
    bool goal_of_value;                 /* else of the ratio */
    double goal;
};

/* Seconds of the monotonic clock. */
double gx_bench_now(void);

/* --- raw.c ---------------------------------------------------------------------------------------------------------------------- */

/* What a message costs without us: a signature over as many bytes, a verification, a synced commit of one row as large, a CURVE round trip. */
struct gx_raw;
bool gx_raw_open(struct gx_raw **out, const char *dir);
void gx_raw_close(struct gx_raw *raw);
double gx_raw_sign(struct gx_raw *raw, size_t n);               /* seconds for n */
double gx_raw_verify(struct gx_raw *raw, size_t n);
double gx_raw_verify_threads(struct gx_raw *raw, size_t n);     /* n on each of two threads at once */
double gx_raw_commit(struct gx_raw *raw);                       /* one; negative when it failed */
double gx_raw_round_trip(struct gx_raw *raw);                   /* one; negative when it failed */
double gx_raw_hash(struct gx_raw *raw, size_t n);               /* the ids of n headers */
double gx_raw_keys(size_t n);                                   /* n keys from a chain, each held against a commitment, by libsodium alone */
size_t gx_raw_event_bytes(const struct gx_raw *raw);            /* of a message, in full form */
uint32_t gx_raw_per_chunk(void);                                /* messages in one, which one signature covers */
/* How many times as much two threads verify as one. */
double gx_raw_two_threads(struct gx_raw *raw);

/* --- world.c -------------------------------------------------------------------------------------------------------------------- */

struct gx_bench_options {
    const char *guanxi, *keyless, *counted, *dir;       /* keyless: the same, but that it learns no keys of messages; counted: it counts frames */
    bool quick, full, json;
    uint32_t repeats, events;
};

#define GX_BENCH_MORE 8u
#define GX_BENCH_WIRE 8u

/* One node: a home, a process, a connection. */
struct gx_bench_node {
    char name[8], home_dir[512];
    struct gx_home home;
    uint32_t files_max;                 /* descriptors that it may have; 0: as many as may be */
    bool lan;                           /* it looks for others on the LAN */
    pid_t keeper, pid;                  /* what was started, 0: down; and the node, once it answers */
    struct gx_client client;
    bool connected;
};

struct gx_bench {
    struct gx_bench_options options;
    char dir[256];                      /* of this run; removed at the end */
    struct gx_bench_node a, b;
    bool joined;                        /* both are members of the group */
    struct gx_bench_node more[GX_BENCH_MORE];   /* the other eight, where ten are needed */
    struct gx_bench_node alone, empty;  /* with a group of its own and nobody else, and with nothing at all */
    struct gx_bench_node door;          /* what strangers are tried on */
    struct gx_bench_node keyless;       /* the third, where it is needed */
    struct gx_bench_node liar;          /* joined, and then down: attacker.c speaks in its name */
    struct gx_bench_node wire[GX_BENCH_WIRE];   /* a group of their own, whose frames are counted */
    bool keyless_joined;
    uint64_t events, before_keyless;    /* messages written so far; before that one came */
    struct gx_raw *raw;
    struct gx_figures two_threads;      /* how many times as much as one they verify, seen after each repeat */
};

#define GX_BENCH_GROUP "bench"

/* Ctrl-C was pressed: end soon. */
bool gx_bench_stopped(void);
void gx_bench_catch_signals(void);
bool gx_bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));      /* says it on stderr; false */
void gx_bench_progress(const struct gx_bench *bench, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool gx_bench_open(struct gx_bench *out, const struct gx_bench_options *options);
void gx_bench_close(struct gx_bench *bench);
/* Two homes of one group, both nodes up and connected with each other; at once when they are already. */
bool gx_bench_ready(struct gx_bench *bench);
bool gx_bench_ready_keyless(struct gx_bench *bench);        /* and the third */
bool gx_bench_init(struct gx_bench *bench, struct gx_bench_node *node, const char *name);
bool gx_bench_join(struct gx_bench *bench, struct gx_bench_node *node);     /* into the group of a and b */
bool gx_bench_meet(struct gx_bench_node *node, uint32_t peers);     /* it has so many peers, and nothing left to do */
/* It answers when this returns. */
bool gx_bench_up(struct gx_bench_node *node, const char *guanxi);
bool gx_bench_down(struct gx_bench_node *node);
/* The result, the caller's; NULL (said on stderr) when it was refused or did not come.  Takes over params. */
json_t *gx_bench_call(struct gx_bench_node *node, const char *method, json_t *params);
bool gx_bench_wait(struct gx_bench_node *node, json_t *conditions);         /* of `guanxi wait`; takes them over */
/* Where its members' door is, and its key. */
bool gx_bench_door(struct gx_bench_node *node, struct gx_addr *at, struct gx_curve_pk *key);
/* CPU time the process has used, in seconds. */
double gx_bench_cpu(const struct gx_bench_node *node);
/* The number behind `key` in a file of /proc; 0 where it cannot be read. */
uint64_t gx_bench_proc(const char *path, const char *key);
/* Messages written with `window` outstanding; seconds it took, negative when it failed. */
double gx_bench_send_many(struct gx_bench *bench, uint32_t n, uint32_t window);
/* The same of another node, which has written *events before. */
double gx_bench_send_from(struct gx_bench_node *node, uint64_t *events, uint32_t n, uint32_t window);
/* Send one and wait for its answer; for where `on` (may be NULL) is another connection, seconds until a line came there too, else until the answer. */
double gx_bench_send_one(struct gx_bench *bench, struct gx_client *on);

/* --- measure.c ------------------------------------------------------------------------------------------------------------------ */

/* Once a repeat: does something else run here? */
void gx_bench_note_noise(struct gx_bench *bench);
/* A connection of its own, on which each message that comes there is a line. */
bool gx_bench_watch(struct gx_client *out, struct gx_bench_node *node);
bool gx_measure_sends_one(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_sends_many(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_deliver(struct gx_bench *bench, struct gx_measure m[2]);        /* p50, p99 */
bool gx_measure_catch_up(struct gx_bench *bench, struct gx_measure m[4]);          /* held, opened, the first, bytes */
bool gx_measure_ingest(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_catch_up_keys(struct gx_bench *bench, struct gx_measure m[3]);      /* with, without, the difference */

/* --- ten.c ---------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_ten(struct gx_bench *bench, struct gx_measure *m);

/* --- attacked.c ----------------------------------------------------------------------------------------------------------------- */

bool gx_measure_attacked(struct gx_bench *bench, struct gx_measure m[3]);       /* wrong signatures, wants, claims */

/* --- door.c --------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_half_open(struct gx_bench *bench, struct gx_measure m[4]);      /* until a visitor is served, CPU; the same in a storm */
bool gx_measure_hostile(struct gx_bench *bench, struct gx_measure m[4]);        /* too large, as large as may be, endless, endless and small */

/* --- door_joins.c --------------------------------------------------------------------------------------------------------------- */

/* Fails when others are let in than may be, or who is not is told more than that. */
bool gx_measure_joins(struct gx_bench *bench, struct gx_measure *m);

/* --- door_beacons.c ------------------------------------------------------------------------------------------------------------- */

bool gx_measure_beacons(struct gx_bench *bench, struct gx_measure m[3]);        /* bytes of no meaning, random tags, real ones again */

/* --- peers.c -------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_peers(struct gx_bench *bench, struct gx_measure *m);

/* --- rest.c --------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_size(struct gx_bench *bench, struct gx_measure m[2]);           /* of who wrote, of who caught up */
bool gx_measure_cold(struct gx_bench *bench, struct gx_measure m[6]);           /* start with 10^4, 10^5, 10^6 events; read the last 50 of these */
bool gx_measure_idle(struct gx_bench *bench, struct gx_measure *m);

/* --- law_history.c -------------------------------------------------------------------------------------------------------------- */

struct gx_history_op {
    struct gx_law_op op;
    uint32_t deps, n_deps, heads, n_heads;      /* in history->edges */
    uint32_t prev;
    uint32_t named;                             /* the first that names it */
};
struct gx_history_person {
    struct gx_sign_pk member;
    uint32_t last, since;                       /* its last operation; its admission */
    bool in;
};
struct gx_history {
    struct gx_history_op *ops;
    uint32_t *edges;
    struct gx_history_person *persons;          /* 0: the owner */
    uint32_t n, cap, n_edges, cap_edges, n_persons, cap_persons, n_members;
    uint32_t token, witnessed, named;           /* the owner's code; where the last CHECKPOINT stood; before here all are named */
    bool owner_gone;
    uint64_t chance;
};
void gx_history_free(struct gx_history *h);

/* Until it has so many members: codes at first, invitations later, names, some go, some are promoted, and the owner witnesses all of it. */
bool gx_history_group(struct gx_history *h, uint32_t members);
/* Until it has n operations. */
bool gx_history_go_on(struct gx_history *h, uint32_t n, uint32_t members);
/* The same, without the owner from here on. */
bool gx_history_owner_gone(struct gx_history *h, uint32_t n, uint32_t members);
/* With so many PROMOTEs that do not know everything. */
bool gx_history_promotes(struct gx_history *h, uint32_t n, uint32_t members, uint32_t promotes);
/* The owner alone. */
bool gx_history_owner(struct gx_history *h, uint32_t n, uint32_t members);
/* As many authors as one event can name, each writing `rounds` operations without hearing of the others until the owner's CHECKPOINT. */
bool gx_history_apart(struct gx_history *h, uint32_t n, uint32_t rounds);
/* A guest who leaves and comes back, n times each, and then admits n times, so that all of it has to be looked at each time. */
bool gx_history_rejoin(struct gx_history *h, uint32_t n);
/* A guest who leaves n times, and is admitted n times by one who knows that, upon a request that does not. */
bool gx_history_stale(struct gx_history *h, uint32_t n);
/* One more: the ADMIT of somebody new; a point of the owner; an ADMIT that knows of nothing but its author's own; a removal that reaches back; a
 * point that forks the owner's log at its beginning. */
bool gx_history_admit(struct gx_history *h);
bool gx_history_point(struct gx_history *h, enum gx_law_kind kind, uint32_t target);
bool gx_history_late(struct gx_history *h);
bool gx_history_removal(struct gx_history *h);
bool gx_history_fork(struct gx_history *h, enum gx_law_kind kind, uint32_t target);

/* --- law.c ---------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_law_group(struct gx_bench *bench, struct gx_measure m[2]);      /* 500 members: replay, the batch form */
bool gx_measure_law_replay(struct gx_bench *bench, struct gx_measure m[4]);     /* 10,000 operations */
bool gx_measure_law_growth(struct gx_bench *bench, struct gx_measure m[8]);
bool gx_measure_law_one_more(struct gx_bench *bench, struct gx_measure m[4]);
bool gx_measure_law_rollback(struct gx_bench *bench, struct gx_measure m[7]);
bool gx_measure_law_promotes(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_law_rejoin(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_law_memory(struct gx_bench *bench, struct gx_measure m[3]);

/* --- seal.c --------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_seal(struct gx_bench *bench, struct gx_measure m[2]);           /* a message: sealed, opened */
bool gx_measure_epoch(struct gx_bench *bench, struct gx_measure m[6]);          /* for 10, 100, 500 devices: made, opened */
bool gx_measure_keys(struct gx_bench *bench, struct gx_measure *m);

/* --- vault.c -------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_unlock(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_key_rows(struct gx_bench *bench, struct gx_measure m[2]);       /* put, a chunk; got, one */
bool gx_measure_rewrap(struct gx_bench *bench, struct gx_measure *m);

/* --- sim.c ---------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_sim_schedules(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_sim_group(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_sync(struct gx_bench *bench, struct gx_measure m[3]);                /* nothing differs, few logs do, all do */
bool gx_measure_sync_wire(struct gx_bench *bench, struct gx_measure m[2]);      /* between real nodes: nothing differs, few logs do */
bool gx_measure_sim_large(struct gx_bench *bench, struct gx_measure m[2]);      /* time, memory */

/* --- tree.c --------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_redundancy(struct gx_bench *bench, struct gx_measure *m);
bool gx_measure_vanish(struct gx_bench *bench, struct gx_measure m[2]);         /* time, copies */

#endif

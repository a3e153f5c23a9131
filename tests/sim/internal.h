/* Inside the simulation library only. */
#ifndef GX_SIM_INTERNAL_H
#define GX_SIM_INTERNAL_H

#include "crypto/hash.h"
#include "node/engine/internal.h"
#include "tests/sim/measure.h"

#define SIM_MONO_MS 1000000ull              /* what the clocks show at the beginning */
#define SIM_WALL_MS 1790000000000ull
#define SIM_LOOK_MS 250u                    /* what is held up by a cut is tried again so often */
#define SIM_RESEND_MS 200u                  /* TCP's least time before it sends again */
#define SIM_BREAK_MS 30000u                 /* as node/os lets the kernel give up a connection on which nothing comes through */
#define SIM_CRAWL_MS 3000u                  /* a slow reader takes one frame of a connection in that time */
#define SIM_QUEUE_FRAMES 288u               /* as node/os: 256 on the sender's side and 32 on the other's; more are dropped */
#define SIM_MAP_BYTES (64u << 20)
#define SIM_VIOLATIONS_MAX 64u
#define SIM_MEMO (1u << 16)                 /* signatures that are remembered; a later one takes the place of an earlier */
#define SIM_DH 16384u             /* of X25519: an epoch of 50 members takes 50 */
#define SIM_LIVE_KEPT 64u                   /* channels of a node, of which it is remembered that a member is served on them */
#define SIM_DOOR_PORT 7447u
#define SIM_RECENT_BYTES 8192u          /* what `keeps recent` and `keeps off` leave of a group, small enough to be reached */
#define SIM_OFF_MESSAGES 4u
#define SIM_INBOX_KEPT 32u                  /* a longer inbox is given back when it is empty: 10,000 nodes have one each */
#define SIM_NONE UINT32_MAX
#define SIM_EMPTY "empty"                    /* folder of the store that nodes begin with */

/* A stream of its own for each subsystem: what one draws does not change what another does. */
struct sim_rng { uint64_t state; };
struct sim_rng sim_rng(uint64_t seed, uint64_t stream);
uint64_t sim_draw(struct sim_rng *r);
uint32_t sim_pick(struct sim_rng *r, uint32_t n);           /* below n; n > 0 */

enum sim_event_kind { SIM_DELIVER, SIM_CONNECTED, SIM_REFUSED, SIM_WAKE, SIM_FLAP, SIM_BROKEN, SIM_LIE, SIM_DATAGRAM };
struct sim_event {
    uint64_t at_ms, seq;        /* ordered by both: no two alike */
    enum sim_event_kind kind;
    uint32_t a, b;              /* DELIVER: connection, side that receives; CONNECTED: connection; WAKE, REFUSED, LIE: node; FLAP, BROKEN: islands;
                                 * DATAGRAM: from, to */
    struct sim_frame *datagram;
    uint64_t number;            /* WAKE: the time asked for; REFUSED: session; the others: generation of the connection, the fault or the liar */
};

struct sim_frame {
    struct sim_frame *next;
    uint64_t due_ms;
    bool end;                   /* the sender closed */
    uint8_t lie;                /* 1 + role of the liar who said it instead of its engine; 0: nobody */
    size_t n;
    uint8_t bytes[];
};

/* What goes to one side of a connection, in its order. */
struct sim_pipe {
    struct sim_frame *head, *tail;
    uint64_t last_due_ms;
    uint32_t n;
    bool stalled;
};

struct sim_conn {
    bool used, up;              /* up: who connected knows of it, */
    bool met;                   /* and who was connected to, since the first frame, as in node/os */
    uint64_t generation;
    uint32_t node[2];           /* 0 connected, 1 was connected to */
    uint32_t life[2];           /* of the node, when it began: a node that started anew has none of its connections */
    gx_session_id session[2];
    bool open[2];               /* that side has not closed it */
    uint32_t at[2];             /* in its node's list */
    uint32_t door;
    struct gx_curve_pk server, client;
    struct gx_addr addr;
    uint64_t give_up_ms;        /* when its handshake has taken too long */
    struct sim_pipe to[2];
};

struct sim_door {
    uint32_t number;
    uint16_t port;
    struct gx_curve_pk pk;
};

/* An input that waits for the node's next step, with what it points to. */
struct sim_input {
    struct gx_input in;
    struct sim_frame *frame;
    struct gx_addr addr;
};

struct sim_room {               /* a group, and the nodes that were ever in it */
    struct gx_group_id group;
    uint32_t *nodes;
    uint32_t n_nodes, cap_nodes;
};

struct sim_member {             /* in which groups this node is a member, as of its last step */
    struct gx_group_id group;
    uint32_t room;
    bool member;
    uint64_t since_ms;
    uint32_t times;             /* it became one */
};

struct sim_live {               /* the device of that session's channel was a member's at that generation of the law */
    gx_session_id session;
    uint32_t gnum, life, generation, n_logs;
    struct gx_sign_pk device;
};

struct sim_removal;             /* removal.c */

struct sim_flap {               /* between two islands, the lower number first */
    uint64_t period_ms, generation, at_ms;
    bool down;
};

struct sim_liar;

struct sim_node {
    bool up, saved;
    bool paused, full;
    struct sim_liar *liar;      /* it lies, or did; NULL: honest since the beginning */
    uint32_t life;
    uint32_t island;
    bool beacons;               /* it is on the LAN of its island */
    bool lan_wish;              /* its last beacon asked for a door */
    char digits[GX_NEAR_DIGITS + 1], typed[GX_NEAR_DIGITS + 1];    /* what it showed last, and what its person typed last; empty: nothing yet */
    uint8_t place;              /* how often it got another address */
    int64_t skew_ms;
    char dir[160];
    struct gx_store *store;
    struct gx_engine *engine;
    struct gx_rng_stream rng, store_rng;
    struct gx_root_key root, saved_root;        /* what the store is sealed under; what the one that was put aside is */
    struct gx_engine_config config;
    uint64_t wake_ms;
    gx_session_id next_inbound;
    struct sim_door *doors;
    struct sim_door own_door, own_door_before;    /* the members' door, and that of the transport key of before; port 0: there is none */
    uint32_t n_doors, cap_doors;
    uint16_t next_port;
    struct sim_input *inbox;
    uint32_t n_inbox, cap_inbox;
    bool listed;                /* in sim->busy */
    uint64_t met_by_gate, met_by_gate_zero;         /* of its engine, as counted so far */
    uint64_t compared_same, compared_parts;
    uint32_t crash_in;          /* steps; 0: no */
    uint32_t *conns;            /* its connections */
    uint32_t n_conns, cap_conns;
    uint32_t *by_session;       /* the connection of each session that was, by its number: these are small */
    uint32_t n_by_session;
    struct sim_member *members;
    uint32_t n_members, cap_members;
    struct sim_live live[SIM_LIVE_KEPT];        /* by session and group; session 0: none */
    uint64_t removed_ms;        /* somebody removed it then; 0: nobody */
    uint32_t removals;
    uint64_t lost_ms;           /* when an old or an empty store took the place of its own; 0: never */
    /* the person's last command */
    uint64_t client;
    bool sending;               /* it was `send` */
    struct gx_sim_reply reply;
    char *values;
    size_t n_values, cap_values;
};

/* A message that its author's node said it has. */
/* What comes of a secret and a point, or of a secret alone, by a hash of these. */
struct sim_dh {
    uint8_t id[32], out[32];
};

struct sim_acked {
    struct gx_event_id id;
    uint32_t node, seq;
    struct gx_group_id group;
    struct gx_sign_pk member, device;
    struct gx_log_id log;
    uint64_t at_ms;
    uint64_t tick;
    uint8_t *due;               /* a bit a node: it was a member then */
    uint8_t *old;               /* a bit a node: all others had it when that one became a member */
    uint32_t n_due, n_held;     /* nodes, at the last rest */
    bool lie;                   /* a liar told it, and acknowledged it to nobody */
    bool too_late;              /* written after that, by the member that was removed */
    bool before_cut;            /* its author was removed by one who had it */
};

struct gx_sim {
    struct gx_sim_options options;
    char dir[128];
    bool ran_full;              /* there was no room there for a step */
    uint64_t now_ms;            /* since the beginning */
    uint64_t news_ms;           /* when something was last on its way to where it was not */
    struct sim_rng network, people, lan;
    struct sim_event *heap;
    uint32_t n_heap, cap_heap;
    uint64_t next_seq;
    struct sim_node *nodes;
    uint32_t *busy, *busy_next; /* nodes with inputs, in the order in which they got them; and its room in the next round */
    uint32_t n_busy;
    struct sim_conn *conns;
    uint32_t n_conns, cap_conns;
    uint32_t *free_conns;
    uint32_t n_free, cap_free;
    uint64_t generation;
    struct gx_sim_link links[GX_SIM_ISLANDS_MAX][GX_SIM_ISLANDS_MAX];
    bool cut[GX_SIM_ISLANDS_MAX][GX_SIM_ISLANDS_MAX];
    struct sim_flap flaps[GX_SIM_ISLANDS_MAX][GX_SIM_ISLANDS_MAX];
    uint8_t (*memo)[32];
    struct sim_dh *dh;          /* X25519, likewise */
    struct sim_acked *acked;
    uint32_t n_acked, cap_acked;
    struct sim_room *rooms;
    uint32_t n_rooms, cap_rooms;
    struct sim_removal *removals;
    uint32_t n_removals, cap_removals;
    struct gx_sim_removals removed;
    struct gx_hasher trace;
    struct gx_sim_violation violations[SIM_VIOLATIONS_MAX];
    size_t n_violations;
    struct gx_sim_counts counts;
    struct sim_measure *measure, *measured;     /* NULL: nobody wants figures; measured: no more is gathered */
};

/* Memory that is there, or the program ends: a simulation without it proves nothing. */
void *sim_grow(void *list, uint32_t *cap, uint32_t n, size_t item);
void sim_add(void *sum, const void *more, size_t n);      /* n uint64_t */

/* world.c */
void sim_at(struct gx_sim *sim, uint64_t at_ms, struct sim_event ev);
void sim_settle(struct gx_sim *sim);                    /* all that happens at this instant */
/* memo.c */
void sim_memo_use(struct gx_sim *sim);                  /* what this thread signs and verifies now is of that world; NULL: of none */
/* node.c */
struct gx_time sim_time(const struct gx_sim *sim, const struct sim_node *node);
void sim_push(struct gx_sim *sim, uint32_t node, struct gx_input in, struct sim_frame *frame);      /* takes the frame */
void sim_step(struct gx_sim *sim, uint32_t node);       /* everything in its inbox */
/* What a person says to a node that is up, whatever comes of it.  Strings of cmd: not needed afterwards. */
void sim_order(struct gx_sim *sim, uint32_t node, const struct gx_command *cmd);
bool sim_make_empty(struct gx_sim *sim);                /* a store to copy */
bool sim_make_store(struct gx_sim *sim, uint32_t node); /* nothing in it */
bool sim_open(struct gx_sim *sim, uint32_t node);
void sim_close(struct gx_sim *sim, uint32_t node);
void sim_say_listening(struct gx_sim *sim, uint32_t node, enum gx_input_kind kind);
/* net.c */
struct gx_addr sim_addr(const struct gx_sim *sim, uint32_t node, uint16_t port);    /* where it is now */
void sim_send(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef);
void sim_connect(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef);
void sim_disconnect(struct gx_sim *sim, uint32_t node, gx_session_id session);
uint32_t sim_peer(struct gx_sim *sim, uint32_t node, gx_session_id session);     /* who is at the other end; SIM_NONE: nobody */
void sim_net_event(struct gx_sim *sim, const struct sim_event *ev);
void sim_net_gone(struct gx_sim *sim, uint32_t node);   /* the node went down */
void sim_net_cut_off(struct gx_sim *sim, uint32_t node);   /* its connections end, on both sides */
void sim_net_break(struct gx_sim *sim, uint32_t island, uint32_t other);    /* connections between them end, on both sides */
void sim_net_free(struct gx_sim *sim);
bool sim_reaches(const struct gx_sim *sim, uint32_t node, const struct gx_addr *addr);     /* somebody who is up, by both ways */
/* lan.c */
void sim_lan_begin(struct gx_sim *sim, uint32_t node);
void sim_say_on_lan(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef);
void sim_lan_event(struct gx_sim *sim, const struct sim_event *ev);
void sim_lan_free(struct gx_sim *sim);
/* again.c */
void sim_check_again(struct gx_sim *sim);
/* rest.c */
void sim_note_news(struct gx_sim *sim, struct gx_span frame);
/* fault.c */
void sim_disk_limit(struct gx_sim *sim, uint32_t node);     /* its store was opened */
void sim_flap(struct gx_sim *sim, const struct sim_event *ev);
void sim_faults_end(struct gx_sim *sim);
/* liar.c */
bool sim_liar_sends(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef);     /* something else, or nothing, instead */
bool sim_hears(struct gx_sim *sim, uint32_t node, const struct sim_frame *frame);       /* false: its engine is not told */
bool sim_crawls(const struct gx_sim *sim, uint32_t node);                               /* it reads slowly */
void sim_crawled(struct gx_sim *sim, uint32_t node, uint32_t from);
uint8_t sim_lie_mark(const struct gx_sim *sim, uint32_t node);                          /* of what it sends now */
uint64_t sim_lies_since(const struct gx_sim *sim, uint32_t node);
void sim_lie(struct gx_sim *sim, const struct sim_event *ev);
void sim_liars_end(struct gx_sim *sim);
void sim_liar_free(struct sim_liar *liar);
/* oracle.c */
void sim_violated(struct gx_sim *sim, enum gx_sim_oracle oracle, uint32_t node, const char *format, ...) __attribute__((format(printf, 4, 5)));
void sim_look(struct gx_sim *sim, uint32_t node);       /* after each step */
bool sim_is_honest(const struct gx_sim *sim, uint32_t node);        /* it never turned */
/* A liar says that this is a message of `author`, a liar too: if one honest member has it, all have who were in before that one lied first; late:
 * none of them shows it, if its author was removed before. */
void sim_told(struct gx_sim *sim, uint32_t author, const struct gx_group *g, const struct gx_event *ev, bool late);
void sim_told_own(struct gx_sim *sim, uint32_t author, const struct gx_group_id *group, bool late);     /* the newest of its own log */
void sim_sent(struct gx_sim *sim, uint32_t node, const struct gx_answer *answer);
uint64_t sim_reads(struct gx_sim *sim, uint32_t node, uint32_t author, uint64_t after_ms);      /* messages that it shows */
struct gx_group *sim_group_at(const struct gx_sim *sim, uint32_t node, const char *where);      /* ":id" of a group; NULL: it is not there */
void sim_delivered(const struct gx_sim *sim, const char *where, uint64_t *due, uint64_t *delivered);    /* as counted at the last rest */
void sim_started(struct gx_sim *sim, uint32_t node);    /* with its own store: what it acknowledged is there */
bool sim_holds(struct gx_sim *sim, uint32_t node, const struct sim_acked *a);      /* between steps: it reads the store */
bool sim_is_cut(const struct gx_sim *sim);              /* some link is */
/* measure.c: all do nothing where sim->measure is NULL */
/* Of several memberships of one group the one that counts. */
struct gx_group *sim_group_of(struct gx_engine *e, const struct gx_group_id *id);
uint32_t sim_room_of(struct gx_sim *sim, const struct gx_group_id *group);                  /* in rooms; it is made where there is none */
uint64_t sim_member_since(const struct sim_node *node, const struct gx_group_id *group);    /* without a break; UINT64_MAX: it is none */
uint32_t sim_person_of(const struct gx_group *g, const struct gx_sign_pk *member);          /* law.n_persons: nobody */
bool sim_is_in(const struct gx_group *g, const struct gx_sign_pk *member);

/* Does it hold that event?  BEFORE: its log begins behind that; DROPPED: it did, and does not keep it; ANOTHER: that place is taken by another one. */
enum sim_held { SIM_HELD, SIM_LACKING, SIM_ANOTHER, SIM_BEFORE, SIM_DROPPED };
static inline bool sim_had(enum sim_held h)
{
    return h == SIM_HELD || h == SIM_DROPPED;
}
enum sim_held sim_held(struct gx_engine *e, struct gx_group *g, const struct sim_acked *a);

void sim_recount(struct gx_sim *sim, uint32_t node, const struct gx_group *g);
void sim_check_delivery(struct gx_sim *sim);
void sim_check_shown(struct gx_sim *sim);
void sim_check_secrets(struct gx_sim *sim);
/* Can this node open that message?  What is read lies in the arena until the next call; epoch: under which it was written, where it is held. */
enum sim_reads { SIM_NOT_HELD, SIM_LOCKED, SIM_OPEN };
enum sim_reads sim_reads_message(struct gx_engine *e, struct gx_group *g, const struct sim_acked *a, struct gx_event_id *epoch);
bool sim_is_listed(struct gx_engine *e, struct gx_group *g, const struct gx_event_id *epoch, const struct gx_sign_pk *member);
/* removal.c */
void sim_removal_note(struct gx_sim *sim, uint32_t node, uint32_t by);      /* `by` removed who is at that node, just now */
void sim_removal_step(struct gx_sim *sim, uint32_t node);                   /* after it */
void sim_removal_sent(struct gx_sim *sim);                                  /* the newest of sim->acked */
void sim_check_removals(struct gx_sim *sim);
void sim_removals_free(struct gx_sim *sim);
void sim_came(struct gx_sim *sim, uint32_t node, const struct gx_group *g);        /* it became a member in its last step */

/* Copies of messages that came to nodes: the first of each to each, those of them that were pushed, and the others. */
struct sim_copies { uint64_t first, pushed, again; };
/* Of the messages of a group that were written at after_ms or later; none where nothing is measured. */
struct sim_copies sim_measure_copies(const struct gx_sim *sim, const char *where, uint64_t after_ms);     /* ":id" of the group */
struct sim_measure *sim_measure_new(uint32_t n_nodes);
void sim_measure_free(struct sim_measure *m);
void sim_measure_took(struct gx_sim *sim, uint32_t node, const struct gx_input *list, size_t n);       /* before the step */
void sim_measure_step(struct gx_sim *sim, uint32_t node);           /* after it, and its effects */
void sim_measure_sent(struct gx_sim *sim);                          /* the newest of sim->acked */
void sim_measure_missing(struct gx_sim *sim, uint32_t acked, uint32_t node);       /* it should be there in the end */
void sim_measure_until(struct gx_sim *sim, uint64_t until_ms);      /* before the clock jumps there */
void sim_measure_heal(struct gx_sim *sim, uint32_t away);           /* before it is done */
void sim_measure_healed(struct gx_sim *sim);
void sim_measure_asked(struct gx_sim *sim, enum gx_method method);
void sim_measure_stop(struct gx_sim *sim);                          /* what comes now is no part of the run */
/* Something was done to the world; node: to whom, or SIM_NONE.  What is said in the same words at the same time is one mark. */
void sim_mark(struct gx_sim *sim, uint32_t node, const char *format, ...) __attribute__((format(printf, 3, 4)));
void sim_mark_link(struct gx_sim *sim, const char *what, uint32_t from, uint32_t to);      /* of islands; both ways at one time are one mark */

#endif

/* Pairing on a LAN by six digits that two people see: what this node shows, and what it looks for.  WIRE §9.1, KEYS §13. */
#ifndef GX_ENGINE_NEAR_H
#define GX_ENGINE_NEAR_H

#include "node/engine/budget.h"
#include "proto/near.h"
#include "store/rows.h"

/* A code that this node shows, as long as a client waits for who types it. */
struct gx_near_offer {
    bool active;
    struct gx_near_code code;
    struct gx_near_secret secret;
    uint32_t group;             /* gnum */
    struct gx_event_id token;   /* the invitation that it leads to */
    uint32_t n_wrong;
    struct gx_near_point wrong[GX_NEAR_TRIES_MAX];      /* A of who was wrong: none is heard twice */
    bool proved;                /* somebody knew it, and nobody else is heard any more */
    struct gx_near_point proved_a;
    struct gx_near_keys keys;   /* with them, until the gift is made */
    bool has_gift;              /* the door was open, */
    struct gx_near_gift gift;   /* and this is what they are given, each time that they ask */
    bool is_void;               /* its invitation is to be revoked, if nobody came in by it */
    uint64_t came_ms;           /* somebody did: since then; 0: nobody yet */
    struct gx_budget answers;
};

/* An inviter that answered, whoever it is. */
struct gx_near_tried {
    struct gx_addr at[GX_NEAR_PLACES_MAX];      /* where that B came from */
    uint64_t at_ms[GX_NEAR_PLACES_MAX];         /* when first */
    uint32_t n_at;
    struct gx_near_point b;
    struct gx_near_keys keys;
    uint32_t n_sent;
    uint64_t next_ms;
};

/* A code that this node looks for, as long as a client waits for it. */
struct gx_near_search {
    bool active;
    struct gx_near_scalar x;
    struct gx_near_point a;
    struct gx_join_row join;    /* but for the invitation */
    uint32_t n_sent;
    uint64_t next_ms;
    struct gx_near_tried tried[GX_NEAR_TRIES_MAX];
    uint32_t n_tried;
};

struct gx_near {
    struct gx_near_offer offer;
    struct gx_near_search search;
    /* An invitation that is to be revoked: until the law says that it is. */
    bool has_void;
    uint32_t void_group;
    struct gx_event_id void_token;
};

struct gx_engine;
struct gx_input;
struct gx_command;
struct gx_waiter;
struct gx_answer_builder;

/* DATAGRAM of one of the four lengths. */
void gx_near_take(struct gx_engine *e, const struct gx_input *in);
void gx_near_timer(struct gx_engine *e);
/* `invite` with a code of six digits: refuses what cannot be, and what is asked for beside it. */
bool gx_near_may_offer(struct gx_answer_builder *b, const struct gx_command *cmd);
/* A code for the invitation that was just written: w, the client's waiter, is told it. */
void gx_near_offer(struct gx_engine *e, struct gx_waiter *w, uint32_t group, const struct gx_event_id *token, uint64_t expires_ms);
/* `join` by such a code; row: but for the invitation. */
void gx_near_search(struct gx_answer_builder *b, const struct gx_join_row *row, const struct gx_command *cmd, uint64_t timeout_ms);
/* At the end of a step: true when the client was answered. */
bool gx_near_offer_run(struct gx_engine *e, const struct gx_waiter *w);
bool gx_near_search_run(struct gx_engine *e, const struct gx_waiter *w);

#endif

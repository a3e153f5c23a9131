/* Inside the simulation library only: what liars lie with. */
#ifndef GX_SIM_LIAR_H
#define GX_SIM_LIAR_H

#include "tests/sim/internal.h"

#define SIM_ACTS_MAX 150u       /* lies come to an end, so that a long world does */
#define SIM_SEEN 32u            /* frames that are remembered, by chance the newest or an older one */
#define SIM_MADE 40u            /* persons that one liar makes up */

/* An event made by hand, and a chunk of it alone. */
struct sim_forged {
    struct gx_event ev;
    uint8_t deps[32 * 8];
    uint8_t body[GX_EVENT_BODY_MAX], blind[GX_EVENT_BODY_MAX];
    uint8_t chunk[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX];
    size_t n;
};

/* Where an event stands.  Its tick is one above that of what it follows. */
struct sim_place {
    struct gx_log_id log;
    uint64_t seq, tick;
    struct gx_event_id prev;
    struct gx_event_id deps[8];     /* ascending */
    uint32_t n_deps;
};

/* A member without a node. */
struct sim_made {
    struct gx_intro intro;
    struct gx_sign_sk device_sk;
    struct gx_group_id group;
    struct gx_event_id admit;
    struct sim_place control, messages;     /* of its next event */
};

/* Two branches of one log. */
struct sim_fork {
    struct sim_place place[2];
    uint32_t n_forks, n_left;
};

struct sim_liar {
    enum gx_sim_role role;
    uint32_t with;
    bool lying, telling;        /* telling: what is sent now is a lie */
    uint64_t generation;
    uint64_t since_ms;          /* when it lied first: whoever joins later may follow one branch of what it says */
    uint32_t n_acts;
    struct sim_rng rng;
    struct sim_forged forged;
    struct sim_frame *seen[SIM_SEEN];
    uint32_t n_seen;
    struct sim_fork fork[2];    /* by enum gx_log_class */
    struct sim_made made[SIM_MADE];
    uint32_t n_made;
    /* An invitation whose seed is known here. */
    struct gx_group_id token_group;
    struct gx_event_id token;
    struct gx_token_keys token_keys;
    struct gx_token_seed token_seed;
    uint32_t token_expires_min;
    bool has_token;
};

/* liar.c */
uint32_t sim_liar_pick(struct sim_liar *liar, uint32_t n);
void sim_liar_bytes(struct sim_liar *liar, void *out, size_t n);
/* A lie was told, or one that cannot be seen in a frame came to an honest node. */
void sim_lied(struct gx_sim *sim, uint32_t node);
void sim_lie_arrived(struct gx_sim *sim, uint32_t receiver, uint32_t role);
/* One frame, as if the node had said it. */
void sim_say(struct gx_sim *sim, uint32_t node, gx_session_id session, struct gx_span bytes);
/* An event of the node's own that its engine writes, whatever the law or a command would say to it.  Its tables are made anew when there is no room,
 * so no pointer into them is good afterwards.  False: it was not written. */
bool sim_write(struct gx_sim *sim, uint32_t node, const struct gx_group_id *group, const struct gx_body *body, struct gx_event_id *id);
bool sim_write_text(struct gx_sim *sim, uint32_t node, const struct gx_group_id *group, const char *text, struct gx_event_id *id);

/* forge.c */
struct gx_group *sim_group(struct gx_engine *e, const struct gx_group_id *id);
/* A group of the node in which it has logs: is, or was, a member.  NULL: none. */
struct gx_group *sim_pick_group(struct gx_sim *sim, uint32_t node);
void sim_device_sk(const struct gx_sim *sim, uint32_t node, const struct gx_group *g, struct gx_sign_sk *sk);
struct sim_place sim_head_of(const struct gx_group *g, uint32_t log);
/* The place of event `seq` of a log, which the node holds: a fork.  False: what lies before cannot be read. */
bool sim_place_of(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t seq, struct sim_place *out);
/* It is behind operation `op`, too. */
void sim_place_behind(struct sim_place *at, const struct gx_group *g, uint32_t op);
/* body: in f->body, or anywhere. */
void sim_forge_body(struct sim_forged *f, const struct gx_group_id *group, const struct gx_sign_sk *sk, uint8_t type, struct gx_span body,
                    const struct sim_place *at, uint64_t wall_ms);
void sim_forge(struct sim_forged *f, const struct gx_group_id *group, const struct gx_sign_sk *sk, const struct gx_body *body, const struct sim_place *at,
               uint64_t wall_ms);
void sim_forge_text(struct sim_forged *f, const struct gx_group_id *group, const struct gx_sign_sk *sk, const char *text, const struct sim_place *at);
void sim_forged_chunk(struct sim_forged *f);                /* of f->ev, as it is */
/* The next event behind f. */
void sim_place_next(struct sim_place *at, const struct sim_forged *f);
/* A chunk in a frame of its own to those with whom the node has a channel of the group; half: 0 all, else those with an even (1) or odd (2) number. */
void sim_tell(struct gx_sim *sim, uint32_t node, const struct gx_group *g, struct gx_span chunk, uint32_t half);
/* made.c */
/* A new person; NULL when it made up enough. */
struct sim_made *sim_make_up(struct gx_sim *sim, uint32_t node, const struct gx_group *g);
/* Its request, by the code of the liar or by invitation of `inviter`. */
size_t sim_request(struct sim_liar *liar, const struct sim_made *who, const struct gx_group *g, const struct gx_sign_pk *inviter,
                   uint8_t out[GX_JOIN_REQUEST_MAX], struct gx_join_request *req);
bool sim_has_token(struct gx_sim *sim, uint32_t node, const struct gx_group_id *group, uint8_t uses);    /* makes one otherwise, for the next time */
bool sim_admit(struct gx_sim *sim, uint32_t node, const struct gx_group_id *group, struct sim_made *who, bool by_code);
/* lies.c */
void sim_lie_act(struct gx_sim *sim, uint32_t node);
uint32_t sim_lie_pause_ms(struct sim_liar *liar);

#endif

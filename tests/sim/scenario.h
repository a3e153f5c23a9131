/* Scenario files: who is there, what happens when, and what has to be so.  tests/README.md, "Scenario files". */
#ifndef GX_SIM_SCENARIO_H
#define GX_SIM_SCENARIO_H

#include "tests/sim/sim.h"

#include <stdio.h>

#define GX_SCN_NAME_MAX 32u
#define GX_SCN_GROUPS_MAX 256u
#define GX_SCN_NOBODY UINT32_MAX

struct gx_scn_name { char text[GX_SCN_NAME_MAX + 1]; };

/* id, what a counter of it is called.  a, b: nodes; group; n, m: numbers. */
#define GX_SCN_ACTS(X)                                                                                                  \
    X(GX_SCN_CREATE, "created")         /* a founds group: n its cap, m its QR limit; 0: the greatest; ms its history */ \
    X(GX_SCN_SHOW_QR, "shown")          /* a makes a code for group with n uses, good for ms; 0: no limit of its own */ \
    X(GX_SCN_REVOKE, "revoked")         /* a ends the newest code it knows of */                                        \
    X(GX_SCN_JOIN, "asked")             /* a joins group by the newest code of b, or of anybody (GX_SCN_NOBODY) */      \
    X(GX_SCN_SHOW_DIGITS, "told")      /* a shows six digits by which one comes into group, for ms; 0: as long as may be */ \
    X(GX_SCN_TYPE, "typed")             /* a types what b shows, to join group; n: something else */                    \
    X(GX_SCN_SEND, "sent")              /* a sends a message to group; without being in it: nothing */                  \
    X(GX_SCN_REMOVE, "removed")         /* a does it to b in group, with those that follow */                           \
    X(GX_SCN_BAN, "banned")                                                                                             \
    X(GX_SCN_UNBAN, "unbanned")                                                                                         \
    X(GX_SCN_PROMOTE, "promoted")                                                                                       \
    X(GX_SCN_DEMOTE, "demoted")                                                                                         \
    X(GX_SCN_TRANSFER, "offered")       /* a offers group to b */                                                       \
    X(GX_SCN_INVITE, "invited")         /* a invites contact b into group */                                            \
    X(GX_SCN_SCAN, "scanned")           /* a scans b's card */                                                          \
    X(GX_SCN_ACCEPT, "accepted")        /* a says yes to what b asks */                                                 \
    X(GX_SCN_LEAVE, "left")                                                                                             \
    X(GX_SCN_ALIAS, "renamed")          /* a calls itself words[n] in group */                                          \
    X(GX_SCN_CARRY, "carried")          /* a keeps n (enum gx_carry) of group */                                        \
    X(GX_SCN_LOOK, "looked")            /* a looks at group: what is remembered of it is made */                        \
    X(GX_SCN_CRASH, "crashed")          /* n: at its n-th step from now, after the commit; 0: now */                    \
    X(GX_SCN_SAVE, "saved")             /* a crashes, and its store is set aside */                                     \
    X(GX_SCN_RESTART, "restarted")      /* n: enum gx_sim_store */                                                      \
    X(GX_SCN_CLOCK, "clocks")           /* a's clock is off by ms */                                                    \
    X(GX_SCN_PAUSE, "paused")           /* n: 0 lets it go on */                                                        \
    X(GX_SCN_DISK, "filled")            /* no room on its disk; n: 0 makes some */                                      \
    X(GX_SCN_BEACONS, "beaconed")      /* a is on the LAN of its island */                                             \
    X(GX_SCN_MOVE, "moved")            /* a's machine has another address */                                           \
    X(GX_SCN_TURN, "turned")            /* n: enum gx_sim_role; b: with whom, or GX_SCN_NOBODY */                       \
    X(GX_SCN_CUT, "cut")                /* from island a to b; n: 0 mends it */                                         \
    X(GX_SCN_FLAP, "flapped")           /* the link between islands a and b, each ms; 0: no more */                     \
    X(GX_SCN_LINK, "linked")            /* islands a and b are linked so */                                             \
    X(GX_SCN_HEAL, "healed")                                                                                            \
    X(GX_SCN_REST, "rested")            /* healed, a stays away (GX_SCN_NOBODY: nobody does), time to come to rest, all oracles */

enum gx_scn_act_kind {
#define GX_X(id, name) id,
    GX_SCN_ACTS(GX_X)
#undef GX_X
        GX_SCN_ACT_COUNT
};

struct gx_scn_act {
    uint64_t at_ms;
    uint32_t order;         /* in the file: decides between equal times */
    enum gx_scn_act_kind kind;
    uint32_t a, b, group, n, m;
    int64_t ms;
    struct gx_sim_link link;
    uint32_t line, column;
};

enum gx_scn_expect_kind {
    GX_SCN_SAME_STATE,      /* of all members of group */
    GX_SCN_DELIVERED,       /* percent of what was due in group */
    GX_SCN_REPEATED,        /* of 100 first copies of messages of group, written from after_ms on, so many came again */
    GX_SCN_PUSHED,          /* and so many were pushed */
    GX_SCN_MEMBERS,         /* of group, as each member's node counts them */
    GX_SCN_IS_MEMBER,       /* a, in group, by its own node */
    GX_SCN_READS            /* a can read what b sent from after_ms on */
};
enum gx_scn_when { GX_SCN_BY, GX_SCN_AT_END, GX_SCN_NEVER };
enum gx_scn_compare { GX_SCN_EQUAL, GX_SCN_MOST, GX_SCN_LEAST };

struct gx_scn_expect {
    enum gx_scn_when when;
    uint64_t by_ms;
    enum gx_scn_expect_kind kind;
    enum gx_scn_compare compare;
    uint32_t a, b, group;
    uint64_t number, after_ms;
    uint32_t line, column;
    bool not, looked_at, ok;
    bool open;              /* nobody could be asked, or of nothing: it is neither so nor not so */
    uint64_t at_ms;         /* in the world, when it was last looked at */
    uint64_t members;       /* MEMBERS: so many, at whom `got` names */
    char got[96];           /* what was found, once it was looked at */
};

struct gx_scenario {
    struct gx_scn_name *nodes;
    uint32_t n_nodes, cap_nodes;
    struct gx_scn_name islands[GX_SIM_ISLANDS_MAX];      /* 0 is "elsewhere", for those whom no island names */
    uint32_t n_islands;
    uint32_t *island;       /* of each node */
    struct gx_scn_name groups[GX_SCN_GROUPS_MAX];
    uint32_t n_groups;
    struct gx_scn_name *words;      /* names that people give themselves */
    uint32_t n_words, cap_words;
    struct gx_scn_act *acts;        /* by time */
    uint32_t n_acts, cap_acts;
    struct gx_scn_expect *expects;
    uint32_t n_expects, cap_expects;
};

/* Read a scenario of n bytes, behind which is a 0, and look whether it makes sense, before anything runs.
 * False: why says what and why, and names what is known; *line and *column where, from 1.  gx_scn_free it in any case. */
bool gx_scn_read(struct gx_scenario *out, const char *text, size_t n, char why[300], uint32_t *line, uint32_t *column) GX_MUST_CHECK;
/* As a file that is read as the same again: one act a line. */
void gx_scn_write(FILE *out, const struct gx_scenario *scn);
/* One act, as in a file, without its time. */
void gx_scn_say(FILE *out, const struct gx_scenario *scn, const struct gx_scn_act *act);
void gx_scn_free(struct gx_scenario *scn);

/* --- building one -------------------------------------------------------------------------------------------------------------------------- */

void gx_scn_begin(struct gx_scenario *out);
void gx_scn_add_node(struct gx_scenario *scn, const char *name, uint32_t island);
void gx_scn_add(struct gx_scenario *scn, struct gx_scn_act act);
/* In the order of time, those of one time in that of the file. */
void gx_scn_sort(struct gx_scenario *scn);
/* A group is there before anybody is in it, a code before anybody scans it, and who starts anew, goes on or has room again did not before.  The index of the
 * first act that makes no sense, or n_acts. */
uint32_t gx_scn_senseless(const struct gx_scenario *scn, char why[300]);
void gx_scn_drop_senseless(struct gx_scenario *scn);    /* all of them: a file of the others is read */

/* --- playing ----------------------------------------------------------------------------------------------------------------------------------- */

/* What was done, so that a test can show that it reached what it is for.  Nothing but uint64_t. */
struct gx_scn_done {
    uint64_t tried[GX_SCN_ACT_COUNT], yes[GX_SCN_ACT_COUNT];    /* the node said yes, or the world did it */
    uint64_t expired;       /* codes that were tried after their time */
    uint64_t away;          /* rests without somebody */
};
void gx_scn_done_add(struct gx_scn_done *sum, const struct gx_scn_done *more);
const char *gx_scn_act_name(enum gx_scn_act_kind kind);

struct gx_scn_options {
    uint64_t seed;
    const char *dir;        /* as in struct gx_sim_options, with the next two */
    bool no_writemap, no_memo;
    bool measure;           /* likewise */
    void (*progress)(uint64_t now_ms, uint64_t end_ms);         /* called now and then; may be NULL */
    FILE *tell;             /* each act, and what became of it, is written there; may be NULL */
};

/* Play it: all acts, then healing and 15 minutes, then the oracles, what is expected at the end, and a last message that nobody hears who is out.
 * *out is set before anything runs; the caller frees it after having looked at it; expects say what was found; done is added to.
 * Returns what gx_sim_new does. */
enum gx_err gx_scn_play(struct gx_sim **out, struct gx_scenario *scn, struct gx_scn_done *done, const struct gx_scn_options *options) GX_MUST_CHECK;

#endif

/* Scenario files: who is there, what happens when, and what has to be so.  tests/README.md, "Scenario files". */
#ifndef GX_SIM_SCENARIO_H
#define GX_SIM_SCENARIO_H

#include "tests/sim/sim.h"

#define GX_SCN_NAME_MAX 32u
#define GX_SCN_GROUPS_MAX 8u

struct gx_scn_name { char text[GX_SCN_NAME_MAX + 1]; };

enum gx_scn_act_kind {
    GX_SCN_CREATE,          /* a founds group: n its cap, m its QR limit; 0: the greatest */
    GX_SCN_SHOW_QR,         /* a makes a code for group with n uses; 0: no limit */
    GX_SCN_JOIN,            /* a joins group by the newest code */
    GX_SCN_SEND,            /* a sends a message to group; without being in it: nothing */
    GX_SCN_REMOVE, GX_SCN_BAN, GX_SCN_PROMOTE,      /* a does it to b in group */
    GX_SCN_LEAVE,
    GX_SCN_SCAN,            /* a scans b's card */
    GX_SCN_ACCEPT,          /* a says yes to what b asks */
    GX_SCN_INVITE,          /* a invites contact b into group */
    GX_SCN_CRASH, GX_SCN_RESTART,   /* RESTART: n is enum gx_sim_store */
    GX_SCN_SAVE,            /* a crashes, and its store is set aside */
    GX_SCN_CLOCK,           /* a's clock is off by ms */
    GX_SCN_CUT,             /* islands a to b */
    GX_SCN_HEAL,
    GX_SCN_LINK             /* islands a and b are linked so */
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
    GX_SCN_DELIVERED,       /* percent of what was due, of all groups */
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
    uint32_t line;
    bool not, looked_at, ok;
    char got[96];           /* what was found, once it was looked at */
};

struct gx_scenario {
    struct gx_scn_name *nodes;
    uint32_t n_nodes;
    struct gx_scn_name islands[GX_SIM_ISLANDS_MAX];      /* 0 is for those whom no island names */
    uint32_t n_islands;
    uint32_t *island;       /* of each node */
    struct gx_scn_name groups[GX_SCN_GROUPS_MAX];
    uint32_t n_groups;
    struct gx_scn_act *acts;        /* by time */
    uint32_t n_acts, cap_acts;
    struct gx_scn_expect *expects;
    uint32_t n_expects, cap_expects;
};

/* Read a scenario, and look whether it makes sense, before anything runs.
 * False: why says what and why, and names what is known; *line and *column where, from 1. */
bool gx_scn_read(struct gx_scenario *out, const char *text, char why[300], uint32_t *line, uint32_t *column) GX_MUST_CHECK;
void gx_scn_free(struct gx_scenario *scn);

/* Play it: all acts, then healing and 15 minutes, then the oracles and what is expected at the end.  The caller frees *out after having looked at
 * it; expects say what was found.  progress: called now and then with the time; may be NULL.  Returns what gx_sim_new does. */
enum gx_err gx_scn_play(struct gx_sim **out, struct gx_scenario *scn, uint64_t seed, void (*progress)(uint64_t now_ms, uint64_t end_ms)) GX_MUST_CHECK;

#endif

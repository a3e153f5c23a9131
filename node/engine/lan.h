/* Finding others on a LAN: what this node looks for, and whom it answers.  WIRE §9, KEYS §12. */
#ifndef GX_ENGINE_LAN_H
#define GX_ENGINE_LAN_H

#include "node/engine/budget.h"
#include "node/engine/engine.h"
#include "proto/lan.h"

/* What a beacon asks for. */
struct gx_lan_wish {
    struct gx_lan_key key;
    uint32_t group;             /* gnum; GX_NONE: a person's card */
    bool door;                  /* to be let in there, by a code */
    struct gx_sign_pk person;   /* whose card */
};

/* A beacon that was sent from one address, as it takes to read the answers. */
struct gx_lan_asked {
    struct gx_dh_sk r;
    struct gx_lan_said said;
    struct gx_lan_wish wishes[GX_BEACON_TAGS + 1];      /* the last may be that of the capsule */
    uint32_t n;
    uint64_t until_ms;          /* answers that come later are none */
    uint8_t taken[GX_LAN_TAKEN_MAX][8];                 /* the beginnings of the Y of those that were taken */
    uint32_t n_taken;           /* ever */
};
#define GX_LAN_ASKED_MAX (2u * GX_LAN_SOURCES_MAX)      /* the last two beacons of each address */

/* By what a beacon of others is recognised. */
struct gx_lan_known {
    struct gx_lan_key key;
    uint32_t group;             /* gnum; GX_NONE: the own card */
    bool capsule;               /* by gate 0, or of a door */
    uint8_t id[32];             /* that the capsule is signed for */
    bool door;
    struct gx_event_id token;   /* of a door: the invitation, */
    struct gx_sign_pk code;     /* and who has its code signs by this */
};

/* Somebody that was heard on the LAN. */
struct gx_lan_nearby {
    struct gx_addr addr;        /* of the socket the last beacon came from */
    uint32_t group;             /* gnum that it was recognised by; GX_NONE: none */
    bool door;                  /* it looks for a door of this node */
    uint64_t at_ms;
};

struct gx_lan {
    struct gx_addr sources[GX_LAN_SOURCES_MAX];
    uint32_t n_sources;
    uint32_t contacts_only;     /* bit i: sources[i] is on a network where groups are not shown */
    uint64_t next_ms;           /* the next beacons */
    uint32_t burst;             /* how many of the first ones are out */
    /* Of networks where groups are shown, and where they are not: */
    uint32_t turn[2], capsule_turn[2], door_turn[2];    /* who comes first */
    uint32_t n_capsules[2];     /* ever */
    struct gx_lan_asked asked[GX_LAN_ASKED_MAX];
    uint32_t n_asked;           /* ever; the newest stands at n_asked - 1 modulo GX_LAN_ASKED_MAX */
    struct gx_lan_known *known;
    uint32_t n_known, cap_known;
    uint64_t known_ms;
    uint8_t heard[GX_LAN_HEARD_MAX][8]; /* the beginnings of beacons that were recognised */
    uint32_t n_heard;           /* ever */
    struct gx_lan_nearby nearby[GX_LAN_NEARBY_MAX];
    uint32_t n_nearby;
    struct gx_budget hashes;    /* tags that may be compared */
};

void gx_lan_free(struct gx_engine *e);
/* Somebody came in or is out: by what others are recognised is looked up anew. */
void gx_lan_forget(struct gx_engine *e);
/* LAN: where beacons go out from, from now on. */
void gx_lan_take_sources(struct gx_engine *e, const struct gx_input *in);
/* DATAGRAM. */
void gx_lan_take(struct gx_engine *e, const struct gx_input *in);
/* Somebody wants to be let in: beacons go out as at the start. */
void gx_lan_hurry(struct gx_engine *e);
void gx_lan_timer(struct gx_engine *e);
/* Is there a LAN that this node looks at? */
bool gx_lan_is_on(const struct gx_engine *e);

#endif

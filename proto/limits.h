/* Every bound, with where it comes from.  A table without a bound is a defect. */
#ifndef GX_PROTO_LIMITS_H
#define GX_PROTO_LIMITS_H

#include "crypto/base.h"

/* The law.  "The QR code is automatically disabled once a group reaches 100 members"; "500 members": the seeds of this project. */
#define GX_GROUP_QR_JOIN_MAX 100u
#define GX_GROUP_MEMBERS_MAX 500u
static_assert(GX_GROUP_QR_JOIN_MAX < GX_GROUP_MEMBERS_MAX, "QR joins close before the group is full");
#define GX_GROUP_QUOTA 32u                      /* admissions on one member's account between two of the owner's points: a sybil's pace */

/* Events (WIRE §3). */
#define GX_EVENT_DEPS_MAX 255u                  /* n_deps is one byte; a control event with more heads names the lowest ids */
#define GX_MESSAGE_DEPS_MAX 16u
#define GX_EVENT_BODY_MAX (60u * 1024u)         /* fits one frame with the largest header */
#define GX_EVENT_SEQ_MAX 0xfffffffeu            /* "seq from 1 to below 2^32", and frontiers carry 4 bytes */
#define GX_EVENT_TICK_STEP_MAX (1u << 20)       /* a liar can push the clock only this far with each event */
#define GX_NAME_BYTES_MAX 256u                  /* names, aliases, titles: UTF-8, stored as sent, shown safely */
#define GX_TEXT_BYTES_MAX (56u * 1024u)         /* one message's text: the body limit less its fields */

/* Sealing (WIRE §4.16, KEYS §5, §6). */
#define GX_EPOCH_SLOTS_MAX 1000u                /* devices one EPOCH is sealed to: twice the members, and it fits a body */
#define GX_EPOCH_MESSAGES_MAX 1000u             /* sealed under one epoch before its devices make another */
#define GX_EPOCH_MS_MAX (7ull * 24 * 3600 * 1000)
#define GX_CHAIN_MAX 4096u                      /* places of one sender's chain in one epoch */
#define GX_CHAIN_SKIP_MAX 256u                  /* places skipped at once, whose keys are kept for what comes late */
#define GX_KEYS_MAX 256u                        /* message keys asked for, and told, at once */

/* Chunks and frames (WIRE §5, §6). */
#define GX_CHUNK_EVENTS_MAX 256u
#define GX_CHUNK_BYTES_MAX (64u * 1024u)        /* or one event, which may be longer by its deps */
#define GX_FRAME_BYTES_MAX (72u * 1024u)        /* MAXMSGSIZE: checked before a frame costs memory */
#define GX_FRAME_GROUPS_MAX 256u                /* groups one session may share */
#define GX_CHANNEL_OF_SERVER 32768u             /* channels below are begun by the client, these and above by the server */
#define GX_FRAME_TAGS_MAX 1024u
#define GX_FRAME_TAGS_PAD 64u                   /* tags are padded to multiples, so that their number tells little */
#define GX_GATES_SHOWN 4u                       /* of a group's gates the newest that tags are made with: all groups' fit one frame */
#define GX_GATES_KEPT 64u                       /* and by which a tag is recognised: who was away for as many epochs is met by what it knows of old */
#define GX_FRONTIER_ENTRIES_MAX 3600u           /* 20 bytes each: one frame holds the frontier of 500 members' logs three times over */
#define GX_WANT_CHUNKS_MAX 8u                   /* credit: "64 KiB a range effect, 8 a peer" */
#define GX_FRAME_CHUNKS_MAX 512u                /* above what fits: the shortest chunk takes 147 bytes of a frame */
#define GX_ENDPOINT_ADDRS_MAX 4u
#define GX_ENDPOINTS_PER_FRAME_MAX 256u
#define GX_BUCKET_BITS_MAX 8u                   /* 256 buckets: four logs each in a group of 500 */
#define GX_FRAME_RECORDS_MAX 1024u              /* entries of RECORDS: as many endpoint records as a group keeps */

#define GX_GROUP_HISTORY_MAX 1000u              /* messages from before that a newcomer may be told: as many as one epoch is spoken under */

#define GX_LOG_BRANCHES_MAX 8u                  /* branches of one forked message log that are kept */

/* Tokens (WIRE §7). */
#define GX_TOKEN_BYTES_MAX 250u                 /* QR version 11-L: coarser is easier to scan */
#define GX_TOKEN_TEXT_MAX 512u                  /* "GX1:" and base32 of the above, and the 0 */
#define GX_TOKEN_EXPIRES_DEFAULT_MS (7ull * 24 * 3600 * 1000)

/* The node's tables. */
#define GX_TRANSPORT_KEY_MS 2592000000u         /* how long the transport key of before is answered to: 30 days */
#define GX_GROUPS_MAX 256u                      /* groups a node can be in: one session shares at most as many */
static_assert(GX_GROUPS_MAX * GX_GATES_SHOWN <= GX_FRAME_TAGS_MAX, "the tags of all groups fit one frame");
#define GX_SESSIONS_MAX 2048u                   /* PERFORMANCE measures memory at 2,000 peers */
#define GX_DEVICE_SESSIONS_MAX 16u              /* that share a group: two keys of each side, old and new, and four lives of a cloned home */
#define GX_CONNECT_MS_MAX 4000u                 /* until TCP is connected: two journeys, and once more when the first is lost */
#define GX_HANDSHAKE_MS_MAX 12000u              /* eight journeys of ZMTP and CURVE after that: 1.5 s each, or a second and what is lost on the way */
#define GX_COLLECTED_BYTES_MAX (1024u * 1024u)  /* what a joiner keeps of PATH or BASELINE frames: twice a chain of 500 admissions, five times 1,000 logs */
#define GX_GUESTS_MAX 32u                       /* guests at once, all doors together */
#define GX_GUESTS_PER_HOST_MAX 4u               /* per IPv4 address or IPv6 /64; of link-local addresses, whose /64 all share, per address */
#define GX_GUEST_BYTES_MAX (64u * 1024u)        /* what a guest may send before ADMIT */
#define GX_GUEST_MS_MAX 10000u                  /* and how long it may take */
#define GX_DOORS_MAX 8u                         /* guests' doors: the newest tokens */
#define GX_VERIFIES_MAX 4096u                   /* signatures under verification */
#define GX_JOB_BYTES_MAX (32u * 1024u * 1024u)  /* bytes those hold */
#define GX_WAITING_BYTES_MAX (32u * 1024u * 1024u)      /* control that a joiner was given and cannot verify yet: a door gives all of it at once */
#define GX_WAITERS_MAX 64u                      /* clients in `wait` or `watch` */
#define GX_TARGET_PLACES_MAX 16u                /* places to try for one node: four devices' records */
#define GX_ADDRS_MANUAL_MAX 64u                 /* addresses given by `peer add` and `--at` */
#define GX_CONTACTS_MAX 4096u                   /* people known here, those who wait for an answer included */
#define GX_REQUESTS_MAX 64u                     /* strangers who wait for an answer; who comes then is told to come later */
#define GX_REQUESTS_BURST 16u                   /* strangers' cards taken at once, */
#define GX_REQUEST_MS 60000u                    /* and one more each minute */
#define GX_INVITED_MAX 16u                      /* invitations of one contact that wait for an answer */
#define GX_OFFERED_MAX 64u                      /* contacts invited into one group who have not come yet */
#define GX_TOLD_MAX 64u                         /* groups in which one contact says to be somebody whom this node does not know yet */
#define GX_LAN_SOURCES_MAX 16u                  /* own addresses that beacons go out from: some interfaces, of each family's one or two */
#define GX_LAN_MODES_MAX 64u                     /* networks that the configuration names */
#define GX_LAN_DATAGRAM_MAX 256u                /* bytes of a beacon, and of anything else said by UDP */
#define GX_LAN_HEARD_MAX 256u                   /* beacons that were recognised, so that each is answered once */
#define GX_LAN_TAKEN_MAX 128u                   /* answers to one beacon that are remembered, so that none counts twice */
#define GX_LAN_NEARBY_MAX 64u                   /* addresses that somebody was heard from, for `peers --nearby` */
#define GX_LAN_DATAGRAM_MIN 8u                   /* its constant beginning, and a byte for the version */
#define GX_LAN_PORT 7447u                       /* UDP: where beacons are heard */
#define GX_LAN_PACE 100u                        /* datagrams a second taken from one socket: a beacon each of 500 nodes every 10 s, by multicast and by broadcast */
#define GX_LAN_BURST 64u                        /* and at once */
#define GX_LAN_HOST_PACE 20u                    /* of these from one address: a few nodes on one machine */
#define GX_LAN_HOST_BURST 40u
#define GX_NEAR_TRIES_MAX 5u                    /* of six digits: who guesses has one chance in 200,000 */
#define GX_NEAR_PLACES_MAX 4u                   /* addresses at which a joiner confirms to one inviter: its own, and those of who says the same */
#define GX_NEAR_MS_MAX 600000u                  /* how long a code of six digits is shown: who types it stands beside */
#define GX_STEP_INPUTS_MAX 256u                 /* "at most 256 inputs or 1 MiB while live input waits" */
#define GX_STEP_BYTES_MAX (1024u * 1024u)
#define GX_EFFECTS_BYTES_MAX (64u * 1024u * 1024u) /* a step's arena; a SEND beyond it is dropped and repaired by catch-up */
#define GX_GROUP_LOGS_MAX 8192u                 /* logs and branches a group may have: four incarnations of 500 members' two, twice over */
#define GX_GROUP_CONTROL_MAX 100000u            /* control events a group may have: as gx-law */

#endif

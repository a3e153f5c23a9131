/* What the files of the transport share: transport.c (the public calls), conn.c (the table of connections), link.c (their life), frame.c (what
 * they carry), monitor.c (what libzmq tells), zap.c (who may come in), bind.c (bound ports and own addresses), tcp.c (what the kernel
 * knows of a connection).  node/README.md §4. */
#ifndef GX_OS_TRANSPORT_PARTS_H
#define GX_OS_TRANSPORT_PARTS_H

#include "node/os/transport.h"

/* Queues of libzmq, in messages a connection.  Receiving: 32 frames of 72 KiB are 2.3 MB, below FLOOD_BYTES_MAX, so that an honest peer whose
 * frames wait for us is never taken for a flood.  Sending: more than a peer's credit of 8 chunks and a burst of pushes; catch-up repairs the rest. */
#define RECEIVE_QUEUE 32
#define SEND_QUEUE 256
/* What CURVE adds to a frame: command name 8, nonce 8, authenticator 16, flags 1.  MAXMSGSIZE counts it. */
#define CURVE_OVERHEAD 33u
/* PROTOCOL: "shut it down when TCP_INFO's received bytes exceed the delivered ones by 4 MB".  Of frames of a byte libzmq keeps four times as much as came, and
 * 16 MB are what hostile input may take: so 2.5. */
#define FLOOD_BYTES_MAX (2560u * 1024u)
_Static_assert((RECEIVE_QUEUE + 1) * (GX_FRAME_BYTES_MAX + CURVE_OVERHEAD) < FLOOD_BYTES_MAX, "whoever fills the queue is no flood");

#define DIAL_MS (GX_CONNECT_MS_MAX + GX_HANDSHAKE_MS_MAX)
#define SILENT_MS (GX_HANDSHAKE_MS_MAX + 3000u)     /* from accept to the first frame, which follows the handshake at once */
#define CLOSE_MS 1000u          /* what the last frames get to leave */
#define CLOSE_POLL_MS 5u
#define CUT_MS 5000u            /* libzmq notices a shutdown long before */
#define LOST_MS 5u              /* libzmq tells of an end just before it hands over the last frames */
#define LOST_MS_MAX 1000u
#define DOOR_CLOSE_MS GX_GUEST_MS_MAX    /* what guests get to finish when their door closes */
/* Who proved the code was sent the PATH, some hundred bytes; before that nothing is longer than HELLO's 34. */
#define UNPROVED_BYTES_MAX 64u
#define UNPROVED_MS 1000u       /* how long a guest may keep a place that others want without having proved the code */

#define CONNS_MAX (4u * GX_SESSIONS_MAX)    /* sessions that came, sessions we asked for, and as many again that are ending */
#define NONE UINT32_MAX
#define RID_BYTES 5u            /* the routing id libzmq makes for who comes in: a zero and a counter */
#define DIALED_RID_BYTES 8u     /* and that we give to whom we dial: the session */
#define USER_TEXT_BYTES 104u    /* "g4294967295:", 64 digits of hex, ":" and a number */

enum conn_state {
    CONN_FREE,
    CONN_DIALING,   /* we asked for it; no handshake yet */
    CONN_SILENT,    /* it came in; no frame yet, so the engine does not know it */
    CONN_UP,
    CONN_CLOSING,   /* the engine let go of it; its last frames are leaving */
    CONN_LOST,      /* it ended; frames sent before may still be inside libzmq */
    CONN_CUT        /* shut down here; libzmq has yet to notice */
};

struct conn {
    enum conn_state state;
    bool inbound;
    bool dialed;                            /* outbound: libzmq knows of it */
    bool hot;                               /* see gx_tcp_tick */
    bool finished;                          /* CLOSING: all is written, we wait for the other side to close */
    int fd;                                 /* -1: not known */
    gx_session_id session;                  /* 0: none, or none any more */
    uint32_t next_in_hash, prev, next;      /* prev, next: in the list of its state */
    uint32_t older;                         /* inbound: the connection that had this descriptor before */
    uint32_t door;                          /* inbound: number */
    uint64_t handshakes_from, handshakes_to;    /* inbound: it made one of these, if any; see zap.c */
    bool bound;                             /* inbound: rid and user are known, the first frame came */
    uint8_t rid[DIALED_RID_BYTES];
    char user[USER_TEXT_BYTES];             /* User-Id: the same in every frame, or the frame is not its own */
    struct gx_addr peer;                    /* as the kernel says; outbound: as asked for */
    struct gx_addr peer_seen;               /* to tell a descriptor used again */
    uint16_t local_port;
    uint64_t delivered_bytes;               /* on the wire, of frames taken from libzmq */
    uint64_t sent_bytes, sent_before;       /* on the wire: of frames given to libzmq; of the handshake */
    uint64_t came_ms;                       /* inbound: accepted */
    bool proved;                            /* a guest: it was sent more than UNPROVED_BYTES_MAX in one frame */
    uint64_t since_ms;                      /* in this state */
    uint64_t deadline_ms;                   /* 0: to be set at the next take */
    uint64_t drains;                        /* LOST: how many times everything had been read by then */
    /* DIALING: what was asked for */
    bool as_guest;
    struct gx_curve_pk server_key, guest_pk, own_pk;
    struct gx_curve_sk guest_sk;            /* wiped once libzmq has it */
};

struct door {
    bool open;
    bool closing;           /* no new guests; unbound when the last has gone */
    uint32_t number;        /* 0 and MEMBERS_2: members' doors */
    struct gx_curve_pk pk;  /* of a members' door */
    uint16_t port;
    char endpoint[80];      /* as libzmq names it */
    uint64_t deadline_ms;   /* closing: when those left are cut; 0: to be set at the next take */
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
};

/* Two members' doors, of the transport key and of the one before, in turns; the guests' doors, and as many again that are closing. */
#define MEMBERS_2 UINT32_MAX
#define MEMBERS_SLOTS 2u
#define DOOR_SLOTS (MEMBERS_SLOTS + 2u * GX_DOORS_MAX)
static inline bool gx_bind_for_members(uint32_t number)
{
    return number == 0 || number == MEMBERS_2;
}

struct conn_list {
    uint32_t head, tail;
};

/* A message as a ROUTER gives it. */
struct frame {
    bool inbound;
    bool alone;             /* one part, as all of ours */
    size_t rid_n;
    uint8_t rid[DIALED_RID_BYTES];  /* the first bytes of it */
    zmq_msg_t payload;
};

struct gx_transport {
    void *ctx, *bound, *dialer, *bound_events, *dialer_events, *zap;
    int epoll_fd;
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
    struct gx_addr listen;
    unsigned current;                       /* which members' door is that of pk */
    struct door doors[DOOR_SLOTS];

    struct conn *conns;                     /* CONNS_MAX; pages are touched as they are used */
    uint32_t n_conns_used, free_head;
    uint32_t *by_fd;                        /* newest inbound connection on a descriptor */
    size_t by_fd_n;
    uint32_t *by_session;                   /* heads of hash chains */
    struct conn_list silent, timed;         /* silent: oldest first; timed: DIALING, CLOSING, LOST, CUT */
    uint64_t timed_due_ms;
    uint32_t n_in, n_out, n_lost_out;       /* n_in, n_out: neither LOST nor CUT */
    uint32_t n_fds_max;                     /* of both together */
    uint32_t guests[GX_GUESTS_MAX];         /* those of n_in that came through a guests' door */
    uint32_t n_guests;
    gx_session_id next_session;
    size_t n_guesses;                       /* link-local addresses without a scope that were dialed */
    uint32_t rid_first, n_accepted;         /* libzmq's counter of routing ids at the start; connections since */
    uint64_t n_handshakes;                  /* each let in has a number: how many were given out */

    uint32_t *hot;                          /* connections whose bytes are to be compared */
    uint32_t n_hot, n_hot_before;
    uint64_t hot_due_ms;

    struct gx_time now;
    uint64_t n_drains;
    struct gx_input *inputs;                /* of the take under way */
    size_t n_inputs, inputs_cap;
    struct gx_input *backlog;               /* a ring of inputs that found no room */
    size_t backlog_head, n_backlog, backlog_cap;
    zmq_msg_t held[GX_STEP_INPUTS_MAX];     /* frames handed out */
    size_t n_held;
    struct frame frame;                     /* the one being looked at; kept for the next take when there is no room */
    bool has_frame;
    struct gx_transport_stats stats;
};

/* transport.c */
/* Into the inputs of the take under way, or the backlog. */
void gx_transport_emit(struct gx_transport *t, const struct gx_input *input);

/* link.c */
/* CONNECT: dialed by the next tick. */
void gx_link_ask(struct gx_transport *t, const struct gx_effect *effect);
/* DISCONNECT. */
void gx_link_let_go(struct gx_transport *t, gx_session_id session);
/* SESSION_UP.  One that is LOST stays so: its frames follow, then its end. */
void gx_link_up(struct gx_transport *t, struct conn *c, gx_session_id session, const struct gx_curve_pk *peer_key);
/* It ended by itself: SESSION_DOWN follows once its frames are read. */
void gx_link_lose(struct gx_transport *t, struct conn *c);
/* End it: SESSION_DOWN at once, later frames of it are dropped. */
void gx_link_cut(struct gx_transport *t, struct conn *c);
/* For one more of those that `side` counts (n_in or n_out).  Of the host that has the most silent ones the one that came first gives up its place, so
 * that half-open connections keep nobody out, nor this node from dialing, nor can who opens them anew without a pause end the handshakes of others; counted.  False: nobody is silent, or it would be one session too many that we asked for. */
bool gx_link_make_room(struct gx_transport *t, const uint32_t *side) GX_MUST_CHECK;
/* What is due. */
void gx_link_tick(struct gx_transport *t);

/* frame.c */
/* Frames into inputs, until there are none, or no room, or max_bytes are reached. */
void gx_frame_read(struct gx_transport *t, size_t max_bytes);
void gx_frame_send(struct gx_transport *t, gx_session_id session, struct gx_span bytes);
/* One part of a message, without waiting; a signal does not end it, since half a message would be taken for the whole.  False: errno. */
bool gx_frame_part_in(void *socket, zmq_msg_t *part);
bool gx_frame_part_out(void *socket, zmq_msg_t *part, bool more);

/* conn.c */
enum gx_err gx_conn_table_open(struct gx_transport *t) GX_MUST_CHECK;
void gx_conn_table_close(struct gx_transport *t);
/* NULL: the table is full.  A guest needs a place in t->guests (asserted). */
struct conn *gx_conn_new_inbound(struct gx_transport *t, uint32_t door);
struct conn *gx_conn_new_outbound(struct gx_transport *t);
void gx_conn_free(struct gx_transport *t, struct conn *c);
struct conn *gx_conn_at(struct gx_transport *t, uint32_t index);
uint32_t gx_conn_index(const struct gx_transport *t, const struct conn *c);
/* Keeps the lists and the counts. */
void gx_conn_set_state(struct gx_transport *t, struct conn *c, enum conn_state state);
void gx_conn_set_session(struct gx_transport *t, struct conn *c, gx_session_id session);
struct conn *gx_conn_by_session(struct gx_transport *t, gx_session_id session);
/* Inbound: c is from now on the newest on that descriptor.  GX_E_MEMORY. */
enum gx_err gx_conn_set_fd(struct gx_transport *t, struct conn *c, int fd) GX_MUST_CHECK;
struct conn *gx_conn_newest(struct gx_transport *t, int fd);
/* Whose frame this is: the connection on that descriptor that made that handshake; NULL when it is forgotten. */
struct conn *gx_conn_of_frame(struct gx_transport *t, int fd, uint64_t handshake);

/* monitor.c */
enum gx_err gx_monitor_open(void **events, void *ctx, void *socket, const char *endpoint) GX_MUST_CHECK;
void gx_monitor_read(struct gx_transport *t);
/* "tcp://192.0.2.1:7447-3": the session's number makes the name of each connection its own. */
#define DIAL_ENDPOINT_BYTES (GX_ADDR_TEXT_BYTES + 32u)
void gx_monitor_dial_endpoint(char out[DIAL_ENDPOINT_BYTES], const struct conn *c);

/* zap.c */
void gx_zap_answer(struct gx_transport *t);
/* What gx_zap_answer said of a connection: "g7:<64 digits>:<number>".  Two never get the same. */
struct zap_user {
    uint32_t door;
    struct gx_curve_pk key;
    uint64_t handshake;
};
/* False for what gx_zap_answer would not have said. */
bool gx_zap_user_parse(struct zap_user *out, const char *user);

/* bind.c */
enum gx_err gx_bind_members(struct gx_transport *t, const struct gx_transport_config *config, int *sys_errno) GX_MUST_CHECK;
void gx_bind_door(struct gx_transport *t, const struct gx_effect *effect);
void gx_bind_close_door(struct gx_transport *t, uint32_t number);
/* NULL: not open. */
struct door *gx_bind_by_port(struct gx_transport *t, uint16_t port);
struct door *gx_bind_by_number(struct gx_transport *t, uint32_t number);
/* Whether one more guest from there may come in: GX_GUESTS_MAX, and GX_GUESTS_PER_HOST_MAX of one IPv4 address or IPv6 /64.  When all places are
 * taken, the oldest who has not proved the code in UNPROVED_MS is cut for it; for the first guest of a host, also a younger one of a host that
 * has several. */
bool gx_bind_make_room(struct gx_transport *t, const struct gx_addr *guest);
void gx_bind_tick(struct gx_transport *t);
uint64_t gx_bind_due_ms(const struct gx_transport *t);

/* tcp.c */
/* Notes both ends of c->fd; false when nothing is connected there any more. */
bool gx_tcp_identify(struct conn *c);
/* shutdown(2), if the descriptor still is this connection's. */
void gx_tcp_shutdown(const struct conn *c, int how);
/* Watch for floods from now on; gx_tcp_tick cuts those that exceed FLOOD_BYTES_MAX. */
void gx_tcp_watch(struct gx_transport *t, struct conn *c);
void gx_tcp_unwatch(struct gx_transport *t, struct conn *c);
void gx_tcp_tick(struct gx_transport *t);
/* Bytes the kernel was given to send so far; false when it does not say. */
bool gx_tcp_written(const struct conn *c, uint64_t *bytes);
/* Bytes of a frame on the wire. */
uint64_t gx_tcp_frame_bytes(size_t payload);

#endif

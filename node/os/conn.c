/* The table of connections: one array, a hash by session, an array by descriptor, and two lists for those with a deadline. */
#include "node/os/transport_parts.h"

#include "crypto/keys.h"

#include <stdlib.h>

#define SESSION_HEADS 4096u
static_assert((SESSION_HEADS & (SESSION_HEADS - 1)) == 0, "a mask picks the head");

enum gx_err gx_conn_table_open(struct gx_transport *t)
{
    t->conns = calloc(CONNS_MAX, sizeof *t->conns);
    t->by_session = calloc(SESSION_HEADS, sizeof *t->by_session);
    t->hot = calloc(CONNS_MAX, sizeof *t->hot);
    if (t->conns == NULL || t->by_session == NULL || t->hot == NULL)
        return GX_E_MEMORY;
    for (size_t i = 0; i < SESSION_HEADS; i++)
        t->by_session[i] = NONE;
    t->silent = t->timed = (struct conn_list){NONE, NONE};
    t->free_head = NONE;
    t->next_session = 2;
    t->timed_due_ms = t->hot_due_ms = UINT64_MAX;
    return GX_OK;
}

void gx_conn_table_close(struct gx_transport *t)
{
    if (t->conns != NULL)
        gx_wipe(t->conns, t->n_conns_used * sizeof *t->conns);
    free(t->conns);
    free(t->by_session);
    free(t->by_fd);
    free(t->hot);
}

uint32_t gx_conn_index(const struct gx_transport *t, const struct conn *c)
{
    return (uint32_t)(c - t->conns);
}

struct conn *gx_conn_at(struct gx_transport *t, uint32_t index)
{
    return index == NONE ? NULL : &t->conns[index];
}

static struct conn_list *list_of(struct gx_transport *t, enum conn_state state)
{
    switch (state) {
    case CONN_SILENT:
        return &t->silent;
    case CONN_DIALING:
    case CONN_CLOSING:
    case CONN_LOST:
    case CONN_CUT:
        return &t->timed;
    case CONN_FREE:
    case CONN_UP:
        break;
    }
    return NULL;
}

static void list_remove(struct gx_transport *t, struct conn_list *list, struct conn *c)
{
    if (c->prev == NONE)
        list->head = c->next;
    else
        t->conns[c->prev].next = c->next;
    if (c->next == NONE)
        list->tail = c->prev;
    else
        t->conns[c->next].prev = c->prev;
}

static void list_append(struct gx_transport *t, struct conn_list *list, struct conn *c)
{
    uint32_t i = gx_conn_index(t, c);

    c->prev = list->tail;
    c->next = NONE;
    if (list->tail == NONE)
        list->head = i;
    else
        t->conns[list->tail].next = i;
    list->tail = i;
}

/* The count a state belongs to; NULL for those that hold neither a place nor a descriptor for long. */
static uint32_t *count_of(struct gx_transport *t, bool inbound, enum conn_state state)
{
    switch (state) {
    case CONN_DIALING:
    case CONN_SILENT:
    case CONN_UP:
    case CONN_CLOSING:
        return inbound ? &t->n_in : &t->n_out;
    case CONN_LOST:
        return inbound ? NULL : &t->n_lost_out;
    case CONN_FREE:
    case CONN_CUT:
        break;
    }
    return NULL;
}

static bool is_guest(const struct conn *c)
{
    return c->inbound && !gx_bind_for_members(c->door) &&
           (c->state == CONN_SILENT || c->state == CONN_UP || c->state == CONN_CLOSING);
}

static void guests_update(struct gx_transport *t, const struct conn *c, bool was)
{
    uint32_t self = gx_conn_index(t, c), i = 0;

    if (was == is_guest(c))
        return;
    if (!was) {
        GX_ASSERT(t->n_guests < GX_GUESTS_MAX);
        t->guests[t->n_guests++] = self;
        return;
    }
    while (t->guests[i] != self)
        i++;
    t->guests[i] = t->guests[--t->n_guests];
}

void gx_conn_set_state(struct gx_transport *t, struct conn *c, enum conn_state state)
{
    struct conn_list *from = list_of(t, c->state), *to = list_of(t, state);
    uint32_t *before = count_of(t, c->inbound, c->state), *after = count_of(t, c->inbound, state);
    bool was_guest = is_guest(c);

    if (from != NULL)
        list_remove(t, from, c);
    if (before != NULL)
        --*before;
    c->state = state;
    c->since_ms = t->now.mono_ms;
    c->deadline_ms = 0;
    if (to != NULL)
        list_append(t, to, c);
    if (to == &t->timed)
        t->timed_due_ms = 0;
    if (after != NULL)
        ++*after;
    guests_update(t, c, was_guest);
}

static struct conn *take_record(struct gx_transport *t)
{
    struct conn *c;

    if (t->free_head != NONE) {
        c = &t->conns[t->free_head];
        t->free_head = c->next;
    } else if (t->n_conns_used < CONNS_MAX) {
        c = &t->conns[t->n_conns_used++];
    } else {
        return NULL;
    }
    *c = (struct conn){.fd = -1, .prev = NONE, .next = NONE, .next_in_hash = NONE, .older = NONE};
    return c;
}

struct conn *gx_conn_new_inbound(struct gx_transport *t, uint32_t door)
{
    struct conn *c = take_record(t);

    if (c == NULL)
        return NULL;
    c->inbound = true;
    c->door = door;
    c->came_ms = t->now.mono_ms;
    gx_conn_set_state(t, c, CONN_SILENT);
    return c;
}

struct conn *gx_conn_new_outbound(struct gx_transport *t)
{
    struct conn *c = take_record(t);

    if (c != NULL)
        gx_conn_set_state(t, c, CONN_DIALING);
    return c;
}

static void leave_fd(struct gx_transport *t, struct conn *c)
{
    uint32_t self = gx_conn_index(t, c);

    if (!c->inbound || c->fd < 0)
        return;
    for (uint32_t *at = &t->by_fd[c->fd]; *at != NONE; at = &t->conns[*at].older) {
        if (*at == self) {
            *at = c->older;
            return;
        }
    }
}

void gx_conn_free(struct gx_transport *t, struct conn *c)
{
    gx_tcp_unwatch(t, c);
    gx_conn_set_session(t, c, 0);
    leave_fd(t, c);
    gx_conn_set_state(t, c, CONN_FREE);
    gx_wipe(&c->guest_sk, sizeof c->guest_sk);
    c->next = t->free_head;
    t->free_head = gx_conn_index(t, c);
}

static uint32_t *session_head(struct gx_transport *t, gx_session_id session)
{
    /* The engine counts up and so do we: no stranger picks these numbers. */
    return &t->by_session[(session ^ (session >> 12)) & (SESSION_HEADS - 1)];
}

void gx_conn_set_session(struct gx_transport *t, struct conn *c, gx_session_id session)
{
    uint32_t self = gx_conn_index(t, c);

    if (c->session != 0) {
        uint32_t *at = session_head(t, c->session);
        while (*at != self)
            at = &t->conns[*at].next_in_hash;
        *at = c->next_in_hash;
        c->next_in_hash = NONE;
    }
    c->session = session;
    if (session != 0) {
        uint32_t *head = session_head(t, session);
        c->next_in_hash = *head;
        *head = self;
    }
}

struct conn *gx_conn_by_session(struct gx_transport *t, gx_session_id session)
{
    if (session == 0)
        return NULL;
    for (uint32_t i = *session_head(t, session); i != NONE; i = t->conns[i].next_in_hash)
        if (t->conns[i].session == session)
            return &t->conns[i];
    return NULL;
}

enum gx_err gx_conn_set_fd(struct gx_transport *t, struct conn *c, int fd)
{
    GX_ASSERT(c->inbound && c->fd < 0 && fd >= 0);
    size_t want = (size_t)fd + 1;

    if (want > t->by_fd_n) {
        size_t n = want < 256 ? 256 : want * 2;
        uint32_t *grown = realloc(t->by_fd, n * sizeof *grown);
        if (grown == NULL)
            return GX_E_MEMORY;
        for (size_t i = t->by_fd_n; i < n; i++)
            grown[i] = NONE;
        t->by_fd = grown;
        t->by_fd_n = n;
    }
    c->fd = fd;
    c->older = t->by_fd[fd];
    t->by_fd[fd] = gx_conn_index(t, c);
    return GX_OK;
}

struct conn *gx_conn_newest(struct gx_transport *t, int fd)
{
    if (fd < 0 || (size_t)fd >= t->by_fd_n)
        return NULL;
    return gx_conn_at(t, t->by_fd[fd]);
}

struct conn *gx_conn_of_frame(struct gx_transport *t, int fd, uint64_t handshake)
{
    for (struct conn *c = gx_conn_newest(t, fd); c != NULL; c = gx_conn_at(t, c->older))
        if (handshake >= c->handshakes_from && handshake < c->handshakes_to)
            return c;
    return NULL;
}

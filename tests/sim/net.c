/* Connections, and what travels on them. */
#include "tests/sim/internal.h"

#include <stdlib.h>

void gx_sim_island(struct gx_sim *sim, uint32_t node, uint32_t island)
{
    GX_ASSERT(node < sim->options.n_nodes && island < GX_SIM_ISLANDS_MAX);
    sim->nodes[node].island = island;
}

void gx_sim_link(struct gx_sim *sim, uint32_t island, uint32_t other, const struct gx_sim_link *link)
{
    GX_ASSERT(island < GX_SIM_ISLANDS_MAX && other < GX_SIM_ISLANDS_MAX && link->delay_ms > 0);
    sim->links[island][other] = sim->links[other][island] = *link;
}

void gx_sim_cut(struct gx_sim *sim, uint32_t from, uint32_t to, bool cut)
{
    GX_ASSERT(from < GX_SIM_ISLANDS_MAX && to < GX_SIM_ISLANDS_MAX);
    if (sim->cut[from][to] == cut)
        return;
    sim->cut[from][to] = cut;
    sim_mark_link(sim, cut ? "cut" : "mend", from, to);
}

struct gx_addr sim_addr(const struct gx_sim *sim, uint32_t node, uint16_t port)
{
    return (struct gx_addr){.family = 4, .ip = {10, sim->nodes[node].place, (uint8_t)(node >> 8), (uint8_t)node}, .port = port};
}

static const struct gx_sim_link *link_between(const struct gx_sim *sim, uint32_t a, uint32_t b)
{
    return &sim->links[sim->nodes[a].island][sim->nodes[b].island];
}

static bool is_cut(const struct gx_sim *sim, uint32_t from, uint32_t to)
{
    return sim->cut[sim->nodes[from].island][sim->nodes[to].island];
}

static uint32_t node_at(const struct gx_sim *sim, const struct gx_addr *addr)
{
    uint32_t node = (uint32_t)addr->ip[2] << 8 | addr->ip[3];

    return addr->family == 4 && addr->ip[0] == 10 && node < sim->options.n_nodes && addr->ip[1] == sim->nodes[node].place ? node : SIM_NONE;
}

bool sim_reaches(const struct gx_sim *sim, uint32_t node, const struct gx_addr *addr)
{
    uint32_t to = node_at(sim, addr);

    return to != SIM_NONE && to != node && sim->nodes[to].up && !sim->nodes[to].paused && !is_cut(sim, node, to) && !is_cut(sim, to, node);
}

static uint64_t travel_ms(struct gx_sim *sim, const struct gx_sim_link *link, size_t bytes)
{
    uint64_t ms = link->delay_ms;

    if (link->jitter_ms > 0)
        ms += sim_pick(&sim->network, link->jitter_ms + 1);
    if (link->bytes_per_s > 0)
        ms += bytes * 1000 / link->bytes_per_s;
    /* Each loss doubles the wait for the next attempt, as TCP's. */
    for (uint64_t wait = SIM_RESEND_MS + 2ull * link->delay_ms; link->loss_ppm > 0 && sim_pick(&sim->network, 1000000) < link->loss_ppm; wait *= 2) {
        ms += wait;
        sim->counts.resent++;
    }
    return ms;
}

/* --- connections -------------------------------------------------------------------------------------------------------------------------- */

static struct sim_conn *conn_of(struct gx_sim *sim, uint32_t node, gx_session_id session, uint32_t *side)
{
    const struct sim_node *n = &sim->nodes[node];
    struct sim_conn *c = session < n->n_by_session && n->by_session[session] != SIM_NONE ? &sim->conns[n->by_session[session]] : NULL;

    if (c == NULL)
        return NULL;
    *side = c->node[1] == node;
    return c->node[*side] == node && c->session[*side] == session && c->open[*side] ? c : NULL;
}

/* One side of a connection has a session now. */
static void conn_list(struct gx_sim *sim, struct sim_conn *c, uint32_t side)
{
    struct sim_node *n = &sim->nodes[c->node[side]];
    uint32_t i = (uint32_t)(c - sim->conns);

    GX_ASSERT(c->session[side] < UINT32_MAX / 2);
    while (c->session[side] >= n->n_by_session) {
        uint32_t before = n->n_by_session;

        n->by_session = sim_grow(n->by_session, &n->n_by_session, before, sizeof *n->by_session);
        for (uint32_t k = before; k < n->n_by_session; k++)
            n->by_session[k] = SIM_NONE;
    }
    n->by_session[c->session[side]] = i;
    n->conns = sim_grow(n->conns, &n->cap_conns, n->n_conns, sizeof *n->conns);
    c->at[side] = n->n_conns;
    n->conns[n->n_conns++] = i;
}

static void conn_unlist(struct gx_sim *sim, const struct sim_conn *c, uint32_t side)
{
    struct sim_node *n = &sim->nodes[c->node[side]];
    uint32_t i = (uint32_t)(c - sim->conns), last = 0;

    if (c->at[side] >= n->n_conns || n->conns[c->at[side]] != i)
        return;                         /* this side never heard of it */
    last = n->conns[--n->n_conns];
    n->conns[c->at[side]] = last;
    sim->conns[last].at[sim->conns[last].node[1] == c->node[side]] = c->at[side];
    if (n->by_session[c->session[side]] == i)       /* else it is one's of a later life */
        n->by_session[c->session[side]] = SIM_NONE;
}

static void pipe_clear(struct sim_pipe *p)
{
    while (p->head != NULL) {
        struct sim_frame *f = p->head;

        p->head = f->next;
        free(f);
    }
    *p = (struct sim_pipe){.head = NULL};
}

/* Nobody holds an end of it any more. */
static void conn_end(struct gx_sim *sim, struct sim_conn *c)
{
    uint32_t i = (uint32_t)(c - sim->conns);

    if (!c->used || c->open[0] || c->open[1])
        return;
    conn_unlist(sim, c, 0);
    conn_unlist(sim, c, 1);
    pipe_clear(&c->to[0]);
    pipe_clear(&c->to[1]);
    *c = (struct sim_conn){.used = false};
    sim->free_conns[sim->n_free++] = i;
}

static uint32_t conn_new(struct gx_sim *sim)
{
    uint32_t i = 0;

    if (sim->n_free > 0) {
        i = sim->free_conns[--sim->n_free];
    } else {
        i = sim->n_conns++;
        sim->conns = sim_grow(sim->conns, &sim->cap_conns, i, sizeof *sim->conns);
        sim->free_conns = sim_grow(sim->free_conns, &sim->cap_free, i, sizeof *sim->free_conns);
    }
    sim->conns[i] = (struct sim_conn){.used = true, .generation = ++sim->generation};
    return i;
}

/* --- what travels ------------------------------------------------------------------------------------------------------------------------- */

static void put(struct gx_sim *sim, struct sim_conn *c, uint32_t from_side, struct gx_span bytes, bool end)
{
    uint32_t to = !from_side;
    struct sim_pipe *p = &c->to[to];
    struct sim_frame *f = malloc(sizeof *f + bytes.n);
    bool first = p->head == NULL;

    GX_ASSERT(f != NULL);
    *f = (struct sim_frame){.end = end, .n = bytes.n, .lie = sim_lie_mark(sim, c->node[from_side])};
    if (bytes.n > 0)
        memcpy(f->bytes, bytes.p, bytes.n);
    f->due_ms = sim->now_ms + travel_ms(sim, link_between(sim, c->node[from_side], c->node[to]), bytes.n);
    if (f->due_ms < p->last_due_ms)
        f->due_ms = p->last_due_ms;
    p->last_due_ms = f->due_ms;
    if (first)
        p->head = f;
    else
        p->tail->next = f;
    p->tail = f;
    p->n++;
    if (first)
        sim_at(sim, f->due_ms, (struct sim_event){.kind = SIM_DELIVER, .a = (uint32_t)(c - sim->conns), .b = to, .number = c->generation});
}

void sim_send(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef)
{
    uint32_t side = 0;
    struct sim_conn *c = conn_of(sim, node, ef->session, &side);

    if (c == NULL || !c->up)
        return;
    if (c->to[!side].n >= SIM_QUEUE_FRAMES) {
        sim->counts.unqueued++;
        return;
    }
    sim->counts.frames++;
    sim->counts.among_liars += sim->nodes[node].liar != NULL && sim->nodes[c->node[!side]].liar != NULL;
    sim->counts.bytes += ef->bytes.n;
    if (ef->bytes.n == 4 && ef->bytes.p[0] == GX_FRAME_LINK)
        *(ef->bytes.p[3] == GX_LINK_EAGER ? &sim->counts.links_eager : ef->bytes.p[3] == GX_LINK_LAZY ? &sim->counts.links_lazy : &sim->counts.links_apart) += 1;
    sim_note_news(sim, ef->bytes);
    put(sim, c, side, ef->bytes, false);
}

uint32_t sim_peer(struct gx_sim *sim, uint32_t node, gx_session_id session)
{
    uint32_t side = 0;
    const struct sim_conn *c = conn_of(sim, node, session, &side);

    return c == NULL || !c->up ? SIM_NONE : c->node[!side];
}

static void lost(struct gx_sim *sim, struct sim_conn *c, uint32_t side)
{
    uint32_t node = c->node[side];

    if (!c->open[side])
        return;
    c->open[side] = false;
    if (sim->nodes[node].up && sim->nodes[node].life == c->life[side] && (side == 0 || c->met))
        sim_push(sim, node, (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = c->session[side]}, NULL);
}

/* The first frame has come. */
static void meet(struct gx_sim *sim, struct sim_conn *c)
{
    c->met = true;
    sim_push(sim, c->node[1], (struct gx_input){.kind = GX_IN_SESSION_UP, .session = c->session[1], .inbound = true, .door = c->door,
             .peer_key = c->client, .own_key = c->server, .peer_addr = sim_addr(sim, c->node[0], 0)}, NULL);
}

static void deliver(struct gx_sim *sim, struct sim_conn *c, uint32_t to)
{
    struct sim_pipe *p = &c->to[to];
    uint32_t node = c->node[to];
    bool ended = false, crawls = sim_crawls(sim, node);
    uint64_t next_ms = 0;

    if (is_cut(sim, c->node[!to], node)) {
        sim->counts.stalled += !p->stalled;
        p->stalled = true;
        sim_at(sim, sim->now_ms + SIM_LOOK_MS, (struct sim_event){.kind = SIM_DELIVER, .a = (uint32_t)(c - sim->conns), .b = to, .number = c->generation});
        return;
    }
    p->stalled = false;
    while (p->head != NULL && p->head->due_ms <= sim->now_ms && !ended) {
        struct sim_frame *f = p->head;

        p->head = f->next;
        p->n--;
        f->next = NULL;
        ended = f->end;
        if (!ended && to == 1 && c->open[1] && !c->met)
            meet(sim, c);
        if (ended || !c->open[to] || !sim_hears(sim, node, f))
            free(f);
        else
            sim_push(sim, node, (struct gx_input){.kind = GX_IN_FRAME, .session = c->session[to]}, f);
        if (crawls)
            break;
    }
    if (p->head != NULL && !ended) {
        next_ms = p->head->due_ms;
        if (crawls && next_ms < sim->now_ms + SIM_CRAWL_MS) {
            next_ms = sim->now_ms + SIM_CRAWL_MS;
            sim_crawled(sim, node, c->node[!to]);
        }
        sim_at(sim, next_ms, (struct sim_event){.kind = SIM_DELIVER, .a = (uint32_t)(c - sim->conns), .b = to, .number = c->generation});
    }
    if (ended)
        lost(sim, c, to);
    conn_end(sim, c);
}

/* --- beginning ------------------------------------------------------------------------------------------------------------------------------ */

/* Bytes of TCP's two journeys until who connects is connected, and of the eight until both have shown who they are: two greetings in two parts, each side's
 * half of CURVE's four.  The last of TCP's three goes along with the first of these. */
static const uint16_t connecting[] = {60, 60}, shaking[] = {62, 63, 106, 105, 254, 222, 340, 130};

static uint64_t journeys_ms(struct gx_sim *sim, const struct gx_sim_link *link, const uint16_t *bytes, size_t n)
{
    uint64_t ms = 0;

    for (size_t i = 0; i < n; i++)
        ms += travel_ms(sim, link, bytes[i]);
    return ms;
}

void sim_connect(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef)
{
    uint32_t to = node_at(sim, &ef->addr);
    bool there = to != SIM_NONE && to != node;

    sim->counts.connects++;
    bool answers = there && !is_cut(sim, node, to) && !is_cut(sim, to, node);
    const struct gx_sim_link *link = answers ? link_between(sim, node, to) : NULL;
    uint64_t ms = answers ? journeys_ms(sim, link, connecting, GX_ARRAY_LEN(connecting)) : UINT64_MAX;

    /* A node that is down refuses at once, as a machine does on which nothing listens; behind a cut there is no answer. */
    if (ms > GX_CONNECT_MS_MAX || !sim->nodes[to].up) {
        ms = ms < GX_CONNECT_MS_MAX ? ms : GX_CONNECT_MS_MAX;
        sim_at(sim, sim->now_ms + ms, (struct sim_event){.kind = SIM_REFUSED, .a = node, .b = sim->nodes[node].life, .number = ef->session});
        return;
    }

    uint32_t i = conn_new(sim);
    struct sim_conn *c = &sim->conns[i];

    c->node[0] = node;
    c->node[1] = to;
    c->life[0] = sim->nodes[node].life;
    c->life[1] = sim->nodes[to].life;
    c->session[0] = ef->session;
    c->open[0] = true;
    c->server = ef->server_key;
    c->client = ef->as_guest ? ef->guest_pk : sim->nodes[node].config.transport_pk;
    c->addr = ef->addr;
    conn_list(sim, c, 0);
    c->give_up_ms = sim->now_ms + ms + GX_HANDSHAKE_MS_MAX;
    ms += journeys_ms(sim, link, shaking, GX_ARRAY_LEN(shaking));
    sim_at(sim, sim->now_ms + ms < c->give_up_ms ? sim->now_ms + ms : c->give_up_ms,
           (struct sim_event){.kind = SIM_CONNECTED, .a = i, .number = c->generation});
}

static void connected(struct gx_sim *sim, struct sim_conn *c)
{
    struct sim_node *to = &sim->nodes[c->node[1]];
    const struct sim_door *door = NULL;

    if (!c->open[0]) {                  /* given up meanwhile */
        conn_end(sim, c);
        return;
    }
    for (uint32_t i = 0; i < to->n_doors; i++)
        if (to->doors[i].port == c->addr.port && memcmp(&to->doors[i].pk, &c->server, sizeof c->server) == 0)
            door = &to->doors[i];
    if (sim->now_ms >= c->give_up_ms || door == NULL || !to->up) {
        lost(sim, c, 0);
        conn_end(sim, c);
        return;
    }
    /* The kernel of a machine answers, on which a node is stopped. */
    if (to->paused || is_cut(sim, c->node[0], c->node[1]) || is_cut(sim, c->node[1], c->node[0])) {
        uint64_t again_ms = sim->now_ms + SIM_LOOK_MS;

        sim_at(sim, again_ms < c->give_up_ms ? again_ms : c->give_up_ms,
               (struct sim_event){.kind = SIM_CONNECTED, .a = (uint32_t)(c - sim->conns), .number = c->generation});
        return;
    }
    c->life[1] = to->life;
    c->door = door->number;
    c->session[1] = to->next_inbound;
    to->next_inbound += 2;
    c->open[1] = c->up = true;
    conn_list(sim, c, 1);
    sim_push(sim, c->node[0], (struct gx_input){.kind = GX_IN_SESSION_UP, .session = c->session[0], .peer_key = c->server, .own_key = c->client,
             .peer_addr = c->addr}, NULL);
}

void sim_disconnect(struct gx_sim *sim, uint32_t node, gx_session_id session)
{
    uint32_t side = 0;
    struct sim_conn *c = conn_of(sim, node, session, &side);

    if (c == NULL)
        return;
    c->open[side] = false;
    if (c->up)
        put(sim, c, side, gx_span(NULL, 0), true);
}

void sim_net_event(struct gx_sim *sim, const struct sim_event *ev)
{
    if (ev->kind == SIM_REFUSED) {
        if (sim->nodes[ev->a].up && sim->nodes[ev->a].life == ev->b)
            sim_push(sim, ev->a, (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = ev->number}, NULL);
        return;
    }

    struct sim_conn *c = &sim->conns[ev->a];

    if (!c->used || c->generation != ev->number)
        return;
    if (ev->kind == SIM_CONNECTED)
        connected(sim, c);
    else
        deliver(sim, c, ev->b);
}

/* The kernel of its machine closes what it had open, and what was on the way to it is lost. */
void sim_net_gone(struct gx_sim *sim, uint32_t node)
{
    struct sim_node *n = &sim->nodes[node];

    for (uint32_t i = n->n_conns; i-- > 0;) {
        struct sim_conn *c = &sim->conns[n->conns[i]];
        uint32_t side = c->node[1] == node;

        if (!c->open[side])
            continue;
        c->open[side] = false;
        if (c->up && c->open[!side])
            put(sim, c, side, gx_span(NULL, 0), true);
        else
            conn_end(sim, c);
    }
}

void sim_net_break(struct gx_sim *sim, uint32_t island, uint32_t other)
{
    for (uint32_t i = 0; i < sim->n_conns; i++) {
        struct sim_conn *c = &sim->conns[i];
        uint32_t a = sim->nodes[c->node[0]].island, b = sim->nodes[c->node[1]].island;

        if (!c->used || !c->up || !((a == island && b == other) || (a == other && b == island)))
            continue;
        sim->counts.broken += c->open[0] || c->open[1];
        lost(sim, c, 0);
        lost(sim, c, 1);
        conn_end(sim, c);
    }
}

void sim_net_cut_off(struct gx_sim *sim, uint32_t node)
{
    struct sim_node *n = &sim->nodes[node];

    for (uint32_t i = n->n_conns; i-- > 0;) {
        struct sim_conn *c = &sim->conns[n->conns[i]];

        lost(sim, c, 0);
        lost(sim, c, 1);
        conn_end(sim, c);
    }
}

void sim_net_free(struct gx_sim *sim)
{
    for (uint32_t i = 0; i < sim->n_conns; i++) {
        pipe_clear(&sim->conns[i].to[0]);
        pipe_clear(&sim->conns[i].to[1]);
    }
    free(sim->conns);
    free(sim->free_conns);
}

/* The LAN of each island: beacons to all there who are on it, datagrams to one, neither certain; and machines that get another address. */
#include "node/engine/people.h"
#include "tests/sim/internal.h"

#include <stdlib.h>

#define LAN_PORT 7447u
#define PLACES 250u

static struct gx_addr lan_addr(const struct gx_sim *sim, uint32_t node)
{
    return sim_addr(sim, node, LAN_PORT);
}

void sim_lan_begin(struct gx_sim *sim, uint32_t i)
{
    struct sim_node *node = &sim->nodes[i];

    if (!node->beacons)
        return;
    sim_push(sim, i, (struct gx_input){.kind = GX_IN_LAN, .n_addrs = 1}, NULL);
    node->inbox[node->n_inbox - 1].addr = lan_addr(sim, i);
}

void gx_sim_beacons(struct gx_sim *sim, uint32_t node)
{
    if (sim->nodes[node].beacons)
        return;
    sim->nodes[node].beacons = true;
    if (sim->nodes[node].up)
        sim_lan_begin(sim, node);
    sim_settle(sim);
}

void gx_sim_move(struct gx_sim *sim, uint32_t node)
{
    struct sim_node *n = &sim->nodes[node];

    n->place = (uint8_t)((n->place + 1) % PLACES);
    sim->counts.moves++;
    sim_mark(sim, node, "another address");
    if (!n->up)
        return;
    sim_net_cut_off(sim, node);
    sim_say_listening(sim, node, GX_IN_LISTENING);
    sim_lan_begin(sim, node);
    sim_settle(sim);
}

static void carry(struct gx_sim *sim, uint32_t from, uint32_t to, struct gx_span bytes)
{
    const struct gx_sim_link *link = &sim->links[sim->nodes[from].island][sim->nodes[to].island];
    uint64_t ms = link->delay_ms + (link->jitter_ms > 0 ? sim_pick(&sim->lan, link->jitter_ms + 1) : 0);
    struct sim_frame *f = NULL;

    if (sim_pick(&sim->lan, 1000000) < link->loss_ppm || sim->cut[sim->nodes[from].island][sim->nodes[to].island])
        return;
    f = malloc(sizeof *f + bytes.n);
    GX_ASSERT(f != NULL);
    *f = (struct sim_frame){.n = bytes.n};
    memcpy(f->bytes, bytes.p, bytes.n);
    sim_at(sim, sim->now_ms + ms, (struct sim_event){.kind = SIM_DATAGRAM, .a = from, .b = to, .datagram = f});
}

static bool wants_to_be_let_in(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (gx_group_joining(e->groups[i]))
            return true;
    for (uint32_t i = 0; i < e->people.n; i++)
        if (gx_card_goes_to(e, &e->people.contacts[i]))
            return true;
    return false;
}

/* Who is answered is a member where both are, or wanted to be let in when it asked. */
static bool may_be_answered(struct gx_sim *sim, uint32_t by, uint32_t node)
{
    struct gx_engine *e = sim->nodes[by].engine, *other = sim->nodes[node].engine;

    if (other == NULL || !sim_is_honest(sim, by) || sim->nodes[node].lan_wish)
        return true;
    for (uint32_t i = 0; i < other->n_groups; i++) {
        struct gx_group *theirs = other->groups[i], *own = sim_group_of(e, &theirs->row.id);

        if (own != NULL && gx_group_live(own, &theirs->row.intro.device))
            return true;
    }
    return false;
}

/* By digits an invitation is given to whom typed those that are shown, and to nobody else; and nobody answers of whom nothing was asked. */
static void look_near(struct gx_sim *sim, uint32_t by, uint32_t node, struct gx_span bytes)
{
    const struct sim_node *from = &sim->nodes[by], *to = &sim->nodes[node];
    const struct gx_near_offer *offer = &from->engine->near.offer;

    if (!sim_is_honest(sim, by))
        return;
    if (bytes.n == GX_NEAR_CONFIRM_BYTES && (from->typed[0] == 0 || to->digits[0] == 0))
        sim_violated(sim, GX_SIM_SERVED, by, "it proves that it knows digits to %s, who has shown none", gx_sim_node_name(sim, node));
    else if (bytes.n == GX_NEAR_REPLY_BYTES && (!offer->active || to->typed[0] == 0))
        sim_violated(sim, GX_SIM_SERVED, by, "it answers to %s, who has typed no digits, or shows none itself", gx_sim_node_name(sim, node));
    else if (bytes.n == GX_NEAR_GIFT_BYTES && (!offer->active || memcmp(to->typed, offer->code.digits, GX_NEAR_DIGITS) != 0))
        sim_violated(sim, GX_SIM_SERVED, by, "it gives an invitation to %s, who has not typed the digits that it shows", gx_sim_node_name(sim, node));
}

void sim_say_on_lan(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef)
{
    bool to_all = ef->kind == GX_OUT_BEACON;

    GX_ASSERT(sim->nodes[node].beacons);
    if (to_all && !gx_near_is(ef->bytes))
        sim->nodes[node].lan_wish = wants_to_be_let_in(sim->nodes[node].engine);
    sim->counts.beacons += to_all;
    sim->counts.datagrams += !to_all;
    sim->counts.gifts += ef->bytes.n == GX_NEAR_GIFT_BYTES;
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        struct gx_addr addr = lan_addr(sim, i);

        if (i != node && sim->nodes[i].beacons && sim->nodes[i].island == sim->nodes[node].island && (to_all || gx_addr_equal(&addr, &ef->addr)))
            carry(sim, node, i, ef->bytes);
        if (i != node && !to_all && gx_addr_equal(&addr, &ef->addr) && gx_near_is(ef->bytes))
            look_near(sim, node, i, ef->bytes);
        else if (i != node && !to_all && gx_addr_equal(&addr, &ef->addr) && !may_be_answered(sim, node, i))
            sim_violated(sim, GX_SIM_SERVED, node, "it answers a beacon of %s, who is no member where it is one", gx_sim_node_name(sim, i));
    }
}

/* Where it comes from is where its sender is now. */
void sim_lan_event(struct gx_sim *sim, const struct sim_event *ev)
{
    struct sim_node *to = &sim->nodes[ev->b];

    if (to->up && !to->paused)
        sim_push(sim, ev->b, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = lan_addr(sim, ev->a)}, ev->datagram);
    else
        free(ev->datagram);
}

void sim_lan_free(struct gx_sim *sim)
{
    for (uint32_t i = 0; i < sim->n_heap; i++)
        if (sim->heap[i].kind == SIM_DATAGRAM)
            free(sim->heap[i].datagram);
}

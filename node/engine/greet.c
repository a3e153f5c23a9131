/* How two members' nodes meet: hello, tags, proofs.  WIRE §6.1, KEYS §11. */
#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdlib.h>

#define MISSES_MAX GX_FRAME_GROUPS_MAX  /* proofs that say nothing here: each may cost a signature */
#define TAGS_MAX GX_GROUPS_MAX          /* frames of tags on one session: there is a new one for each group that is new */

static enum gx_role my_role(const struct gx_session *s)
{
    return s->inbound ? GX_ROLE_SERVER : GX_ROLE_CLIENT;
}

static enum gx_role their_role(const struct gx_session *s)
{
    return s->inbound ? GX_ROLE_CLIENT : GX_ROLE_SERVER;
}

void gx_greet_hello(struct gx_engine *e, struct gx_session *s)
{
    struct gx_wr w = gx_engine_wr(e, 64);
    struct gx_nonce *mine = s->inbound ? &s->transcript.server_nonce : &s->transcript.client_nonce;

    gx_rng_fill(e->config.rng, mine->b, sizeof mine->b);
    gx_frame_write_hello(&w, mine);
    gx_engine_send(e, s, &w);
}

/* --- tags: groups that both are in, by the gates of their epochs ------------------------------------------------------------------------ */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct gx_tag));
}

/* n tags, in a room_for_tags: filled up and sorted, so that neither their number nor their order tells which are meant. */
static void send_tags(struct gx_engine *e, struct gx_session *s, struct gx_tag *tags, uint32_t n)
{
    uint32_t all = n == 0 ? GX_FRAME_TAGS_PAD : (n + GX_FRAME_TAGS_PAD - 1) / GX_FRAME_TAGS_PAD * GX_FRAME_TAGS_PAD;
    struct gx_wr w = gx_engine_wr(e, 8 + all * sizeof *tags);
    struct gx_frame_list list = gx_frame_begin_tags(&w);

    gx_rng_fill(e->config.rng, tags + n, (all - n) * sizeof *tags);
    qsort(tags, all, sizeof *tags, by_bytes);
    for (uint32_t i = 0; i < all; i++)
        gx_frame_put_tag(&w, &list, &tags[i]);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    if (!s->has_tags)
        gx_session_goes_on(e, s);
    s->has_tags = true;
}

/* For n and what they are filled up with. */
static struct gx_tag *room_for_tags(struct gx_engine *e, size_t n)
{
    struct gx_tag *tags = gx_arena_room(&e->arena, (n + GX_FRAME_TAGS_PAD) * sizeof *tags);

    (void)gx_engine_ok(e, tags == NULL ? GX_E_MEMORY : GX_OK);
    return tags;
}

void gx_greet_show(struct gx_engine *e, struct gx_session *s)
{
    struct gx_tag *tags = room_for_tags(e, e->n_groups * GX_GATES_SHOWN);
    uint32_t n = 0;

    for (uint32_t i = 0; tags != NULL && i < e->n_groups; i++) {
        const struct gx_gate_key *gates[GX_GATES_SHOWN];
        uint32_t n_gates = gx_group_speaks(e, e->groups[i]) ? gx_gates_list(e, e->groups[i], gates, GX_GATES_SHOWN) : 0;

        for (uint32_t k = 0; k < n_gates; k++)
            gx_gate_tag(&tags[n++], gates[k], my_role(s), &s->transcript);
    }
    if (tags != NULL)
        send_tags(e, s, tags, n);
}

/* What the other side showed, in order. */
struct shown {
    struct gx_tag *tags;
    size_t n;
};

static bool read_tags(struct gx_engine *e, struct gx_session *s, struct shown *out, const struct gx_frame *f)
{
    /* Each costs a hash for every gate that is kept; and how long looking takes tells nothing to who may look but a few times. */
    if (++s->n_tags > TAGS_MAX) {
        gx_session_close(e, s, GX_BYE_LIMIT);
        return false;
    }
    *out = (struct shown){.tags = room_for_tags(e, f->n), .n = f->n};
    for (size_t i = 0; i < out->n && out->tags != NULL; i++)
        out->tags[i] = gx_frame_tag_at(f, i);
    if (out->n > 1 && out->tags != NULL)
        qsort(out->tags, out->n, sizeof *out->tags, by_bytes);
    return out->tags != NULL;
}

static bool has_met(const struct gx_session *s, const struct gx_group *g)
{
    for (uint32_t i = 0; i < s->n_met; i++)
        if (s->met[i] == g->row.gnum)
            return true;
    return false;
}

/* A gate of the group, by which the other side showed it; NULL: it did not. */
static const struct gx_gate_key *find_gate(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct shown *shown)
{
    const struct gx_gate_key *gates[GX_GATES_KEPT], *found = NULL;
    uint32_t n = gx_group_speaks(e, g) ? gx_gates_list(e, g, gates, GX_GATES_KEPT) : 0;

    for (uint32_t k = 0; k < n && found == NULL; k++) {
        struct gx_tag tag;

        gx_gate_tag(&tag, gates[k], their_role(s), &s->transcript);
        if (shown->n > 0 && bsearch(&tag, shown->tags, shown->n, sizeof tag, by_bytes) != NULL)
            found = gates[k];
    }
    if (found != NULL && !has_met(s, g) && gx_engine_grow(e, &s->met, &s->cap_met, s->n_met, sizeof *s->met))
        s->met[s->n_met++] = g->row.gnum;
    return found;
}

/* To a stranger, and to who was in a group and is out, this is as many random tags. */
static void answer_tags(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct shown shown;
    struct gx_tag *tags = read_tags(e, s, &shown, f) ? room_for_tags(e, e->n_groups) : NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; tags != NULL && i < e->n_groups; i++) {
        const struct gx_gate_key *gate = find_gate(e, s, e->groups[i], &shown);

        if (gate != NULL)
            gx_gate_tag(&tags[n++], gate, my_role(s), &s->transcript);
    }
    if (tags == NULL)
        return;
    send_tags(e, s, tags, n);
    s->is_asked = true;
}

/* --- proving ------------------------------------------------------------------------------------------------------------------------------ */

static void send_proof(struct gx_engine *e, struct gx_session *s, struct gx_wr *w, struct gx_frame_list *list, struct gx_group *g, uint16_t channel)
{
    struct gx_proof proof = {.channel = channel};
    uint8_t bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_sign_sk sk;

    gx_gate_tag(&proof.tag, &g->gate_zero, my_role(s), &s->transcript);
    gx_author_device_key(e, g, &proof.device, &sk);
    gx_proof_signed_bytes(bytes, &g->row.id, my_role(s), &s->transcript);
    gx_sign(&proof.sig, &sk, GX_DOMAIN_SESSION, gx_span(bytes, sizeof bytes));
    gx_wipe(&sk, sizeof sk);
    gx_frame_put_proof(w, list, &proof);
    g->proved = true;
}

static void send_one_proof(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    struct gx_wr w = gx_engine_wr(e, 8 + GX_PROOF_BYTES);
    struct gx_frame_list list = gx_frame_begin_proof(&w);

    send_proof(e, s, &w, &list, g, c->number);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    c->mine = true;
}

/* Each side has numbers of its own for what it proves first. */
static uint16_t free_channel(struct gx_session *s)
{
    uint16_t number = s->inbound ? GX_CHANNEL_OF_SERVER : 0;

    while (gx_session_channel(s, number) != NULL)
        number++;
    return number;
}

/* Is the other side's transport key that of a live member's node, by a record that its device signed? */
static bool is_member_node(const struct gx_session *s, const struct gx_group *g)
{
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (memcmp(&g->endpoints[i].transport, &s->peer_key, sizeof s->peer_key) == 0 && gx_group_live(g, &g->endpoints[i].device))
            return true;
    return false;
}

bool gx_greet_trusts(const struct gx_session *s, const struct gx_group *g, const struct gx_channel *c)
{
    return c->mine && (c->theirs || is_member_node(s, g));
}

/* Where no gate was met by, gate 0 is for who is known already: a member's node, or the contact's that this node asks to let it in. */
static bool is_known(struct gx_engine *e, const struct gx_session *s, const struct gx_group *g)
{
    return is_member_node(s, g) || gx_ask_is_for(e, s, g);
}

/* Is there something to prove?  Where a membership of the other side ended, or never began, it may have another one by now; and a proof that was not answered
 * may have come before the other side was in the group. */
static bool is_unproved(const struct gx_channel *c)
{
    return c == NULL || c->ended || c->unknown || (c->mine && !c->theirs && !c->told && !c->asked);
}

static bool prove_first(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_wr *w, struct gx_frame_list *list)
{
    struct gx_channel *c = gx_session_channel_of(s, g->row.gnum);

    if (c != NULL)
        gx_channel_anew(c, free_channel(s));
    else if ((c = gx_session_channel_add(e, s, g->row.gnum, free_channel(s))) == NULL)
        return false;
    send_proof(e, s, w, list, g, c->number);
    c->mine = c->first = true;
    return true;
}

/* The server's tags.  What was not met by a gate is proved to whom this node knows; an empty list says that this is all. */
static void prove_met(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_wr w = gx_engine_wr(e, 8 + GX_PROOF_BYTES * GX_GROUPS_MAX);
    struct gx_frame_list list = gx_frame_begin_proof(&w);
    bool first = s->n_channels == 0;
    struct shown shown;

    if (!read_tags(e, s, &shown, f))
        return;
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        if (!is_unproved(gx_session_channel_of(s, g->row.gnum)) || !gx_group_speaks(e, g))
            continue;
        if (find_gate(e, s, g, &shown) != NULL || is_known(e, s, g))
            (void)prove_first(e, s, g, &w, &list);
    }
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    s->is_greeted = true;
    if (first && list.n > 0)
        gx_session_goes_on(e, s);
}

void gx_greet_take_tags(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    if (s->inbound)
        answer_tags(e, s, f);
    else
        prove_met(e, s, f);
}

/* Has a membership of that group a channel there?  Where it is another one, that is begun anew with tags. */
static bool is_spoken_of(struct gx_engine *e, const struct gx_session *s, const struct gx_group *g)
{
    for (uint32_t i = 0; i < s->n_channels; i++) {
        const struct gx_group *of = gx_group_by_gnum(e, s->channels[i].group);

        if (of != NULL && gx_group_id_equal(&of->row.id, &g->row.id))
            return true;
    }
    return false;
}

void gx_greet_late(struct gx_engine *e, struct gx_session *s, struct gx_group *g)
{
    if (!s->is_greeted || is_spoken_of(e, s, g) || !is_known(e, s, g) || !gx_group_speaks(e, g))
        return;

    struct gx_wr w = gx_engine_wr(e, 8 + GX_PROOF_BYTES);
    struct gx_frame_list list = gx_frame_begin_proof(&w);

    if (!prove_first(e, s, g, &w, &list))
        return;
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
}

/* --- proofs ----------------------------------------------------------------------------------------------------------------------------- */

static bool is_of(const struct gx_session *s, const struct gx_group *g, const struct gx_tag *tag)
{
    struct gx_tag mine;

    gx_gate_tag(&mine, &g->gate_zero, their_role(s), &s->transcript);
    return gx_equal_ct(mine.b, tag->b, sizeof mine.b);
}

static struct gx_group *group_of_tag(struct gx_engine *e, struct gx_session *s, const struct gx_tag *tag)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (gx_group_speaks(e, e->groups[i]) && is_of(s, e->groups[i], tag))
            return e->groups[i];
    return NULL;
}

/* One of an unknown group and one that does not hold are alike to who sends it: else it would learn which groups are known here. */
static void miss(struct gx_engine *e, struct gx_session *s, const char *why)
{
    gx_engine_drop(e, why);
    if (++s->misses > MISSES_MAX)
        gx_session_close(e, s, GX_BYE_LIMIT);
}

static void take_proof(struct gx_engine *e, struct gx_session *s, const struct gx_proof *proof)
{
    struct gx_group *g = group_of_tag(e, s, &proof->tag);
    uint8_t bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_job *job = NULL;

    if (g == NULL) {
        miss(e, s, "unknown_group");
        return;
    }
    if (gx_budget_is_shut(e, g, &proof->device)) {
        gx_engine_drop(e, "backed_off");
        return;
    }
    job = gx_job_new(e, GX_JOB_PROOF, s, g->row.gnum, gx_span(NULL, 0));
    if (job == NULL)
        return;
    job->proof = *proof;
    gx_proof_signed_bytes(bytes, &g->row.id, their_role(s), &s->transcript);
    gx_job_verify(e, job, GX_DOMAIN_SESSION, &proof->device, gx_span(bytes, sizeof bytes), &proof->sig);
    gx_job_begin(e, job);
}

/* The client has proved what it knows: now the server proves where it alone knows whose node the other is. */
static void prove_rest(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_wr w = gx_engine_wr(e, 8 + GX_PROOF_BYTES * GX_GROUPS_MAX);
    struct gx_frame_list list = gx_frame_begin_proof(&w);

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool named = !is_unproved(gx_session_channel_of(s, g->row.gnum)) || !is_known(e, s, g) || !gx_group_speaks(e, g);

        for (size_t k = 0; k < f->n && !named; k++) {
            struct gx_proof proof = gx_frame_proof_at(f, k);

            named = is_of(s, g, &proof.tag);
        }
        if (!named)
            (void)prove_first(e, s, g, &w, &list);
    }
    if (list.n == 0)
        return;
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
}

void gx_greet_take_proofs(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    for (size_t i = 0; i < f->n && !s->closed; i++) {
        struct gx_proof proof = gx_frame_proof_at(f, i);

        take_proof(e, s, &proof);
    }
    if (!s->is_asked || s->closed)
        return;
    s->is_asked = false;
    s->is_greeted = true;
    prove_rest(e, s, f);
    if (f->n == 0 && s->n_channels == 0) {
        gx_engine_drop(e, "stranger");
        gx_session_close(e, s, GX_BYE_DONE);
    }
}

void gx_greet_heads(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    uint32_t heads[GX_EVENT_DEPS_MAX];
    uint32_t n = gx_group_heads(e, g, heads, GX_EVENT_DEPS_MAX);
    struct gx_wr w = gx_engine_wr(e, 16 + 32u * (size_t)n);
    struct gx_frame_list list = gx_frame_begin_heads(&w, c->number);

    for (uint32_t i = 0; i < n; i++)
        gx_frame_put_id(&w, &list, &g->law.nodes[heads[i]].op.id);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    c->asked_heads = true;
}

/* Whoever can make a transport key can begin a session with each, and there are places for so many: what one device has too many of ends, the oldest first. */
static void end_oldest(struct gx_engine *e, const struct gx_session *s, const struct gx_group *g, const struct gx_channel *c)
{
    struct gx_session *oldest = NULL;
    uint32_t n = 1;

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *other = e->sessions[i];
        const struct gx_channel *its = other == s || other->closed ? NULL : gx_session_channel_of(other, g->row.gnum);

        if (its == NULL || !gx_channel_shared(its) || !gx_sign_pk_equal(&its->device, &c->device))
            continue;
        n++;
        oldest = oldest == NULL || other->since_ms < oldest->since_ms ? other : oldest;
    }
    if (n <= GX_DEVICE_SESSIONS_MAX)
        return;
    gx_engine_drop(e, "device_sessions");
    gx_session_close(e, oldest, GX_BYE_LIMIT);
}

/* The other side proved its device: serve it, or ask it to show by what right. */
static void settle_channel(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    bool was_shared = gx_channel_shared(c);

    gx_group_settle(e, g);
    if (gx_group_asking(g) && !c->mine && is_known(e, s, g))
        send_one_proof(e, s, g, c);         /* who wants to be let in says first who it is */
    else if (gx_group_asking(g))
        gx_ask_send(e, s, g, c);            /* it knows me already: what it gave was lost */
    if (gx_group_live(g, &c->device) || (GX_MUTANT(GATE_TRUSTED) && has_met(s, g))) {
        c->theirs = true;
        c->unknown = c->ended = false;
    } else {
        c->theirs = false;
        if (c->ended || gx_ended_tell(e, s, g, c))
            return;
        c->unknown = true;
        if (!c->asked_heads && !gx_group_asking(g)) {
            gx_greet_heads(e, s, g, c);
            if (s->deadline_ms != 0 && !s->is_waited_for)
                gx_session_deadline(e, s, e->now.mono_ms + GX_STRANGER_MS);
            s->is_waited_for = true;
        }
        return;
    }
    if (!c->mine)
        send_one_proof(e, s, g, c);
    if (!was_shared && gx_channel_shared(c)) {
        s->deadline_ms = 0;
        gx_targets_up(e, s);
        e->met_by_gate += has_met(s, g);
        e->met_by_gate_zero += !has_met(s, g);
        /* Who proved first speaks first: what the other sent now would come in before its proof is verified.  WIRE §6.1 */
        if (c->first)
            gx_repair_start(e, s, c, false);
        gx_targets_end_spare(e, g, &c->device);
        end_oldest(e, s, g, c);
    }
}

/* It speaks as somebody else now, or did not wait for the answer.  Where both proved first the client's number counts. */
static void begin_anew(struct gx_engine *e, struct gx_group *g, struct gx_channel *c, uint16_t number)
{
    c->theirs = false;
    gx_tree_gone(e, g, c);
    gx_channel_anew(c, number);
}

/* The other side proves first, under a number of its own.  False: this is no news. */
static bool begins(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel **c, uint16_t number)
{
    if (s->inbound != (number < GX_CHANNEL_OF_SERVER)) {
        gx_engine_drop(e, "proof_late");        /* an answer to a proof in whose place there is a newer one */
        return false;
    }
    if (*c == NULL)
        *c = gx_session_channel_add(e, s, g->row.gnum, number);
    else if (s->inbound || (*c)->ended || (*c)->unknown || (*c)->number >= GX_CHANNEL_OF_SERVER)
        begin_anew(e, g, *c, number);
    else
        return false;
    return true;
}

void gx_session_proved(struct gx_engine *e, struct gx_job *job)
{
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_channel *c = NULL;

    if (s == NULL || s->closed || g == NULL)
        return;
    if (job->failed) {
        miss(e, s, "proof");
        return;
    }
    c = gx_session_channel_of(s, g->row.gnum);
    if (gx_session_channel(s, job->proof.channel) == NULL && !begins(e, s, g, &c, job->proof.channel))
        return;
    if (c == NULL || c->number != job->proof.channel || gx_sign_pk_equal(&job->proof.device, &g->row.intro.device)) {
        gx_session_strike(e, s, "proof_place");
        return;
    }
    c->device = job->proof.device;
    settle_channel(e, s, g, c);
}

void gx_sessions_recheck(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (c == NULL && !s->closed)
            gx_greet_late(e, s, g);     /* whose node it is may be known since now */
        if (c == NULL)
            continue;
        if ((c->unknown || c->ended) && gx_group_live(g, &c->device))
            settle_channel(e, s, g, c);
        else if (c->theirs && !gx_group_live(g, &c->device) && !GX_MUTANT(OUT_SERVED)) {
            c->theirs = false;          /* what comes from here on is not theirs to read */
            gx_tree_gone(e, g, c);
            if (!gx_ended_tell(e, s, g, c) && gx_session_is_for(s, c))
                gx_session_close(e, s, GX_BYE_DONE);
        }
    }
}

void gx_sessions_group_gone(struct gx_engine *e, const struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (c == NULL)
            continue;
        c->mine = c->theirs = false;
        if (gx_session_is_for(s, c))
            gx_session_close(e, s, GX_BYE_DONE);
    }
}

/* The other side goes by what was proved on this session, and would not prove again: it was shared, and this node fell silent; or, where the other one
 * proves first, by another membership of this person, which speaks no more. */
static bool is_in_the_way(struct gx_engine *e, const struct gx_session *s, const struct gx_group *g)
{
    for (uint32_t i = 0; i < s->n_channels; i++) {
        const struct gx_channel *c = &s->channels[i];
        struct gx_group *of = gx_group_by_gnum(e, c->group);

        if (of == g && !c->mine && !c->theirs && !c->unknown && !c->ended && !c->told)
            return true;
        if (of != NULL && of != g && s->inbound && gx_group_id_equal(&of->row.id, &g->row.id) && !c->ended && !gx_group_speaks(e, of))
            return true;
    }
    return false;
}

void gx_sessions_new_group(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];

        if (s->closed || s->kind != GX_SESSION_MEMBER || s->state != GX_SESSION_OPEN)
            continue;
        if (is_in_the_way(e, s, g)) {
            gx_session_close(e, s, GX_BYE_DONE);        /* both begin anew */
        } else if (!s->inbound) {
            gx_greet_show(e, s);
        } else {
            struct gx_wr w = gx_engine_wr(e, 4);

            gx_frame_write_simple(&w, GX_FRAME_AGAIN);
            gx_engine_send(e, s, &w);
        }
    }
}

/* How two members' nodes meet: hello, tags, proofs.  WIRE §6.1, KEYS §11. */
#include "node/engine/people.h"

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

/* Tags of all groups this node takes part in; the server names only those it recognised. */
void gx_greet_tags(struct gx_engine *e, struct gx_session *s, const struct gx_frame *theirs)
{
    struct gx_wr w = gx_engine_wr(e, 8 + sizeof(struct gx_tag) * (GX_GROUPS_MAX + GX_FRAME_TAGS_PAD));
    struct gx_frame_list list = gx_frame_begin_tags(&w);
    struct gx_tag tag;
    uint32_t known = 0;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool match = theirs == NULL;

        if (!gx_group_speaks(e, g))
            continue;
        gx_gate_tag(&tag, &g->gate, their_role(s), &s->transcript);
        for (size_t k = 0; theirs != NULL && k < theirs->n && !match; k++) {
            struct gx_tag other = gx_frame_tag_at(theirs, k);

            match = gx_equal_ct(tag.b, other.b, sizeof tag.b);
        }
        if (!match)
            continue;
        gx_gate_tag(&tag, &g->gate, my_role(s), &s->transcript);
        gx_frame_put_tag(&w, &list, &tag);
        known++;
    }
    if (theirs != NULL && known == 0) {
        gx_engine_drop(e, "stranger");
        gx_session_close(e, s, GX_BYE_DONE);
        return;
    }
    struct gx_tag pad[GX_FRAME_TAGS_PAD];
    uint32_t n_pad = GX_FRAME_TAGS_PAD - list.n % GX_FRAME_TAGS_PAD;

    n_pad = n_pad == GX_FRAME_TAGS_PAD && list.n > 0 ? 0 : n_pad;
    gx_rng_fill(e->config.rng, pad, n_pad * sizeof *pad);
    for (uint32_t i = 0; i < n_pad; i++)
        gx_frame_put_tag(&w, &list, &pad[i]);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    if (!s->has_tags)
        gx_session_goes_on(e, s);
    s->has_tags = true;
}

static void send_proof(struct gx_engine *e, struct gx_session *s, struct gx_wr *w, struct gx_frame_list *list, struct gx_group *g, uint16_t channel)
{
    struct gx_proof proof = {.channel = channel};
    uint8_t bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_sign_sk sk;

    gx_gate_tag(&proof.tag, &g->gate, my_role(s), &s->transcript);
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

static uint16_t free_channel(struct gx_session *s)
{
    uint16_t number = 0;

    while (gx_session_channel(s, number) != NULL)
        number++;
    return number;
}

/* The server's tags: prove what both know. */
void gx_greet_take_tags(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_wr w = gx_engine_wr(e, 8 + GX_PROOF_BYTES * GX_GROUPS_MAX);
    struct gx_frame_list list = gx_frame_begin_proof(&w);
    bool first = s->n_channels == 0;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        struct gx_tag tag;
        bool match = false;
        struct gx_channel *c = gx_session_channel_of(s, g->row.gnum);

        /* Where a membership of the other side ended, or never began, it may have another one by now. */
        if (!gx_group_speaks(e, g) || (c != NULL && !c->ended && !c->unknown))
            continue;
        gx_gate_tag(&tag, &g->gate, GX_ROLE_SERVER, &s->transcript);
        for (size_t k = 0; k < f->n && !match; k++) {
            struct gx_tag other = gx_frame_tag_at(f, k);

            match = gx_equal_ct(tag.b, other.b, sizeof tag.b);
        }
        if (!match)
            continue;
        if (c != NULL)
            gx_channel_anew(c, free_channel(s));
        else if ((c = gx_session_channel_add(e, s, g->row.gnum, free_channel(s))) == NULL)
            continue;
        send_proof(e, s, &w, &list, g, c->number);
        c->mine = true;
    }
    if (list.n == 0)
        return;
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    if (first)
        gx_session_goes_on(e, s);
}

/* --- proofs ----------------------------------------------------------------------------------------------------------------------------- */

static struct gx_group *group_of_tag(struct gx_engine *e, struct gx_session *s, const struct gx_tag *tag)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_tag mine;

        if (!gx_group_speaks(e, e->groups[i]))
            continue;
        gx_gate_tag(&mine, &e->groups[i]->gate, their_role(s), &s->transcript);
        if (gx_equal_ct(mine.b, tag->b, sizeof mine.b))
            return e->groups[i];
    }
    return NULL;
}

void gx_greet_take_proof(struct gx_engine *e, struct gx_session *s, const struct gx_proof *proof)
{
    struct gx_group *g = group_of_tag(e, s, &proof->tag);
    uint8_t bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_job *job = NULL;

    if (g == NULL) {
        gx_engine_drop(e, "unknown_group");
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

bool gx_greet_trusts(const struct gx_session *s, const struct gx_group *g, const struct gx_channel *c)
{
    if (!c->mine || c->theirs)
        return c->mine;
    for (uint32_t i = 0; !s->inbound && i < g->n_endpoints; i++)
        if (memcmp(&g->endpoints[i].transport, &s->peer_key, sizeof s->peer_key) == 0 && gx_group_live(g, &g->endpoints[i].device))
            return true;
    return false;
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

/* The other side proved its device: serve it, or ask it to show by what right. */
static void settle_channel(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    bool was_shared = gx_channel_shared(c);

    gx_group_settle(e, g);
    if (gx_group_asking(g) && s->inbound && !c->mine)
        send_one_proof(e, s, g, c);         /* who wants to be let in says first who it is */
    else if (gx_group_asking(g) && !s->inbound)
        gx_ask_send(e, s, g, c);            /* it knows me already: what it gave was lost */
    if (gx_group_live(g, &c->device)) {
        c->theirs = true;
        c->unknown = c->ended = false;
    } else {
        c->theirs = false;
        if (c->ended || gx_ended_tell(e, s, g, c))
            return;
        c->unknown = true;
        if (!c->asked_heads && !gx_group_asking(g)) {
            gx_greet_heads(e, s, g, c);
            s->deadline_ms = s->deadline_ms == 0 ? 0 : e->now.mono_ms + GX_STRANGER_MS;
        }
        return;
    }
    if (s->inbound && !c->mine)
        send_one_proof(e, s, g, c);
    if (!was_shared && gx_channel_shared(c)) {
        s->deadline_ms = 0;
        gx_targets_up(e, s);
        /* The client speaks first: what a server sent now would come in before the client has verified its proof.  WIRE §6.1 */
        if (!s->inbound)
            gx_repair_start(e, s, c);
    }
}

void gx_session_proved(struct gx_engine *e, struct gx_job *job)
{
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_channel *c = NULL;

    if (s == NULL || s->closed || g == NULL)
        return;
    if (job->failed) {
        gx_session_strike(e, s, gx_err_name(GX_E_SIGNATURE));
        return;
    }
    c = gx_session_channel_of(s, g->row.gnum);
    if (s->inbound && gx_session_channel(s, job->proof.channel) == NULL) {
        if (c != NULL)
            gx_channel_anew(c, job->proof.channel);     /* the other side speaks as somebody else now: it was let in again */
        else
            c = gx_session_channel_add(e, s, g->row.gnum, job->proof.channel);
    }
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

        if (c == NULL)
            continue;
        if ((c->unknown || c->ended) && gx_group_live(g, &c->device))
            settle_channel(e, s, g, c);
        else if (c->theirs && !gx_group_live(g, &c->device) && !GX_MUTANT(OUT_SERVED)) {
            c->theirs = false;          /* what comes from here on is not theirs to read */
            if (!gx_ended_tell(e, s, g, c) && s->n_channels == 1)
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
        if (s->n_channels == 1)
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
            gx_greet_tags(e, s, NULL);
        } else {
            struct gx_wr w = gx_engine_wr(e, 4);

            gx_frame_write_simple(&w, GX_FRAME_AGAIN);
            gx_engine_send(e, s, &w);
        }
    }
}

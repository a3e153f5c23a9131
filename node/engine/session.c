/* Sessions between members: hello, tags, proofs.  WIRE §6.1.  What a shared group then says is repair.c's. */
#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdlib.h>

#define STRIKES_MAX 3u          /* wrong things that one side may send before it is cut */
#define UNSERVED_MAX 256u       /* who goes on asking all the same is cut; who waits 5 s between two comes to it in 20 minutes */

/* --- the table ---------------------------------------------------------------------------------------------------------------------- */

static void id_key(uint8_t key[32], gx_session_id id)
{
    memset(key, 0, 32);
    memcpy(key, &id, sizeof id);
}

struct gx_session *gx_session_find(struct gx_engine *e, gx_session_id id)
{
    uint8_t key[32];
    uint32_t at = 0;

    id_key(key, id);
    at = gx_idmap_get(&e->session_by_id, key);
    return at == GX_NONE ? NULL : e->sessions[at];
}

struct gx_session *gx_session_new(struct gx_engine *e, gx_session_id id, enum gx_session_kind kind, bool inbound)
{
    uint8_t key[32];
    struct gx_session *s = NULL;

    if (e->n_sessions >= GX_SESSIONS_MAX) {
        gx_engine_drop(e, "sessions_full");
        return NULL;
    }
    if (!gx_engine_grow(e, &e->sessions, &e->cap_sessions, e->n_sessions, sizeof(struct gx_session *)))
        return NULL;
    id_key(key, id);
    s = calloc(1, sizeof *s);
    if (s == NULL || gx_idmap_put(&e->session_by_id, key, e->n_sessions) != GX_OK) {
        free(s);
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }
    s->id = id;
    s->kind = kind;
    s->inbound = inbound;
    s->since_ms = s->heard_ms = e->now.mono_ms;
    gx_session_deadline(e, s, e->now.mono_ms + (!inbound ? GX_CONNECT_MS_MAX + GX_HANDSHAKE_MS_MAX : kind == GX_SESSION_DOOR ? GX_GUEST_MS_MAX : GX_MEET_MS));
    e->sessions[e->n_sessions++] = s;
    return s;
}

void gx_session_goes_on(struct gx_engine *e, struct gx_session *s)
{
    if (s->deadline_ms == 0 || s->deadline_ms >= e->now.mono_ms + GX_MEET_MS)
        return;
    gx_session_deadline(e, s, e->now.mono_ms + GX_MEET_MS);
}

static void session_free(struct gx_session *s)
{
    for (uint32_t i = 0; i < s->n_channels; i++) {
        free(s->channels[i].their);
        free(s->channels[i].doubts);
    }
    free(s->channels);
    free(s->met);
    gx_wipe(s, sizeof *s);
    free(s);
}

void gx_sessions_reap(struct gx_engine *e)
{
    if (!e->session_closed)
        return;
    e->session_closed = false;
    for (uint32_t i = 0; i < e->n_sessions;) {
        struct gx_session *s = e->sessions[i];
        uint8_t key[32];

        if (!s->closed) {
            i++;
            continue;
        }
        id_key(key, s->id);
        gx_idmap_del(&e->session_by_id, key);
        e->sessions[i] = e->sessions[--e->n_sessions];
        if (i < e->n_sessions) {
            id_key(key, e->sessions[i]->id);
            gx_idmap_del(&e->session_by_id, key);
            if (gx_idmap_put(&e->session_by_id, key, i) != GX_OK)
                gx_engine_ok(e, GX_E_MEMORY);
        }
        session_free(s);
    }
}

void gx_sessions_free(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_sessions; i++)
        session_free(e->sessions[i]);
    free(e->sessions);
    e->sessions = NULL;
    e->n_sessions = e->cap_sessions = 0;
}

/* What ends with a session, however it ends. */
static void gone(struct gx_engine *e, struct gx_session *s)
{
    if (s->closed)
        return;
    s->closed = e->session_closed = true;
    gx_repair_session_gone(e, s);
    gx_targets_down(e, s);
    if (s->kind == GX_SESSION_GUEST)
        gx_guest_gone(e, s);
    else if (s->kind == GX_SESSION_CARD)
        gx_card_gone(e, s);
}

void gx_session_close(struct gx_engine *e, struct gx_session *s, enum gx_bye why)
{
    if (s->closed)
        return;
    if (s->state != GX_SESSION_CONNECTING) {
        struct gx_wr w = gx_engine_wr(e, 2);

        gx_frame_write_reason(&w, GX_FRAME_BYE, (uint8_t)why);
        gx_engine_send(e, s, &w);
    }
    gx_engine_effect(e, GX_OUT_DISCONNECT)->session = s->id;
    gone(e, s);
}

void gx_sessions_close_all(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        if (!e->sessions[i]->closed)
            gx_engine_effect(e, GX_OUT_DISCONNECT)->session = e->sessions[i]->id;
        e->sessions[i]->closed = e->session_closed = true;
    }
    for (uint32_t i = 0; i < e->n_targets; i++)
        e->targets[i].session = 0;
}

void gx_session_strike(struct gx_engine *e, struct gx_session *s, const char *why)
{
    gx_engine_drop(e, why);
    if (s == NULL || ++s->strikes < STRIKES_MAX)
        return;
    gx_budget_shut(e, s);
    gx_session_close(e, s, GX_BYE_MALFORMED);
}

void gx_session_unserved(struct gx_engine *e, struct gx_session *s, const char *why)
{
    gx_engine_drop(e, why);
    if (++s->n_unserved < UNSERVED_MAX)
        return;
    gx_budget_shut(e, s);
    gx_session_close(e, s, GX_BYE_LIMIT);
}

/* Frames without end that bring nothing: each costs little, all of them together a core. */
static void talked(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    if (gx_budget_talks(e, s, f->kind == GX_FRAME_PROOF && f->n > 1 ? (uint32_t)f->n : 1))     /* each of them is verified */
        return;
    gx_engine_drop(e, "talk");
    gx_budget_shut(e, s);
    gx_session_close(e, s, GX_BYE_LIMIT);
}

/* An answer may have been under way: these are not counted like questions, but they have an end too. */
static void unheard(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    gx_engine_drop(e, "chunks_budget");
    talked(e, s, f);
}

/* --- channels ------------------------------------------------------------------------------------------------------------------------ */

struct gx_channel *gx_session_channel(struct gx_session *s, uint16_t number)
{
    for (uint32_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].number == number)
            return &s->channels[i];
    return NULL;
}

struct gx_channel *gx_session_channel_of(struct gx_session *s, uint32_t gnum)
{
    for (uint32_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].group == gnum)
            return &s->channels[i];
    return NULL;
}

bool gx_session_is_for(const struct gx_session *s, const struct gx_channel *c)
{
    for (uint32_t i = 0; i < s->n_channels; i++) {
        const struct gx_channel *other = &s->channels[i];

        if (other != c && (other->theirs || other->unknown || other->told || other->asked))
            return false;
    }
    return true;
}

bool gx_channel_shared(const struct gx_channel *c)
{
    return c->mine && c->theirs;
}

struct gx_channel *gx_session_channel_add(struct gx_engine *e, struct gx_session *s, uint32_t gnum, uint16_t number)
{
    if (s->n_channels >= GX_FRAME_GROUPS_MAX)
        return NULL;
    if (!gx_engine_grow(e, &s->channels, &s->cap_channels, s->n_channels, sizeof *s->channels))
        return NULL;
    s->channels[s->n_channels] = (struct gx_channel){.number = number, .group = gnum};
    return &s->channels[s->n_channels++];
}

void gx_channel_anew(struct gx_channel *c, uint16_t number)
{
    free(c->their);
    free(c->doubts);
    *c = (struct gx_channel){.number = number, .group = c->group};
}

uint32_t gx_sessions_peers(const struct gx_engine *e)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        bool shared = false;

        for (uint32_t k = 0; k < e->sessions[i]->n_channels && !e->sessions[i]->closed; k++)
            shared |= gx_channel_shared(&e->sessions[i]->channels[k]);
        n += shared;
    }
    return n;
}

/* --- inputs ---------------------------------------------------------------------------------------------------------------------------- */

void gx_session_up(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_session *s = gx_session_find(e, in->session);

    if (s == NULL && in->inbound) {
        struct gx_door *door = in->door == 0 ? NULL : gx_doors_by_number(e, in->door);

        if (in->door != 0 && door == NULL)
            gx_engine_drop(e, "door_closed");
        else if (gx_engine_rests(e))
            gx_engine_drop(e, "resting");
        else
            s = gx_session_new(e, in->session, in->door == 0 ? GX_SESSION_MEMBER : GX_SESSION_DOOR, true);
        if (s != NULL && door != NULL) {
            s->door = door->number;
            s->group = door->group;
            s->token = door->token;
        }
    }
    if (s == NULL) {
        gx_engine_effect(e, GX_OUT_DISCONNECT)->session = in->session;
        return;
    }
    s->state = GX_SESSION_HELLO;
    s->peer_key = in->peer_key;
    s->heard_ms = e->now.mono_ms;
    if (!s->inbound)
        gx_session_deadline(e, s, e->now.mono_ms + GX_MEET_MS);     /* shorter than what the connection had */
    if (in->peer_addr.family != 0)
        s->addr = in->peer_addr;
    if (s->inbound) {
        s->transcript.client_key = in->peer_key;
        if (s->kind == GX_SESSION_MEMBER) {
            s->transcript.server_key = in->own_key;
        } else if (s->group == GX_NONE) {
            struct gx_curve_sk sk;

            gx_card_door_keys(e, &s->transcript.server_key, &sk);
            gx_wipe(&sk, sizeof sk);
        } else {
            struct gx_curve_sk sk;
            struct gx_group *g = gx_group_by_gnum(e, s->group);
            uint32_t op = g == NULL ? GX_NONE : gx_group_op(g, &s->token);
            const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);

            if (info != NULL && info->has_lan)
                gx_door_keys_make(&s->transcript.server_key, &sk, &info->lan);
            gx_wipe(&sk, sizeof sk);
        }
        return;
    }
    s->transcript.server_key = in->peer_key;
    if (s->kind == GX_SESSION_MEMBER)
        s->transcript.client_key = in->own_key;      /* a guest's key was noted when it connected */
    gx_greet_hello(e, s);
}

void gx_session_down(struct gx_engine *e, gx_session_id id)
{
    struct gx_session *s = gx_session_find(e, id);

    if (s != NULL)
        gone(e, s);
}

static void take_hello(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    if (s->state != GX_SESSION_HELLO) {
        gx_session_strike(e, s, "hello_again");
        return;
    }
    s->state = GX_SESSION_OPEN;
    if (s->inbound) {
        s->transcript.client_nonce = f->nonce;
        gx_greet_hello(e, s);
    } else {
        s->transcript.server_nonce = f->nonce;
        s->rtt_ms = (uint32_t)(e->now.mono_ms - s->heard_ms);
        gx_session_goes_on(e, s);
    }
    if (s->kind == GX_SESSION_GUEST)
        gx_guest_up(e, s);
    else if (s->kind == GX_SESSION_CARD)
        gx_card_up(e, s);
    else if (s->kind == GX_SESSION_MEMBER && !gx_targets_settle(e, s) && !s->inbound)
        gx_greet_show(e, s);
}

/* It is held against a device what these bring, or do not; on a channel that is not shared there is none. */
static bool is_accounted(const struct gx_frame *f)
{
    return f->kind == GX_FRAME_WANT || ((f->kind == GX_FRAME_FRONTIER || f->kind == GX_FRAME_CHUNKS) && f->n > 0);
}

static void take_member_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_channel *c = gx_session_channel(s, f->channel);
    struct gx_group *g = c == NULL ? NULL : gx_group_by_gnum(e, c->group);

    if (g == NULL || g->silent) {
        gx_engine_drop(e, "channel");
        if (is_accounted(f))
            talked(e, s, f);
        return;
    }
    if (f->kind == GX_FRAME_ASK) {
        gx_ask_take(e, s, g, c, f);
        return;
    }
    if (gx_group_asking(g) && c->mine)
        gx_ask_send(e, s, g, c);        /* it says something: so it has my proof; and if it lets me in already, I lack what it gave */
    if (gx_group_asking(g) && f->kind == GX_FRAME_HEADS)
        return;
    if (gx_group_asking(g) && c->asked &&
        (f->kind == GX_FRAME_CHUNKS || f->kind == GX_FRAME_ENDPOINTS || f->kind == GX_FRAME_BASELINE || f->kind == GX_FRAME_DENIED || f->kind == GX_FRAME_KEYS)) {
        gx_ask_given(e, s, g, c, f);
        return;
    }
    if (f->kind == GX_FRAME_HEADS) {
        if (c->ended && c->shown_ops == 0) {
            c->shown_ops = g->law.n_ops;
            gx_ended_serve(e, s, g, c, f);
        } else if (c->ended || !gx_greet_trusts(s, g, c) || c->shown_ops == g->law.n_ops) {
            gx_engine_drop(e, "channel");       /* the same question again is not answered again: it costs a walk of all control events */
        } else {
            c->shown_ops = g->law.n_ops;
            gx_serve_missing(e, s, g, c, f);
        }
        return;
    }
    if (f->kind == GX_FRAME_ENDED) {
        gx_ended_take(e, s, g, c, f);
        return;
    }
    if ((f->kind == GX_FRAME_CHUNKS || f->kind == GX_FRAME_ENDPOINTS) && (c->unknown || c->told || c->ended) && !gx_channel_shared(c)) {
        s->bytes += f->list.n;
        if (s->bytes > GX_STEP_BYTES_MAX * 4ull)
            gx_session_close(e, s, GX_BYE_LIMIT);
        else if (f->kind == GX_FRAME_CHUNKS)
            gx_repair_shown(e, s, c, f);
        else
            gx_endpoints_take(e, s, g, f);
        return;
    }
    if (gx_channel_shared(c) && g->members_changed) {
        gx_group_settle(e, g);
        gx_sessions_recheck(e, g);      /* what this step did may have ended it */
    }
    if (s->closed || !gx_channel_shared(c) || f->kind == GX_FRAME_BASELINE || f->kind == GX_FRAME_DENIED) {
        gx_engine_drop(e, "not_shared");
        if (is_accounted(f))
            talked(e, s, f);
        return;
    }
    if (!c->started)
        gx_repair_start(e, s, c, f->kind == GX_FRAME_BUCKETS);
    if (f->kind == GX_FRAME_FRONTIER && !gx_budget_hears(e, g, c))
        gx_session_unserved(e, s, "frontier_budget");
    else if (f->kind == GX_FRAME_FRONTIER)
        gx_repair_frontier(e, s, c, f);
    else if (f->kind == GX_FRAME_WANT)
        gx_serve_want(e, s, c, f);
    else if (f->kind == GX_FRAME_CHUNKS && !gx_budget_hears(e, g, c))
        unheard(e, s, f);
    else if (f->kind == GX_FRAME_CHUNKS)
        gx_repair_chunks(e, s, c, f);
    else if (f->kind == GX_FRAME_LINK)
        gx_tree_take(e, s, g, c, f);
    else if (f->kind == GX_FRAME_ASK_KEYS)
        gx_keys_asked(e, s, g, c, f);
    else if (f->kind == GX_FRAME_KEYS)
        gx_keys_told(e, s, g, f);
    else if (f->kind == GX_FRAME_BUCKETS)
        gx_compare_buckets(e, s, g, c, f);
    else if (f->kind == GX_FRAME_RECORDS)
        gx_compare_records(e, s, g, c, f);
    else
        gx_endpoints_take(e, s, g, f);
}

static void take_member(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    switch ((enum gx_frame_kind)f->kind) {
    case GX_FRAME_TAGS:
        gx_greet_take_tags(e, s, f);
        break;
    case GX_FRAME_PROOF:
        gx_greet_take_proofs(e, s, f);
        break;
    case GX_FRAME_AGAIN:
        if (!s->inbound)
            gx_greet_show(e, s);
        break;
    case GX_FRAME_HEADS:
    case GX_FRAME_FRONTIER:
    case GX_FRAME_WANT:
    case GX_FRAME_CHUNKS:
    case GX_FRAME_ENDPOINTS:
    case GX_FRAME_ENDED:
    case GX_FRAME_BASELINE:
    case GX_FRAME_ASK:
    case GX_FRAME_DENIED:
    case GX_FRAME_ASK_KEYS:
    case GX_FRAME_KEYS:
    case GX_FRAME_BUCKETS:
    case GX_FRAME_RECORDS:
    case GX_FRAME_LINK:
        take_member_frame(e, s, f);
        break;
    case GX_FRAME_SUM:
        gx_compare_sum(e, s, f);
        break;
    case GX_FRAME_HELLO:
    case GX_FRAME_GUEST:
    case GX_FRAME_PATH:
    case GX_FRAME_JOIN:
    case GX_FRAME_ADMITTED:
    case GX_FRAME_REFUSED:
    case GX_FRAME_BYE:
    case GX_FRAME_PING:
    case GX_FRAME_PONG:
    case GX_FRAME_CARD:
        gx_session_strike(e, s, "unexpected_frame");
        break;
    }
}

static void take_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    if (s->kind == GX_SESSION_MEMBER && !is_accounted(f))
        talked(e, s, f);
    if (s->closed)
        return;
    if (f->kind == GX_FRAME_HELLO) {
        take_hello(e, s, f);
    } else if (f->kind == GX_FRAME_BYE) {
        if (s->kind == GX_SESSION_CARD)
            gx_card_answer(e, s, f);
        s->pushed_out = f->reason == GX_BYE_DUPLICATE;
        gx_engine_effect(e, GX_OUT_DISCONNECT)->session = s->id;
        gone(e, s);
    } else if (s->state != GX_SESSION_OPEN) {
        gx_session_strike(e, s, "before_hello");
    } else if (f->kind == GX_FRAME_PING) {
        struct gx_wr w = gx_engine_wr(e, 16);

        gx_frame_write_echo(&w, GX_FRAME_PONG, f->echo);
        gx_engine_send(e, s, &w);
    } else if (f->kind == GX_FRAME_PONG) {
        if (f->echo == s->pinged_ms && s->pinged_ms != 0)
            s->rtt_ms = (uint32_t)(e->now.mono_ms - s->pinged_ms);
    } else if (s->kind == GX_SESSION_MEMBER) {
        take_member(e, s, f);
    } else if (s->kind == GX_SESSION_DOOR) {
        gx_door_frame(e, s, f);
    } else if (s->kind == GX_SESSION_CARD) {
        gx_card_answer(e, s, f);
    } else {
        gx_guest_frame(e, s, f);
    }
}

void gx_session_frame(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_session *s = gx_session_find(e, in->session);
    struct gx_frame f;
    enum gx_err err = GX_OK;

    if (s == NULL || s->closed) {
        if (s == NULL)
            gx_engine_effect(e, GX_OUT_DISCONNECT)->session = in->session;
        return;
    }
    s->heard_ms = e->now.mono_ms;
    if (s->kind == GX_SESSION_DOOR && (s->bytes += in->bytes.n) > GX_GUEST_BYTES_MAX) {
        gx_engine_drop(e, "guest_bytes");
        gx_session_close(e, s, GX_BYE_LIMIT);
        return;
    }
    err = gx_frame_decode(&f, in->bytes);
    if (err == GX_E_VERSION) {
        gx_engine_drop(e, gx_err_name(err));
        gx_session_close(e, s, GX_BYE_VERSION);
    } else if (err != GX_OK) {
        gx_session_strike(e, s, gx_err_name(err));
    } else {
        take_frame(e, s, &f);
    }
}

/* What is to be done about it at this time; returns when there is more, 0: never. */
static uint64_t session_timer(struct gx_engine *e, struct gx_session *s)
{
    if (s->closed)
        return 0;
    if (s->deadline_ms != 0) {
        if (e->now.mono_ms < s->deadline_ms)
            return s->deadline_ms;
        gx_engine_drop(e, s->kind == GX_SESSION_DOOR ? "guest_time" : "handshake_time");
        gx_session_close(e, s, GX_BYE_LIMIT);
        return 0;
    }
    if (e->now.mono_ms < s->heard_ms + GX_PING_MS)
        return s->heard_ms + GX_PING_MS;
    if (e->now.mono_ms >= s->heard_ms + GX_SILENT_MS) {
        gx_session_close(e, s, GX_BYE_IDLE);
        return 0;
    }
    if (s->pinged_ms <= s->heard_ms) {
        struct gx_wr w = gx_engine_wr(e, 16);

        s->pinged_ms = e->now.mono_ms;
        gx_frame_write_echo(&w, GX_FRAME_PING, s->pinged_ms);
        gx_engine_send(e, s, &w);
    }
    return s->heard_ms + GX_SILENT_MS;
}

void gx_session_deadline(struct gx_engine *e, struct gx_session *s, uint64_t at_ms)
{
    s->deadline_ms = at_ms;
    if (at_ms < e->sessions_at_ms)
        e->sessions_at_ms = at_ms;
    gx_engine_wake(e, at_ms);
}

/* There may be hundreds, and whoever is heard from needs nothing: they are looked through when the first of what was to be done then is due. */
void gx_sessions_timer(struct gx_engine *e)
{
    if (e->now.mono_ms >= e->sessions_at_ms) {
        e->sessions_at_ms = UINT64_MAX;
        for (uint32_t i = 0; i < e->n_sessions; i++) {
            uint64_t at_ms = session_timer(e, e->sessions[i]);

            if (at_ms != 0 && at_ms < e->sessions_at_ms)
                e->sessions_at_ms = at_ms;
        }
    }
    if (e->sessions_at_ms != UINT64_MAX)
        gx_engine_wake(e, e->sessions_at_ms);
}

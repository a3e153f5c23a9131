/* Keys that this node lacks are asked of those who have them, and told to those who may know.  WIRE §6.27, §6.28, KEYS §7. */
#include "node/engine/people.h"
#include "node/engine/sealing.h"

#include "crypto/member.h"
#include <stdlib.h>

#define ANSWER_MS 5000u             /* whoever has not answered by then is not waited for */
#define AGAIN_FIRST_MS 30000u       /* when all were asked in vain they are asked again, */
#define AGAIN_MAX_MS 3600000u       /* and each time later */
#define ASKED_PAUSE_MS 1000u        /* one peer is answered so often */
#define WALK_MAX 1024u              /* messages looked at for one question */

/* --- what is lacking ------------------------------------------------------------------------------------------------------------------ */

/* Nobody takes all the room of a question: not one log with much that nobody can open, nor invitations, which any member can make. */
#define NAMES_MAX (GX_KEYS_MAX / 4u)
#define TEXTS_MAX (GX_KEYS_MAX - GX_KEYS_MAX / 8u)

struct lacking {
    struct gx_asked_key list[GX_KEYS_MAX];
    uint32_t n, room;           /* so many of the list, for now */
    struct gx_history history;  /* of this node's own admission */
    uint32_t over;              /* an epoch of which nothing is kept any more: many messages are of one */
    bool was_listed;            /* this node, in that */
    bool more;                  /* some of what there is was not looked at yet, and nothing was found before it */
};

static void lacks(struct lacking *l, uint32_t log, uint32_t seq, const struct gx_event_id *id)
{
    if (l->n < l->room)
        l->list[l->n++] = (struct gx_asked_key){.log = log, .seq = seq, .id = *id};
}

static void lacks_op(struct gx_group *g, struct lacking *l, uint32_t op)
{
    if (op != GX_LAW_NONE && l->n < l->room && !g->ops[op].has_key)
        lacks(l, g->ops[op].log, g->ops[op].seq, &g->law.nodes[op].op.id);
}

/* Is an operation one whose words every member may know: the title, a member's name, an invitation that may still be used? */
static bool is_in_force(struct gx_engine *e, struct gx_group *g, uint32_t op)
{
    uint32_t author = g->law.nodes[op].op.author;

    switch (g->ops[op].type) {
    case GX_EV_META:
        return gx_law_title(&g->law) == op;
    case GX_EV_ALIAS:
        return gx_law_is_member(&g->law, author) && gx_law_alias(&g->law, author) == op;
    case GX_EV_TOKEN: {
        const struct gx_token_info *info = gx_group_token(g, op);

        return info != NULL && !gx_token_expired(info->expires_min, e->now) && g->law.now.results[op].revokes == GX_LAW_NONE;
    }
    default:
        return false;
    }
}

static void lacks_names(struct gx_engine *e, struct gx_group *g, struct lacking *l)
{
    lacks_op(g, l, gx_law_title(&g->law));
    for (uint32_t i = 0; i < g->law.n_persons && e->fault == GX_OK; i++) {
        uint32_t p = (g->keys_from + i) % g->law.n_persons;

        if (gx_law_is_member(&g->law, p))
            lacks_op(g, l, gx_law_alias(&g->law, p));
    }
}

static void lacks_invitations(struct gx_engine *e, struct gx_group *g, struct lacking *l)
{
    for (uint32_t i = 0; i < g->n_tokens && e->fault == GX_OK; i++) {
        const struct gx_token_info *info = &g->tokens[(g->keys_from + i) % g->n_tokens];

        if (!info->has_lan && l->n < l->room && is_in_force(e, g, info->op))
            lacks_op(g, l, info->op);
    }
}

/* Is this node listed in that epoch?  Where it is over nothing is kept of it but its event. */
static bool is_for_me(struct gx_engine *e, struct gx_group *g, struct lacking *l, uint32_t op)
{
    const struct gx_epoch *epoch = op == GX_NONE ? NULL : gx_epoch_by_op(g, op);

    if (epoch == NULL || epoch->row.state != 0)
        return epoch != NULL;
    if (op != l->over) {
        l->over = op;
        l->was_listed = gx_epoch_lists_person(e, g, op, g->me);
    }
    return l->was_listed;
}

/* Messages of an epoch that lists this node, the last from before it came where the group tells these, and all of a direct chat.  Those of others are not
 * for it, and whoever has their keys may not tell them. */
static void lacks_messages(struct gx_engine *e, struct gx_group *g, struct lacking *l, uint32_t index)
{
    struct gx_log *log = &g->logs[index];
    struct gx_locked_row left = {.first = 0};
    uint32_t from = log->locked.first > log->row.base_seq ? log->locked.first : log->row.base_seq + 1, looked = 0, seq = from;

    for (; seq <= log->locked.last && seq <= log->row.head_seq && looked < WALK_MAX; seq++, looked++) {
        struct gx_event ev;
        struct gx_body body;
        struct gx_event_id epoch;
        uint64_t arrival = 0;

        if (!gx_log_arrival(e, &log->row, seq, &arrival) || gx_has_key(e, g, arrival) ||
            !gx_group_read(e, g, log, seq, &ev, &body))
            continue;
        memcpy(epoch.b, gx_body_sealed(&body)->head.epoch, sizeof epoch.b);
        if (!is_for_me(e, g, l, gx_group_op(g, &epoch)) && !gx_group_is_direct(g) && !gx_history_has(e, g, &l->history, index, &ev))
            continue;
        lacks(l, index, seq, &ev.id);
        left.first = left.first == 0 ? seq : left.first;
        left.last = seq;
    }
    if (seq <= log->locked.last && seq <= log->row.head_seq) {      /* the next look begins where this one found something, or behind it */
        l->more = l->more || left.first == 0;
        left.first = left.first == 0 ? seq : left.first;
        left.last = log->locked.last;
    }
    /* What lies outside has its key, or is for others. */
    if (left.first != log->locked.first || left.last != log->locked.last) {
        left.unopened = log->locked.unopened;
        log->locked = left;
        gx_log_touch(e, g, log);
    }
}

/* Each log has its share, and what is left over goes round. */
static void lacks_texts(struct gx_engine *e, struct gx_group *g, struct lacking *l)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        left += g->logs[i].locked.first != 0;
    for (uint32_t i = 0; i < g->n_logs && e->fault == GX_OK; i++) {
        uint32_t log = (g->keys_from + i) % g->n_logs, share = 0;

        if (g->logs[log].locked.first == 0)
            continue;
        share = (TEXTS_MAX - l->n) / left--;
        l->room = l->n + (share > 0 || l->n == TEXTS_MAX ? share : 1u);
        lacks_messages(e, g, l, log);
    }
}

void gx_keys_recheck(struct gx_engine *e, struct gx_group *g)
{
    bool lacks_one = false;

    for (uint32_t p = 0; p < g->law.n_persons && !g->keys_lack && !lacks_one && gx_group_is_member(g); p++) {
        uint32_t op = gx_law_is_member(&g->law, p) ? gx_law_alias(&g->law, p) : GX_LAW_NONE;

        lacks_one = op != GX_LAW_NONE && !g->ops[op].has_key;
    }
    if (lacks_one)
        gx_keys_hurry(e, g);
}

/* --- asking --------------------------------------------------------------------------------------------------------------------------- */

void gx_keys_hurry(struct gx_engine *e, struct gx_group *g)
{
    g->keys_lack = true;
    g->keys_wait_ms = 0;
    g->keys_turn = 0;
    if (g->keys_at_ms == 0 || g->keys_at_ms > e->now.mono_ms + GX_WANT_DELAY_MS)
        g->keys_at_ms = e->now.mono_ms + GX_WANT_DELAY_MS;
    gx_engine_wake(e, g->keys_at_ms);
}

/* Where it stands that a device told wrong keys: with the first of its logs. */
static uint64_t *not_asked_until(struct gx_group *g, const struct gx_sign_pk *device)
{
    uint32_t log = gx_idmap_get(&g->log_by_device, device->b);

    return log == GX_NONE ? NULL : &g->logs[log].keys_until_ms;
}

static bool may_be_asked(const struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device)
{
    const uint64_t *until_ms = not_asked_until(g, device);

    return until_ms == NULL || e->now.mono_ms >= *until_ms;
}

static struct gx_session *next_peer(struct gx_engine *e, struct gx_group *g, struct gx_channel **c)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];

        *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);
        if (*c != NULL && gx_channel_shared(*c) && (*c)->started && may_be_asked(e, g, &(*c)->device) && at++ == g->keys_turn)
            return s;
    }
    return NULL;
}

static void ask(struct gx_engine *e, struct gx_group *g, struct gx_session *s, const struct gx_channel *c, const struct lacking *l)
{
    struct gx_wr w = gx_engine_wr(e, 64u + GX_KEY_ENTRY_BYTES * (size_t)l->n);
    struct gx_asked_key *list = realloc(g->asked_keys, l->n * sizeof *list);
    struct gx_dh_pk p;

    if (!gx_engine_ok(e, list == NULL ? GX_E_MEMORY : GX_OK))
        return;
    memcpy(list, l->list, l->n * sizeof *list);
    g->asked_keys = list;
    g->n_asked_keys = l->n;
    g->keys_session = s->id;
    gx_rng_fill(e->config.rng, g->keys_sk.b, sizeof g->keys_sk.b);
    gx_dh_public(&p, &g->keys_sk);

    struct gx_frame_list entries = gx_frame_begin_ask_keys(&w, c->number, &p);

    for (uint32_t i = 0; i < l->n; i++) {
        struct gx_key_entry entry = {.seq = l->list[i].seq};

        memcpy(entry.tag.b, g->logs[l->list[i].log].row.id.b, sizeof entry.tag.b);
        memcpy(entry.check, l->list[i].id.b, sizeof entry.check);
        gx_frame_put_key(&w, &entries, &entry);
    }
    gx_frame_end(&w, &entries);
    gx_engine_send(e, s, &w);
}

static void look(struct gx_engine *e, struct gx_group *g)
{
    struct lacking *l = gx_arena_take(&e->arena, sizeof *l);
    struct gx_channel *c = NULL;
    struct gx_session *s = NULL;

    g->keys_at_ms = 0;
    gx_group_settle(e, g);
    if (!gx_engine_ok(e, l == NULL ? GX_E_MEMORY : GX_OK) || !gx_group_is_member(g))
        return;
    l->history.person = g->me;
    l->over = GX_NONE;
    l->room = NAMES_MAX;
    lacks_names(e, g, l);
    lacks_texts(e, g, l);
    l->room = GX_KEYS_MAX;
    lacks_invitations(e, g, l);
    g->keys_lack = l->n > 0 || l->more;
    if (l->n == 0 && l->more) {
        g->keys_at_ms = e->now.mono_ms + GX_WANT_DELAY_MS;
        gx_engine_wake(e, g->keys_at_ms);
    }
    if (l->n == 0)
        return;
    s = GX_MUTANT(KEYS_UNASKED) ? NULL : next_peer(e, g, &c);
    if (s == NULL) {                    /* all were asked; who comes is asked at once */
        g->keys_turn = 0;
        gx_rng_fill(e->config.rng, (uint8_t *)&g->keys_from, sizeof g->keys_from);      /* another part of what did not find room */
        g->keys_wait_ms = g->keys_wait_ms == 0 ? AGAIN_FIRST_MS : g->keys_wait_ms * 2 > AGAIN_MAX_MS ? AGAIN_MAX_MS : g->keys_wait_ms * 2;
        g->keys_at_ms = e->now.mono_ms + g->keys_wait_ms;
    } else {
        ask(e, g, s, c, l);
        g->keys_turn++;
        g->keys_at_ms = e->now.mono_ms + ANSWER_MS;
    }
    gx_engine_wake(e, g->keys_at_ms);
}

void gx_keys_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];

        if (g->keys_at_ms != 0 && e->now.mono_ms >= g->keys_at_ms)
            look(e, g);
        else if (g->keys_at_ms != 0)
            gx_engine_wake(e, g->keys_at_ms);
    }
}

/* --- answering ------------------------------------------------------------------------------------------------------------------------- */

/* The event that is named, and its place; false: it is not held. */
static bool find(struct gx_engine *e, struct gx_group *g, const struct gx_key_entry *entry, uint32_t *log, struct gx_event *ev, struct gx_body *body)
{
    for (uint32_t i = gx_group_log_by_tag(g, &entry->tag); i != GX_NONE; i = g->logs[i].next_of_tag) {
        const struct gx_log_row *row = &g->logs[i].row;

        if (entry->seq <= row->base_seq || entry->seq > row->head_seq || !gx_group_read(e, g, &g->logs[i], entry->seq, ev, body))
            continue;
        *log = i;
        if (memcmp(ev->id.b, entry->check, sizeof entry->check) == 0)
            return gx_event_is_sealed(ev->type);
    }
    return false;
}

/* Who asks.  Whether it is listed in an epoch takes reading that: many messages are of one. */
struct asker {
    uint32_t person, op;
    bool is_listed;
    struct gx_history history;
};

/* May that member know it?  It had a device listed in the epoch; or it is in force; or one of the last from before it came; or all that is said there is
 * for these two, also what the one wrote before the other came. */
static bool may_know(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_event *ev, const struct gx_body *body, struct asker *asker)
{
    struct gx_event_id epoch;
    uint32_t op = gx_group_op(g, &ev->id);

    if (gx_group_is_direct(g) || (op != GX_NONE && is_in_force(e, g, op)))
        return true;
    memcpy(epoch.b, gx_body_sealed(body)->head.epoch, sizeof epoch.b);
    op = gx_group_op(g, &epoch);
    if (op != GX_NONE && op != asker->op) {
        asker->op = op;
        asker->is_listed = gx_epoch_lists_person(e, g, op, asker->person);
    }
    return (op != GX_NONE && asker->is_listed) || gx_history_has(e, g, &asker->history, log, ev);
}

/* One frame: which, and their keys sealed to P. */
static void tell(struct gx_engine *e, struct gx_session *s, const struct gx_group *g, uint16_t channel, const struct gx_dh_pk *to, const struct gx_key_entry *which,
                 const struct gx_message_key *keys, uint32_t n)
{
    struct gx_wr w = gx_engine_wr(e, 64u + (GX_KEY_ENTRY_BYTES + sizeof *keys) * (size_t)n + GX_AEAD_TAG_BYTES);
    uint8_t *sealed = gx_arena_take(&e->arena, n * sizeof *keys + GX_AEAD_TAG_BYTES), *bytes = gx_arena_take(&e->arena, GX_KEY_ENTRY_BYTES * (size_t)n);
    struct gx_wr entries = gx_wr(bytes, GX_KEY_ENTRY_BYTES * (size_t)n);
    struct gx_frame_list list = {.n = 0};
    struct gx_dh_pk x;

    if (!gx_engine_ok(e, sealed == NULL || bytes == NULL ? GX_E_MEMORY : GX_OK))
        return;
    for (uint32_t i = 0; i < n; i++)
        gx_frame_put_key(&entries, &list, &which[i]);
    if (!gx_keys_seal(sealed, &x, e->config.rng, g->row.id.b, to, gx_wr_span(&entries), keys, n))
        return;
    list = gx_frame_begin_keys(&w, channel, &x);
    for (uint32_t i = 0; i < n; i++)
        gx_frame_put_key(&w, &list, &which[i]);
    gx_frame_end(&w, &list);
    gx_wr_bytes(&w, sealed, n * sizeof *keys + GX_AEAD_TAG_BYTES);
    gx_engine_send(e, s, &w);
}

void gx_keys_asked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_message_key *keys = gx_arena_take(&e->arena, f->n * sizeof *keys);
    struct gx_key_entry *told = gx_arena_take(&e->arena, f->n * sizeof *told);
    struct asker asker = {.person = gx_group_person_of_device(g, &c->device), .op = GX_NONE};
    uint32_t n = 0;

    if (!gx_engine_ok(e, keys == NULL || told == NULL ? GX_E_MEMORY : GX_OK))
        return;
    if (asker.person == GX_NONE || e->now.mono_ms < c->keys_after_ms) {
        gx_engine_drop(e, "keys_early");
        return;
    }
    asker.history.person = asker.person;
    c->keys_after_ms = e->now.mono_ms + ASKED_PAUSE_MS;
    for (size_t i = 0; i < f->n && e->fault == GX_OK; i++) {
        struct gx_key_entry entry = gx_frame_key_at(f, i);
        struct gx_event ev;
        struct gx_body body;
        uint32_t log = GX_NONE;

        if (find(e, g, &entry, &log, &ev, &body) && may_know(e, g, log, &ev, &body, &asker) &&
            gx_message_key_of(e, g, &g->logs[log], &ev, &gx_body_sealed(&body)->head, &keys[n]))
            told[n++] = entry;
    }
    if (n > 0 && e->fault == GX_OK)
        tell(e, s, g, c->number, &f->key, told, keys, n);
    gx_wipe(keys, f->n * sizeof *keys);
}

struct gift {
    struct gx_key_entry which[GX_KEYS_MAX];
    struct gx_message_key keys[GX_KEYS_MAX];
    uint32_t n;
};

static void give_op(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel, const struct gx_dh_pk *to, struct gift *gift, uint32_t op)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_key_entry *entry = &gift->which[gift->n];

    if (op == GX_LAW_NONE || txn == NULL || !gx_engine_ok(e, gx_message_key_get(txn, &gift->keys[gift->n], g->row.gnum, g->ops[op].arrival)))
        return;
    memcpy(entry->tag.b, g->logs[g->ops[op].log].row.id.b, sizeof entry->tag.b);
    entry->seq = g->ops[op].seq;
    memcpy(entry->check, g->law.nodes[op].op.id.b, sizeof entry->check);
    if (++gift->n < GX_KEYS_MAX)
        return;
    tell(e, s, g, channel, to, gift->which, gift->keys, gift->n);
    gift->n = 0;
}

void gx_keys_give(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel, const struct gx_sign_pk *device)
{
    struct gift *gift = gx_arena_take(&e->arena, sizeof *gift);
    const struct gx_dh_pk *to = gx_epoch_prekey(g, device);

    if (!gx_engine_ok(e, gift == NULL ? GX_E_MEMORY : GX_OK) || to == NULL)
        return;
    give_op(e, s, g, channel, to, gift, gx_law_title(&g->law));
    for (uint32_t p = 0; p < g->law.n_persons; p++)
        if (gx_law_is_member(&g->law, p))
            give_op(e, s, g, channel, to, gift, gx_law_alias(&g->law, p));
    for (uint32_t i = 0; i < g->n_tokens; i++)
        if (is_in_force(e, g, g->tokens[i].op))
            give_op(e, s, g, channel, to, gift, g->tokens[i].op);
    if (gift->n > 0)
        tell(e, s, g, channel, to, gift->which, gift->keys, gift->n);
    gx_wipe(gift, sizeof *gift);
}

/* --- taking what was told ---------------------------------------------------------------------------------------------------------------- */

static const struct gx_asked_key *asked_for(const struct gx_group *g, const struct gx_key_entry *entry)
{
    for (uint32_t i = 0; i < g->n_asked_keys; i++) {
        const struct gx_asked_key *a = &g->asked_keys[i];

        if (a->seq == entry->seq && memcmp(a->id.b, entry->check, sizeof entry->check) == 0 &&
            memcmp(g->logs[a->log].row.id.b, entry->tag.b, sizeof entry->tag.b) == 0)
            return a;
    }
    return NULL;
}

/* Only the key that its author sealed it with: by the commitment in what the author signed. */
static bool take(struct gx_engine *e, struct gx_group *g, const struct gx_asked_key *a, const struct gx_message_key *key)
{
    uint8_t hdr0[GX_EVENT_HDR_MAX];
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
    struct gx_log *log = &g->logs[a->log];
    struct gx_txn *txn = NULL;
    struct gx_event ev;
    struct gx_body body;
    uint64_t arrival = 0;

    if (!gx_group_read(e, g, log, a->seq, &ev, &body) || !gx_event_id_equal(&ev.id, &a->id))
        return true;                    /* it is not held any more */
    gx_event_write_header0(&w, &ev);
    if (!GX_MUTANT(KEYS_UNCHECKED) && !gx_message_key_fits(&gx_body_sealed(&body)->head, key, gx_wr_span(&w)))
        return false;
    txn = gx_engine_txn(e, true);
    if (txn == NULL || !gx_log_arrival(e, &log->row, a->seq, &arrival) ||
        !gx_engine_ok(e, gx_message_key_put(txn, g->row.gnum, arrival, key)))
        return true;
    g->title_op = GX_LAW_NONE;
    e->doors_dirty = e->doors_dirty || ev.type == GX_EV_TOKEN;
    if (gx_group_op(g, &ev.id) != GX_NONE)
        g->ops[gx_group_op(g, &ev.id)].has_key = true;
    if (log->row.cls == GX_LOG_MESSAGES)
        gx_letters_take_event(e, g, a->log, &ev);
    return true;
}

/* It is not asked before long: once its session has ended by this it may come back at once. */
static void told_wrong(struct gx_engine *e, struct gx_session *s, struct gx_group *g)
{
    const struct gx_channel *c = gx_session_channel_of(s, g->row.gnum);
    uint64_t *until_ms = c == NULL ? NULL : not_asked_until(g, &c->device);

    if (until_ms != NULL)
        *until_ms = e->now.mono_ms + AGAIN_MAX_MS;
    gx_session_strike(e, s, "key");
}

void gx_keys_told(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f)
{
    struct gx_message_key *keys = gx_arena_take(&e->arena, f->n * sizeof *keys);
    uint32_t n = 0;

    if (!gx_engine_ok(e, keys == NULL ? GX_E_MEMORY : GX_OK))
        return;
    if (g->keys_session != s->id || g->n_asked_keys == 0 ||
        !gx_keys_open(keys, f->n, &f->key, g->row.id.b, &g->keys_sk, f->list, f->bytes)) {
        gx_engine_drop(e, "keys");
        return;
    }
    gx_wipe(&g->keys_sk, sizeof g->keys_sk);
    g->keys_session = 0;
    for (size_t i = 0; i < f->n && e->fault == GX_OK && !s->closed; i++) {
        struct gx_key_entry entry = gx_frame_key_at(f, i);
        const struct gx_asked_key *a = asked_for(g, &entry);
        bool fits = a != NULL && take(e, g, a, &keys[i]);

        if (!fits)
            told_wrong(e, s, g);
        n += fits;
    }
    gx_wipe(keys, f->n * sizeof *keys);
    /* There may be more: here, when all was told, or elsewhere.  What was told changed something, so it is not waited longer for. */
    g->keys_at_ms = e->now.mono_ms + (n == g->n_asked_keys ? ASKED_PAUSE_MS : GX_WANT_DELAY_MS);
    if (n == g->n_asked_keys && g->keys_turn > 0)
        g->keys_turn--;
    if (n > 0)
        g->keys_wait_ms = 0;
    g->n_asked_keys = 0;
    gx_engine_wake(e, g->keys_at_ms);
}

/* X, how many, which, and the sealed keys: one behind the other. */
void gx_keys_given(struct gx_engine *e, struct gx_group *g, const struct gx_frame *f)
{
    size_t n = sizeof f->key + 2u + f->list.n + f->bytes.n;
    uint8_t *more = NULL;

    if (g->n_given_keys + n > GX_COLLECTED_BYTES_MAX) {
        gx_engine_drop(e, "collected_long");
        return;
    }
    more = realloc(g->given_keys, g->n_given_keys + n);
    if (!gx_engine_ok(e, more == NULL ? GX_E_MEMORY : GX_OK))
        return;
    g->given_keys = more;

    struct gx_wr w = gx_wr(more + g->n_given_keys, n);

    gx_wr_bytes(&w, f->key.b, sizeof f->key.b);
    gx_wr_u16(&w, (uint16_t)f->n);
    gx_wr_bytes(&w, f->list.p, f->list.n);
    gx_wr_bytes(&w, f->bytes.p, f->bytes.n);
    g->n_given_keys += n;
}

/* With the secret of any prekey that this node told. */
static bool open_given(struct gx_engine *e, struct gx_group *g, struct gx_message_key *keys, const struct gx_frame *f)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_prekey_row row;
    bool found = gx_keys_open(keys, f->n, &f->key, g->row.id.b, &g->row.prekey_sk, f->list, f->bytes);
    bool more = !found && txn != NULL && gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, NULL));

    while (more && !found) {
        found = gx_keys_open(keys, f->n, &f->key, g->row.id.b, &row.sk, f->list, f->bytes);
        more = gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, &row.pk));
    }
    gx_wipe(&row, sizeof row);
    return found;
}

void gx_keys_take_given(struct gx_engine *e, struct gx_group *g)
{
    struct gx_rd r = gx_rd(gx_span(g->given_keys, g->n_given_keys));
    struct gx_message_key *keys = gx_arena_take(&e->arena, GX_KEYS_MAX * sizeof *keys);

    while (gx_engine_ok(e, keys == NULL ? GX_E_MEMORY : GX_OK) && r.left > 0 && !r.failed) {
        struct gx_frame f = {.kind = GX_FRAME_KEYS};

        gx_rd_bytes(&r, f.key.b, sizeof f.key.b);
        f.n = gx_rd_u16(&r);
        f.list = gx_rd_span(&r, GX_KEY_ENTRY_BYTES * f.n);
        f.bytes = gx_rd_span(&r, f.n * sizeof *keys + GX_AEAD_TAG_BYTES);
        if (!open_given(e, g, keys, &f))
            continue;
        for (size_t i = 0; i < f.n && e->fault == GX_OK; i++) {
            struct gx_key_entry entry = gx_frame_key_at(&f, i);
            struct gx_asked_key a = {.seq = entry.seq};
            struct gx_event ev;
            struct gx_body body;

            if (!find(e, g, &entry, &a.log, &ev, &body))
                continue;
            a.id = ev.id;
            if (!take(e, g, &a, &keys[i]))
                gx_engine_drop(e, "key");
        }
    }
    if (keys != NULL)
        gx_wipe(keys, GX_KEYS_MAX * sizeof *keys);
    free(g->given_keys);
    g->given_keys = NULL;
    g->n_given_keys = 0;
}

void gx_keys_free(struct gx_group *g)
{
    free(g->asked_keys);
    free(g->given_keys);
    gx_wipe(&g->keys_sk, sizeof g->keys_sk);
}

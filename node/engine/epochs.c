/* Epochs: whom this node's view lists, under which epoch it speaks, and opening those of others.  KEYS §5. */
#include "node/engine/sealing.h"

#include "crypto/hash.h"
#include "crypto/member.h"
#include <stdlib.h>

#define LATE_MS (30ull * 24 * 3600 * 1000)          /* an epoch lasts 7 days, and what is late has so much more */
#define RENEW_MS (7ull * 24 * 3600 * 1000)          /* a prekey that epochs were sealed to is followed by another */
#define RENEW_JITTER_MS (24u * 3600u * 1000u)
#define RENEW_MEMBERS 50u                           /* so many of a group in that time: of more, each less often */
#define RENEW_LOOK_MS 3600000u                      /* the wall clock goes on while a machine sleeps */
#define PREKEY_MS (14ull * 24 * 3600 * 1000)        /* a prekey is kept so long behind its successor */
#define COMPLAIN_MS (24ull * 3600 * 1000)           /* WIRE §4.18 */

/* Is the time since_ms less than `ms` away?  It may lie ahead: a clock that was wrong is set back. */
static bool is_near(const struct gx_engine *e, uint64_t since_ms, uint64_t ms)
{
    return e->now.wall_ms < since_ms + ms && since_ms < e->now.wall_ms + ms;
}

/* --- what operations say ------------------------------------------------------------------------------------------------------------ */

bool gx_op_is_later(const struct gx_group *g, uint32_t a, uint32_t b)
{
    if (g->law.nodes[a].depth != g->law.nodes[b].depth)
        return g->law.nodes[a].depth > g->law.nodes[b].depth;
    return gx_event_id_cmp(&g->law.nodes[a].op.id, &g->law.nodes[b].op.id) > 0;
}

/* Of a device the newest prekey and incarnation count; they stand with its first log. */
static void note_prekey(struct gx_group *g, uint32_t device, const struct gx_dh_pk *prekey, uint32_t op)
{
    struct gx_log *log = &g->logs[device];

    if (log->prekey_op != GX_NONE && !gx_op_is_later(g, op, log->prekey_op))
        return;
    log->prekey = *prekey;
    log->prekey_op = op;
}

static void note_incarnation(struct gx_group *g, uint32_t device, const struct gx_incarnation *inc, uint32_t op, bool intro)
{
    struct gx_log *log = &g->logs[device];

    if (log->now_op != GX_NONE && (intro || (log->now_op != log->intro_op && !gx_op_is_later(g, op, log->now_op))))
        return;
    log->now = *inc;
    log->now_op = op;
    if (intro)
        log->intro_op = op;
}

static void hash_tags(uint8_t out[32], struct gx_span entries, size_t size)
{
    struct gx_hasher h;

    gx_hash_begin(&h, "gx-live");
    for (size_t at = 0; at + size <= entries.n; at += size)
        gx_hash_add(&h, entries.p + at, GX_EPOCH_LOG_BYTES);
    gx_hash_end(&h, out);
}

struct gx_epoch *gx_epoch_by_op(struct gx_group *g, uint32_t op)
{
    uint32_t low = 0, high = g->n_epochs;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (g->epochs[mid].op == op)
            return &g->epochs[mid];
        if (g->epochs[mid].op < op)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* Is one of this node's own message logs listed?  Its full id, for the slot. */
static const struct gx_log_id *own_slot(const struct gx_group *g, struct gx_span slots)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].own && g->logs[i].row.cls == GX_LOG_MESSAGES && gx_epoch_lists(slots, g->logs[i].row.id.b))
            return &g->logs[i].row.id;
    return NULL;
}

bool gx_epochs_register(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_event *ev, const struct gx_body *body)
{
    const struct gx_intro *intro = gx_group_intro(body);
    uint32_t device = g->law.nodes[op].op.device;
    struct gx_epoch *epoch = NULL;
    static const struct gx_event_id none;

    g->live_known = false;
    if (intro != NULL && g->ops[op].introduces < g->n_logs) {
        note_prekey(g, g->ops[op].introduces, &intro->prekey, op);
        note_incarnation(g, g->ops[op].introduces, &intro->incarnation, op, true);
    }
    if (ev->type == GX_EV_INCARNATION)
        note_incarnation(g, device, &body->u.incarnation.incarnation, op, false);
    if (ev->type == GX_EV_PREKEY) {
        note_prekey(g, device, &body->u.prekey.prekey, op);
        g->ops[op].complains = !gx_event_id_equal(&body->u.prekey.epoch, &none);
    }
    if (ev->type != GX_EV_EPOCH)
        return true;
    note_prekey(g, device, &body->u.epoch.head.prekey, op);
    if (!gx_engine_grow(e, &g->epochs, &g->cap_epochs, g->n_epochs, sizeof *g->epochs))
        return false;
    epoch = &g->epochs[g->n_epochs++];
    *epoch = (struct gx_epoch){.op = op};
    hash_tags(epoch->slots_hash, body->u.epoch.slots, GX_EPOCH_SLOT_BYTES);
    return true;
}

const struct gx_dh_pk *gx_epoch_prekey(const struct gx_group *g, const struct gx_sign_pk *device)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].device == i && g->logs[i].prekey_op != GX_NONE && gx_sign_pk_equal(&g->logs[i].row.device, device) &&
            gx_law_is_member(&g->law, g->logs[i].person))
            return &g->logs[i].prekey;
    return NULL;
}

/* --- who is live -------------------------------------------------------------------------------------------------------------------- */

static int by_log(const void *a, const void *b)
{
    return memcmp(((const struct gx_epoch_to *)a)->log, ((const struct gx_epoch_to *)b)->log, sizeof(struct gx_log_id));
}

/* Each tag once: two who choose their incarnations for it can make logs that share one, and no EPOCH can list both. */
static uint32_t leave_out_doubles(struct gx_epoch_to *list, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || memcmp(list[kept - 1].log, list[i].log, GX_EPOCH_LOG_BYTES) != 0)
            list[kept++] = list[i];
    return kept;
}

/* The message logs that live devices write into now, with their prekeys. */
static struct gx_epoch_to *live_devices(struct gx_engine *e, struct gx_group *g, uint32_t *n)
{
    struct gx_epoch_to *list = gx_arena_take(&e->arena, (g->n_logs + 1u) * sizeof *list);

    *n = 0;
    gx_group_settle(e, g);
    if (!gx_engine_ok(e, list == NULL ? GX_E_MEMORY : GX_OK))
        return NULL;
    for (uint32_t i = 0; i < g->n_logs; i++) {
        const struct gx_log *log = &g->logs[i];
        struct gx_log_id id;

        if (log->device != i || log->prekey_op == GX_NONE || log->now_op == GX_NONE || !(GX_MUTANT(REMOVED_LISTED) || gx_law_is_member(&g->law, log->person)))
            continue;
        /* A cloned home has several lives, of which one is the newest; each of them knows where it writes itself. */
        gx_log_id_make(&id, &log->row.member, &log->row.device, log->own && g->own_messages != GX_NONE ? &g->incarnation : &log->now, GX_LOG_MESSAGES);
        memcpy(list[*n].log, id.b, sizeof id.b);
        list[(*n)++].prekey = log->prekey;
    }
    if (*n > 1)
        qsort(list, *n, sizeof *list, by_log);
    *n = leave_out_doubles(list, *n);
    return list;
}

static bool know_live(struct gx_engine *e, struct gx_group *g)
{
    uint32_t n = 0;
    struct gx_epoch_to *list = NULL;

    gx_group_settle(e, g);
    if (g->live_known && g->live_generation == g->law.generation)
        return true;
    list = live_devices(e, g, &n);
    if (list == NULL)
        return false;
    hash_tags(g->live_hash, gx_span(list, n * sizeof *list), sizeof *list);
    g->live_known = true;
    g->live_generation = g->law.generation;
    return true;
}

static bool is_fit(const struct gx_engine *e, const struct gx_group *g, const struct gx_epoch *epoch)
{
    uint32_t author = g->law.nodes[epoch->op].op.author;

    return epoch->row.state == GX_EPOCH_OPEN && !epoch->row.instead && epoch->row.used < GX_EPOCH_MESSAGES_MAX &&
           is_near(e, epoch->row.since_ms, GX_EPOCH_MS_MAX) && gx_law_is_member(&g->law, author) &&
           (GX_MUTANT(EPOCH_KEPT) || memcmp(epoch->slots_hash, g->live_hash, sizeof g->live_hash) == 0);
}

/* --- writing ------------------------------------------------------------------------------------------------------------------------- */

static bool make_prekey(struct gx_engine *e, struct gx_group *g, struct gx_dh_pk *out)
{
    struct gx_txn *txn = gx_engine_txn(e, true);
    struct gx_prekey_row row = {.since_ms = e->now.wall_ms};
    bool ok = false;

    gx_rng_fill(e->config.rng, row.sk.b, sizeof row.sk.b);
    gx_dh_public(&row.pk, &row.sk);
    *out = row.pk;
    ok = txn != NULL && gx_engine_ok(e, gx_prekey_put(txn, g->row.gnum, &row));
    gx_wipe(&row, sizeof row);
    return ok;
}

/* Nothing comes under it any more: long ago it was so old already that nobody spoke under it.  A reading of the clock that is wrong alone makes no epoch old
 * that is in use: it takes one heard of a week later, by the readings of then, and that was long ago, by that of now. */
static bool is_over(const struct gx_engine *e, const struct gx_group *g, uint32_t at)
{
    for (uint32_t i = at + 1; i < g->n_epochs; i++) {
        const struct gx_epoch_row *later = &g->epochs[i].row;
        bool was_open = later->state == GX_EPOCH_OPEN || later->state == GX_EPOCH_SPENT;

        if (was_open && later->since_ms >= g->epochs[at].row.since_ms + GX_EPOCH_MS_MAX && later->since_ms + LATE_MS < e->now.wall_ms)
            return true;
    }
    return false;
}

/* Prekeys whose successor is long out. */
static void forget_prekeys(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, true);
    const struct gx_dh_pk *counts = gx_epoch_prekey(g, &g->row.intro.device);
    struct gx_prekey_row row, before = {.since_ms = 0};
    uint64_t long_out = 0;              /* since when the newest has been told that is older than PREKEY_MS: those before it are not sealed to any more */
    bool more = txn != NULL && gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, NULL));

    for (; more; more = gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, &before.pk))) {
        if (row.since_ms > long_out && row.since_ms + PREKEY_MS < e->now.wall_ms)
            long_out = row.since_ms;
        before = row;
    }
    more = txn != NULL && gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, NULL));
    for (; more; more = gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, &before.pk))) {
        before = row;
        /* The clock may have been another: the one that others seal to now is kept. */
        if (row.since_ms < long_out && (counts == NULL || memcmp(row.pk.b, counts->b, sizeof row.pk.b) != 0))
            (void)gx_engine_ok(e, gx_prekey_del(txn, g->row.gnum, &row.pk));
    }
    gx_wipe(&row, sizeof row);
    gx_wipe(&before, sizeof before);
}

static void drop_chains(struct gx_epoch *epoch)
{
    if (epoch->chains == NULL)
        return;
    gx_wipe(epoch->chains, epoch->row.n_chains * sizeof *epoch->chains);
    free(epoch->chains);
    epoch->chains = NULL;
}

/* Epochs under which nothing comes any more: the gates of the newest stay. */
static void forget_epochs(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_chains_left(g) > 0 ? NULL : gx_engine_txn(e, true);     /* what came and was not opened yet may be of one */

    for (uint32_t i = 0; i < g->n_epochs && txn != NULL; i++) {
        struct gx_epoch *epoch = &g->epochs[i];
        bool has_gate = gx_gates_has(g, epoch->op);

        if (epoch->row.state == 0 || !is_over(e, g, i) || (epoch->row.state == GX_EPOCH_SPENT && has_gate))
            continue;
        (void)gx_engine_ok(e, gx_epoch_del(txn, g->row.gnum, epoch->op));
        drop_chains(epoch);
        epoch->row.n_chains = 0;
        if (has_gate) {
            epoch->row.state = GX_EPOCH_SPENT;
        } else {
            gx_wipe(&epoch->row, sizeof epoch->row);
            epoch->row = (struct gx_epoch_row){.state = 0};
        }
        epoch->dirty = has_gate;
        g->epochs_touched = g->epochs_touched || has_gate;
    }
}

static enum gx_err write_epoch(struct gx_engine *e, struct gx_group *g)
{
    struct gx_body body = {.type = GX_EV_EPOCH};
    uint32_t n = 0;
    struct gx_epoch_to *list = live_devices(e, g, &n);

    if (list == NULL)
        return e->fault;
    if (n == 0 || n > GX_EPOCH_SLOTS_MAX)
        return GX_E_TOO_BIG;
    forget_prekeys(e, g);
    if (!make_prekey(e, g, &body.u.epoch.head.prekey))
        return e->fault;

    enum gx_err err = gx_author_write(e, g, &body, NULL, NULL);

    if (err == GX_OK)
        forget_epochs(e, g);            /* its gate may have taken the place of an old one */
    return err;
}

enum gx_err gx_epoch_for_sending(struct gx_engine *e, struct gx_group *g, struct gx_epoch **out)
{
    *out = NULL;
    for (int written = 0; written < 2; written++) {
        if (!know_live(e, g))
            return e->fault;
        for (uint32_t i = 0; i < g->n_epochs; i++)
            if (is_fit(e, g, &g->epochs[i]) && (*out == NULL || gx_op_is_later(g, g->epochs[i].op, (*out)->op)) &&
                !gx_chain_used_up(e, g, &g->epochs[i]))
                *out = &g->epochs[i];
        if (*out != NULL || written > 0)
            break;

        enum gx_err err = write_epoch(e, g);

        if (err != GX_OK)
            return err;
    }
    return *out == NULL ? GX_E_DENIED : GX_OK;
}

bool gx_epoch_close(struct gx_engine *e, struct gx_group *g, struct gx_event *ev, struct gx_body_epoch *body)
{
    struct gx_dh_pk prekey = body->head.prekey;
    struct gx_context context;
    struct gx_epoch_key key;
    uint8_t hdr0[GX_EVENT_HDR_MAX], *slots = NULL;
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
    uint32_t n = 0;
    struct gx_epoch_to *to = live_devices(e, g, &n);
    bool ok = to != NULL && n > 0 && n <= GX_EPOCH_SLOTS_MAX && (slots = gx_arena_take(&e->arena, GX_EPOCH_SLOT_BYTES * (size_t)n)) != NULL;

    if (!ok)
        return gx_engine_ok(e, GX_E_MEMORY);
    /* To itself with the prekey that it tells here: a home that was restored has not the secret of one that it told since. */
    for (uint32_t i = 0; i < n; i++)
        if (g->own_messages != GX_NONE && memcmp(to[i].log, g->logs[g->own_messages].row.id.b, sizeof to[i].log) == 0)
            to[i].prekey = prekey;
    ev->body_len = (uint32_t)GX_EPOCH_BODY_BYTES(n);
    gx_event_write_header0(&w, ev);
    gx_context_of(&context, gx_wr_span(&w));
    ok = gx_epoch_seal(&key, &body->head, slots, e->config.rng, &context, &prekey, to, n);
    GX_ASSERT(ok);              /* prekeys that X25519 refuses were refused with the events that brought them */
    gx_wipe(&key, sizeof key);      /* found again in the slot of this node's own, when the event is taken in */
    body->n = (uint16_t)n;
    body->slots = gx_span(slots, GX_EPOCH_SLOT_BYTES * (size_t)n);
    return true;
}

/* --- opening -------------------------------------------------------------------------------------------------------------------------- */

static bool open_with(struct gx_engine *e, struct gx_group *g, const struct gx_body_epoch *body, const struct gx_context *context, const struct gx_log_id *slot,
                      struct gx_epoch_key *key)
{
    struct gx_prekey_row row;
    struct gx_txn *txn = gx_engine_txn(e, false);
    bool found = gx_epoch_open(key, &body->head, body->slots, context, slot->b, &g->row.intro.prekey, &g->row.prekey_sk), more = !found && txn != NULL;

    more = more && gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, NULL));
    while (more && !found) {
        found = gx_epoch_open(key, &body->head, body->slots, context, slot->b, &row.pk, &row.sk);
        more = gx_engine_ok(e, gx_prekey_next(txn, &row, g->row.gnum, &row.pk));
    }
    gx_wipe(&row, sizeof row);
    return found;
}

/* From here on ex is not needed: each sender's chain goes its own way, and so does the gate. */
static bool begin(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch, const struct gx_body_epoch *body, const struct gx_epoch_key *key)
{
    gx_epoch_gate(&epoch->row.gate, key);
    epoch->chains = calloc(body->n, sizeof *epoch->chains);
    if (epoch->chains == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    for (uint32_t i = 0; i < body->n; i++) {
        struct gx_chain_row *chain = &epoch->chains[epoch->row.n_chains];
        uint32_t log = GX_NONE;

        memcpy(chain->log.b, body->slots.p + (size_t)i * GX_EPOCH_SLOT_BYTES, sizeof chain->log.b);
        log = gx_group_log_by_tag(g, &chain->log);
        if (log == GX_NONE)
            continue;           /* nobody's: its author made it up */
        gx_epoch_chain(&chain->key, key, g->logs[log].row.id.b);
        epoch->row.n_chains++;
    }
    return true;
}

static void open_epoch(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch, const struct gx_event *ev, const struct gx_body_epoch *body,
                       const struct gx_log_id *slot)
{
    uint8_t hdr0[GX_EVENT_HDR_MAX];
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
    struct gx_context context;
    struct gx_epoch_key key;

    gx_event_write_header0(&w, ev);
    gx_context_of(&context, gx_wr_span(&w));
    epoch->row = (struct gx_epoch_row){.state = GX_EPOCH_SHUT, .since_ms = e->now.wall_ms};
    epoch->dirty = g->epochs_touched = true;
    if (open_with(e, g, body, &context, slot, &key) && begin(e, g, epoch, body, &key)) {
        epoch->row.state = GX_EPOCH_OPEN;
        gx_gates_note(g, epoch->op);
        g->prekey_at_ms = e->now.mono_ms + RENEW_LOOK_MS;       /* the prekey was used */
        gx_engine_wake(e, g->prekey_at_ms);
    } else {
        g->shut_op = epoch->op;
        gx_engine_drop(e, "epoch_shut");
    }
    gx_wipe(&key, sizeof key);
}

bool gx_epoch_lists_person(struct gx_engine *e, struct gx_group *g, uint32_t op, uint32_t person)
{
    struct gx_event ev;
    struct gx_body body;
    bool found = false;

    if (g->ops[op].type != GX_EV_EPOCH || !gx_group_read(e, g, &g->logs[g->ops[op].log], g->ops[op].seq, &ev, &body))
        return false;
    for (uint32_t i = 0; i < g->n_logs && !found; i++)
        found = g->logs[i].person == person && g->logs[i].row.cls == GX_LOG_MESSAGES && gx_epoch_lists(body.u.epoch.slots, g->logs[i].row.id.b);
    return found;
}

/* Somebody who is listed cannot open it: what is said from now on goes under another. */
static void heed(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_body_prekey *body)
{
    struct gx_log *device = &g->logs[g->law.nodes[op].op.device];
    uint32_t epoch_op = gx_group_op(g, &body->epoch);
    struct gx_epoch *epoch = epoch_op == GX_NONE ? NULL : gx_epoch_by_op(g, epoch_op);

    if (epoch == NULL || epoch->row.state == 0 || (device->heeded_ms != 0 && is_near(e, device->heeded_ms, COMPLAIN_MS)) ||
        !gx_epoch_lists_person(e, g, epoch_op, device->person))
        return;
    device->heeded_ms = e->now.wall_ms;
    epoch->row.instead = epoch->dirty = g->epochs_touched = true;
}

void gx_epochs_heard(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_event *ev, const struct gx_body *body)
{
    if (ev->type == GX_EV_PREKEY && g->ops[op].complains)
        heed(e, g, op, &body->u.prekey);
    if (ev->type != GX_EV_EPOCH || e->fault != GX_OK)
        return;

    struct gx_epoch *epoch = gx_epoch_by_op(g, op);
    const struct gx_log_id *slot = own_slot(g, body->u.epoch.slots);

    if (epoch != NULL && slot != NULL)
        open_epoch(e, g, epoch, ev, &body->u.epoch, slot);
}

static void complain(struct gx_engine *e, struct gx_group *g)
{
    struct gx_body body = {.type = GX_EV_PREKEY};
    struct gx_epoch *epoch = g->shut_op == GX_NONE ? NULL : gx_epoch_by_op(g, g->shut_op);

    if (epoch == NULL || e->config.offline || !gx_group_is_member(g) || (g->complained_ms != 0 && is_near(e, g->complained_ms, COMPLAIN_MS)))
        return;
    g->shut_op = GX_NONE;
    g->complained_ms = e->now.wall_ms;
    body.u.prekey.epoch = g->law.nodes[epoch->op].op.id;
    if (epoch->row.state == GX_EPOCH_SHUT && make_prekey(e, g, &body.u.prekey.prekey))
        (void)gx_author_write(e, g, &body, NULL, NULL);
}

void gx_epochs_finish(struct gx_engine *e, struct gx_group *g)
{
    struct gx_epoch *epoch = NULL;

    if (g->epoch_due && gx_group_is_member(g) && gx_epoch_for_sending(e, g, &epoch) != GX_OK)
        gx_engine_drop(e, "epoch_unwritten");
    g->epoch_due = false;
    complain(e, g);
}

/* --- a new prekey now and then ---------------------------------------------------------------------------------------------------------- */

/* How long a prekey is used: not by all devices of a group, nor in all groups of a device, from the same hour to the same hour. */
static uint64_t renew_after_ms(const struct gx_group *g, const struct gx_dh_pk *prekey)
{
    uint32_t jitter = (uint32_t)prekey->b[0] | (uint32_t)prekey->b[1] << 8 | (uint32_t)prekey->b[2] << 16 | (uint32_t)prekey->b[3] << 24;

    return RENEW_MS * (1u + g->law.now.n_members / (RENEW_MEMBERS + 1u)) + jitter % RENEW_JITTER_MS;
}

/* Who only listens tells no EPOCH, and so no prekey with it: a thief of the old one would open all that comes. */
static void renew(struct gx_engine *e, struct gx_group *g)
{
    const struct gx_log *device = g->own_control == GX_NONE ? NULL : &g->logs[g->logs[g->own_control].device];
    struct gx_body body = {.type = GX_EV_PREKEY};
    bool used = false;

    g->prekey_at_ms = 0;
    gx_group_settle(e, g);
    if (device == NULL || device->prekey_op == GX_NONE || e->config.offline || !gx_group_is_member(g))
        return;
    for (uint32_t i = g->n_epochs; i-- > 0 && g->epochs[i].op >= device->prekey_op && !used;)       /* its own, too, is sealed to the one that it tells */
        used = g->epochs[i].row.state == GX_EPOCH_OPEN;
    if (!used)
        return;

    uint64_t told_ms = g->ops[device->prekey_op].wall_ms, after_ms = renew_after_ms(g, &device->prekey);

    if (is_near(e, told_ms, after_ms)) {
        uint64_t left = told_ms + after_ms - e->now.wall_ms;

        g->prekey_at_ms = e->now.mono_ms + (left < RENEW_LOOK_MS ? left : RENEW_LOOK_MS);
        gx_engine_wake(e, g->prekey_at_ms);
        return;
    }
    forget_prekeys(e, g);
    forget_epochs(e, g);
    if (make_prekey(e, g, &body.u.prekey.prekey))
        (void)gx_author_write(e, g, &body, NULL, NULL);
}

void gx_epochs_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];

        if (g->prekey_at_ms != 0 && e->now.mono_ms >= g->prekey_at_ms)
            renew(e, g);
        else if (g->prekey_at_ms != 0)
            gx_engine_wake(e, g->prekey_at_ms);
    }
}

/* --- store ----------------------------------------------------------------------------------------------------------------------------- */

/* When there was a complaint last, as far as the own log tells: of this node's own by that event.  Another's was heeded by what this node wrote since, if it
 * wrote anything; if it did not, it has cost nothing yet. */
static void know_complaints(struct gx_group *g)
{
    uint64_t written_ms = 0;            /* of this node's own events behind op the first */

    for (uint32_t op = g->law.n_ops; op-- > 0;) {
        struct gx_log *device = &g->logs[g->law.nodes[op].op.device];
        bool own = gx_sign_pk_equal(&g->logs[g->ops[op].log].row.device, &g->row.intro.device);

        if (own && g->ops[op].complains && g->complained_ms == 0)
            g->complained_ms = g->ops[op].wall_ms;
        else if (!own && g->ops[op].complains && device->heeded_ms == 0)
            device->heeded_ms = written_ms;
        written_ms = own ? g->ops[op].wall_ms : written_ms;
    }
}

bool gx_epochs_load(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_epoch_row row;
    uint32_t cnum = 0;

    while (txn != NULL && gx_engine_ok(e, gx_epoch_next(txn, &cnum, &row, g->row.gnum))) {
        struct gx_epoch *epoch = gx_epoch_by_op(g, cnum++);

        if (epoch == NULL)
            return gx_engine_ok(e, GX_E_CORRUPT);
        epoch->row = row;
        if (row.state != GX_EPOCH_SHUT)
            gx_gates_note(g, epoch->op);
        if (row.state == GX_EPOCH_SHUT && !row.instead && is_near(e, row.since_ms, GX_EPOCH_MS_MAX))
            g->shut_op = epoch->op;     /* of which was not complained yet */
    }
    know_complaints(g);
    g->prekey_at_ms = 1;                /* it may have become old meanwhile */
    return e->fault == GX_OK;
}

/* Chains of the newest few stay in memory. */
#define CHAINS_KEPT 4u

void gx_epochs_flush(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; g->epochs_touched && i < g->n_epochs && e->fault == GX_OK; i++) {
        struct gx_epoch *epoch = &g->epochs[i];
        struct gx_txn *txn = epoch->dirty && gx_epoch_read_chains(e, g, epoch) ? gx_engine_txn(e, true) : NULL;

        if (txn != NULL)
            (void)gx_engine_ok(e, gx_epoch_put(txn, g->row.gnum, epoch->op, &epoch->row, epoch->chains));
        epoch->dirty = false;
        if (i + CHAINS_KEPT < g->n_epochs)
            drop_chains(epoch);
    }
    g->epochs_touched = false;
}

void gx_epochs_free(struct gx_group *g)
{
    for (uint32_t i = 0; i < g->n_epochs; i++) {
        drop_chains(&g->epochs[i]);
        gx_gate_forget(&g->epochs[i]);
        gx_wipe(&g->epochs[i].row, sizeof g->epochs[i].row);
    }
    free(g->epochs);
    g->epochs = NULL;
    g->n_epochs = g->cap_epochs = g->n_gates = 0;
}

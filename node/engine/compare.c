/* What does one of two nodes hold and the other lack?  One number for all shared groups when nothing differs, digests of parts when something does, and
 * then what is in the parts that differ.  WIRE §6.1, §6.30 to §6.32 */
#include "crypto/hash.h"
#include "node/engine/internal.h"

#include <stdlib.h>

#define BUCKETS (1u << GX_BUCKET_BITS_MAX)
#define PER_BUCKET 2u                   /* logs or records, on average: fewer digests to tell, or fewer entries of what does not differ */
#define DIGEST_BYTES 16u
#define ROUNDS_A_SECOND 8u              /* that one peer may begin for one group: each costs digests of all buckets */
#define UNHEARD_MS 5000u                /* an answer that does not come is asked for again, then at twice the pause, */
#define UNHEARD_MAX_MS 40000u           /* and not any more after this one */

enum part { LOGS, RECORDS, PARTS };

/* Of each bucket a digest over the logs, or endpoint records, whose id begins with its number. */
struct gx_parts {
    uint8_t digest[PARTS][BUCKETS][DIGEST_BYTES];
    bool is_stale[PARTS][BUCKETS];
    bool any_stale;
    uint8_t total[PARTS][32];           /* over all buckets */
    uint32_t generation;                /* of the law that ends of logs, and members, were looked at under */
};

void gx_compare_free(struct gx_group *g)
{
    free(g->parts);
}

static void mark_stale(struct gx_parts *parts, enum part part, uint8_t bucket)
{
    parts->is_stale[part][bucket] = parts->any_stale = true;
}

void gx_compare_log_moved(struct gx_group *g, const struct gx_log *log)
{
    if (g->parts != NULL)
        mark_stale(g->parts, LOGS, log->row.id.b[0]);
}

void gx_compare_record_moved(struct gx_group *g, const struct gx_sign_pk *device)
{
    if (g->parts != NULL)
        mark_stale(g->parts, RECORDS, device->b[0]);
}

/* --- digests of what is held -------------------------------------------------------------------------------------------------------------------- */

#define LEAF_BYTES 52u

struct leaf {
    uint8_t part, bucket;
    uint8_t b[LEAF_BYTES];
};

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct leaf));
}

static void put_u32(uint8_t out[4], uint32_t v)
{
    for (uint32_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

/* Does nothing of this log follow what is held, whoever has more?  Then how far it is held is nobody's concern. */
static bool has_ended(struct gx_engine *e, struct gx_group *g, uint32_t i)
{
    const struct gx_log *log = &g->logs[i];

    return log->row.cls == GX_LOG_MESSAGES && gx_shown_ended(g, log, log->row.head_seq + 1) && !gx_group_is_forked(g, i) &&
           gx_shown_as_cut(e, g, i);
}

static bool log_leaf(const struct gx_group *g, uint32_t i, struct leaf *out)
{
    const struct gx_log_row *row = &g->logs[i].row;

    *out = (struct leaf){.part = LOGS, .bucket = row->id.b[0]};
    memcpy(out->b, row->id.b, 16);
    if (g->logs[i].has_ended) {
        put_u32(out->b + 16, UINT32_MAX);
    } else {
        put_u32(out->b + 16, row->head_seq);
        memcpy(out->b + 20, row->head_id.b, 32);
    }
    return row->head_seq > 0 || g->logs[i].has_ended;
}

/* Of who is no member anybody can make up as many as fit. */
static bool is_compared(const struct gx_group *g, const struct gx_endpoint *record)
{
    return gx_group_live(g, &record->device);
}

static void record_leaf(const struct gx_endpoint *record, struct leaf *out)
{
    *out = (struct leaf){.part = RECORDS, .bucket = record->device.b[0]};
    memcpy(out->b, record->device.b, 32);
    put_u32(out->b + 32, (uint32_t)record->counter);
    put_u32(out->b + 36, (uint32_t)(record->counter >> 32));
    memcpy(out->b + 40, record->sig.b, LEAF_BYTES - 40);
}

static void look_at_law(struct gx_engine *e, struct gx_group *g)
{
    bool is_changed = g->parts->generation != g->law.generation;

    if (is_changed) {
        memset(g->parts->is_stale[RECORDS], true, sizeof g->parts->is_stale[RECORDS]);
        g->parts->any_stale = true;
    }
    for (uint32_t i = 0; i < g->n_logs; i++) {
        bool now = is_changed || g->parts->is_stale[LOGS][g->logs[i].row.id.b[0]] ? has_ended(e, g, i) : g->logs[i].has_ended;

        if (g->logs[i].has_ended != now)
            mark_stale(g->parts, LOGS, g->logs[i].row.id.b[0]);
        g->logs[i].has_ended = now;
    }
    g->parts->generation = g->law.generation;
}

static void digest_leaves(struct gx_parts *parts, const struct leaf *leaves, uint32_t n)
{
    for (uint32_t at = 0, end; at < n; at = end) {
        uint8_t digest[32];
        struct gx_hasher h;

        gx_hash_begin(&h, "gx-bucket");
        for (end = at; end < n && leaves[end].part == leaves[at].part && leaves[end].bucket == leaves[at].bucket; end++)
            gx_hash_add(&h, leaves[end].b, LEAF_BYTES);
        gx_hash_end(&h, digest);
        memcpy(parts->digest[leaves[at].part][leaves[at].bucket], digest, DIGEST_BYTES);
    }
}

/* Digests of all that is held now.  Only buckets of which something moved are hashed anew.  NULL: memory is out (noted). */
static struct gx_parts *parts_now(struct gx_engine *e, struct gx_group *g)
{
    bool is_new = g->parts == NULL;
    struct leaf *leaves = NULL;
    uint32_t n = 0;

    if (is_new && (g->parts = calloc(1, sizeof *g->parts)) == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }

    struct gx_parts *parts = g->parts;

    if (is_new) {
        memset(parts->is_stale, true, sizeof parts->is_stale);
        parts->any_stale = true;
    }
    if (parts->any_stale || parts->generation != g->law.generation)
        look_at_law(e, g);
    if (!parts->any_stale)
        return parts;
    leaves = gx_arena_room(&e->arena, ((size_t)g->n_logs + g->n_endpoints + 1u) * sizeof *leaves);
    if (leaves == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }
    for (uint32_t i = 0; i < g->n_logs; i++)
        n += parts->is_stale[LOGS][g->logs[i].row.id.b[0]] && log_leaf(g, i, &leaves[n]);
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (parts->is_stale[RECORDS][g->endpoints[i].device.b[0]] && is_compared(g, &g->endpoints[i]))
            record_leaf(&g->endpoints[i], &leaves[n++]);
    if (n > 1)
        qsort(leaves, n, sizeof *leaves, by_bytes);
    for (uint32_t part = 0; part < PARTS; part++)
        for (uint32_t i = 0; i < BUCKETS; i++)
            if (parts->is_stale[part][i])
                memset(parts->digest[part][i], 0, DIGEST_BYTES);
    digest_leaves(parts, leaves, n);
    for (uint32_t part = 0; part < PARTS; part++)
        gx_hash(parts->total[part], "gx-parts", gx_span(parts->digest[part][0], sizeof parts->digest[part]));
    memset(parts->is_stale, false, sizeof parts->is_stale);
    parts->any_stale = false;
    return parts;
}

/* --- digests as they are told ---------------------------------------------------------------------------------------------------------------------- */

enum teller { I, THEY };        /* who tells it */

/* Told digests are short, so they are of this session alone: nobody can look beforehand for things that come to the same.  And they are of the one who
 * tells them: nobody can say that they hold what they were told of by saying the same. */
static void hash_of_session(struct gx_hasher *h, const char *label, const struct gx_session *s, enum teller teller)
{
    uint8_t key[2 * sizeof(struct gx_nonce)], role = s->inbound == (teller == I) ? GX_ROLE_SERVER : GX_ROLE_CLIENT;

    memcpy(key, s->transcript.client_nonce.b, sizeof(struct gx_nonce));
    memcpy(key + sizeof(struct gx_nonce), s->transcript.server_nonce.b, sizeof(struct gx_nonce));
    gx_hash_begin_keyed(h, label, gx_span(key, sizeof key));
    gx_hash_add(h, &role, 1);
}

static void told_digests(const struct gx_session *s, enum teller teller, const struct gx_parts *parts, enum part part, uint8_t bits, uint8_t *out)
{
    uint32_t each = BUCKETS >> bits;

    for (uint32_t i = 0; i < 1u << bits; i++) {
        uint8_t digest[32], which = (uint8_t)part;
        struct gx_hasher h;

        hash_of_session(&h, "gx-told", s, teller);
        gx_hash_add(&h, &which, 1);
        if (bits == 0)
            gx_hash_add(&h, parts->total[part], sizeof parts->total[part]);
        else
            gx_hash_add(&h, parts->digest[part][i * each], (size_t)each * DIGEST_BYTES);
        gx_hash_end(&h, digest);
        memcpy(out + (size_t)GX_BUCKET_BYTES * i, digest, GX_BUCKET_BYTES);
    }
}

/* Of all buckets of logs that do not differ: who answers shows that it holds them. */
static void same_of(const struct gx_session *s, enum teller teller, const struct gx_parts *parts, uint8_t bits, struct gx_span mask, uint8_t out[GX_SUM_BYTES])
{
    uint8_t digest[32];
    struct gx_hasher h;

    hash_of_session(&h, "gx-same", s, teller);
    for (uint32_t i = 0; i < BUCKETS; i++)
        if (!gx_mask_has(mask, gx_bucket_of((uint8_t)i, bits)))
            gx_hash_add(&h, parts->digest[LOGS][i], DIGEST_BYTES);
    gx_hash_end(&h, digest);
    memcpy(out, digest, GX_SUM_BYTES);
}

static uint8_t bits_for(uint32_t n)
{
    uint8_t bits = 0;

    while (bits < GX_BUCKET_BITS_MAX && n / PER_BUCKET >= 2u << bits)
        bits++;
    return bits;
}

/* Over the groups of these channels, in their order.  False: one of them is not shared. */
static bool sum_of(struct gx_engine *e, struct gx_session *s, enum teller teller, const uint16_t *channels, size_t n, uint8_t out[GX_SUM_BYTES])
{
    uint8_t digest[32];
    struct gx_hasher h;

    hash_of_session(&h, "gx-sum", s, teller);
    for (size_t i = 0; i < n; i++) {
        struct gx_channel *c = gx_session_channel(s, channels[i]);
        struct gx_group *g = c == NULL || !gx_announce_hears(c) ? NULL : gx_group_by_gnum(e, c->group);
        struct gx_parts *parts = g == NULL ? NULL : parts_now(e, g);

        if (parts == NULL)
            return false;
        gx_hash_add(&h, parts->total, sizeof parts->total);
    }
    gx_hash_end(&h, digest);
    memcpy(out, digest, GX_SUM_BYTES);
    return true;
}

/* --- telling --------------------------------------------------------------------------------------------------------------------------------------- */

void gx_compare_begin(struct gx_engine *e, struct gx_channel *c)
{
    c->sum_due = true;
    c->unheard_ms = 0;
    e->sums_due = true;
}

static void send_sum(struct gx_engine *e, struct gx_session *s, uint8_t flags, const uint16_t *channels, size_t n)
{
    uint8_t sum[GX_SUM_BYTES];
    struct gx_wr w = gx_engine_wr(e, 4 + 2 * n + GX_SUM_BYTES);

    if (n == 0 || !sum_of(e, s, I, channels, n, sum))
        return;
    gx_frame_write_sum(&w, flags, channels, n, sum);
    gx_engine_send(e, s, &w);
}

static int by_number(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* All that is to be compared with one peer goes into one number. */
static void send_due(struct gx_engine *e, struct gx_session *s)
{
    uint16_t channels[GX_FRAME_GROUPS_MAX];
    size_t n = 0;

    for (uint32_t i = 0; i < s->n_channels; i++) {
        struct gx_channel *c = &s->channels[i];

        if (!c->sum_due)
            continue;
        c->sum_due = false;
        if (!gx_announce_hears(c) || n == GX_FRAME_GROUPS_MAX)
            continue;
        channels[n++] = c->number;
        c->unheard_ms = c->unheard_ms == 0 ? UNHEARD_MS : 2 * c->unheard_ms;
        c->unheard_at_ms = e->now.mono_ms + c->unheard_ms;
        gx_repair_look_at_channels(e, c->unheard_at_ms);
    }
    if (n > 1)
        qsort(channels, n, sizeof *channels, by_number);
    send_sum(e, s, GX_SUM_ASK, channels, n);
}

static bool is_due(const struct gx_session *s)
{
    for (uint32_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].sum_due)
            return true;
    return false;
}

/* Are proofs of it under verification?  What they make shared goes into the same number. */
static bool is_proving(const struct gx_engine *e, const struct gx_session *s)
{
    for (const struct gx_job *job = e->jobs_head; job != NULL; job = job->next)
        if (job->kind == GX_JOB_PROOF && job->session == s->id)
            return true;
    return false;
}

void gx_compare_flush(struct gx_engine *e)
{
    if (!e->sums_due)
        return;
    e->sums_due = false;
    for (uint32_t i = 0; i < e->n_sessions && e->fault == GX_OK; i++) {
        struct gx_session *s = e->sessions[i];

        if (s->closed || !is_due(s))
            continue;
        if (is_proving(e, s))
            e->sums_due = true;
        else
            send_due(e, s);
    }
}

void gx_compare_timer(struct gx_engine *e, struct gx_channel *c)
{
    if (c->unheard_at_ms == 0)
        return;
    if (e->now.mono_ms < c->unheard_at_ms) {
        gx_repair_look_at_channels(e, c->unheard_at_ms);
        return;
    }
    c->unheard_at_ms = 0;
    c->sum_due = c->unheard_ms < UNHEARD_MAX_MS;
    e->sums_due |= c->sum_due;
}

static void heard(struct gx_channel *c)
{
    c->unheard_at_ms = c->unheard_ms = 0;
}

static void send_buckets(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, bool whole)
{
    uint8_t digests[PARTS][BUCKETS * GX_BUCKET_BYTES];
    uint8_t bits[PARTS] = {whole ? bits_for(g->n_logs) : 0, whole ? bits_for(g->n_endpoints) : 0};
    struct gx_parts *parts = parts_now(e, g);
    struct gx_wr w = gx_engine_wr(e, 8 + sizeof digests);

    if (parts == NULL)
        return;
    for (uint32_t part = 0; part < PARTS; part++)
        told_digests(s, I, parts, (enum part)part, bits[part], digests[part]);
    gx_frame_write_buckets(&w, c->number, bits[LOGS], digests[LOGS], bits[RECORDS], digests[RECORDS]);
    gx_engine_send(e, s, &w);
    if (c->n_told < ROUNDS_A_SECOND)
        c->n_told++;
}

/* May this peer begin another round for the group?  Else it asks again. */
static bool has_turn(struct gx_engine *e, struct gx_channel *c)
{
    if (e->now.mono_ms >= c->rounds_since_ms + 1000u) {
        c->rounds_since_ms = e->now.mono_ms;
        c->n_rounds = 0;
    }
    if (c->n_rounds < ROUNDS_A_SECOND) {
        c->n_rounds++;
        return true;
    }
    gx_engine_drop(e, "compare");
    return false;
}

/* --- what comes out ---------------------------------------------------------------------------------------------------------------------------------- */

/* In buckets that do not differ the peer holds what I hold. */
static void note_same(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, uint8_t bits, struct gx_span mask)
{
    for (uint32_t i = 0; i < g->n_logs; i++) {
        const struct gx_log *log = &g->logs[i];

        if (log->row.head_seq == 0 || (mask.n > 0 && gx_mask_has(mask, gx_bucket_of(log->row.id.b[0], bits))))
            continue;
        gx_theirs_note(e, g, c, i, log->row.head_seq, log->row.head_seq);
        if (i == g->own_messages && !gx_theirs_held_again(e, g, &c->device, log->row.head_seq))
            gx_announce_logs(e, s, g, c, &i, 1);        /* from where on it holds them it says in its answer */
        if (i == g->own_control && g->row.state == GX_GROUP_LEFT)
            gx_ended_heard(e, g);
    }
}

static void note_all_same(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    heard(c);
    e->compared_same++;
    c->ahead = c->blind = false;
    note_same(e, s, g, c, 0, gx_span(NULL, 0));
}

/* What a frame speaks of, if it is shared.  It begins the channel when it is the first that comes. */
static struct gx_group *shared_group(struct gx_engine *e, struct gx_session *s, struct gx_channel *c)
{
    struct gx_group *g = c == NULL ? NULL : gx_group_by_gnum(e, c->group);

    if (g == NULL || g->silent)
        return NULL;
    if (gx_channel_shared(c) && g->members_changed) {
        gx_group_settle(e, g);
        gx_sessions_recheck(e, g);
    }
    if (s->closed || !gx_channel_shared(c))
        return NULL;
    if (!c->started)
        gx_repair_start(e, s, c, true);
    return g;
}

void gx_compare_sum(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    uint16_t channels[GX_FRAME_GROUPS_MAX] = {0};
    uint8_t sum[GX_SUM_BYTES];
    uint32_t n = 0, n_turns = 0;

    for (size_t i = 0; i < f->n; i++) {
        uint16_t number = gx_frame_channel_at(f, i);

        if (shared_group(e, s, gx_session_channel(s, number)) != NULL)
            channels[n++] = number;
    }
    for (uint32_t i = 0; i < n && !s->closed; i++)
        n_turns += has_turn(e, gx_session_channel(s, channels[i]));
    if (s->closed || n == 0 || n_turns < n)
        return;
    if (n < f->n)
        gx_engine_drop(e, "not_shared");

    bool same = n == f->n && sum_of(e, s, THEY, channels, n, sum) && memcmp(sum, f->sum, sizeof sum) == 0;

    for (uint32_t i = 0; i < n; i++) {
        struct gx_channel *c = gx_session_channel(s, channels[i]);
        struct gx_group *g = c == NULL || !gx_channel_shared(c) ? NULL : gx_group_by_gnum(e, c->group);

        if (g != NULL && same)
            note_all_same(e, s, g, c);
        else if (g != NULL)
            send_buckets(e, s, g, c, n == 1);
    }
    if (same && (f->flags & GX_SUM_ASK) != 0)
        send_sum(e, s, 0, channels, n);
}

/* Which buckets differ?  Returns how many. */
static uint32_t differing(const struct gx_session *s, const struct gx_parts *parts, enum part part, uint8_t bits, struct gx_span told, uint8_t *mask)
{
    uint8_t mine[BUCKETS * GX_BUCKET_BYTES];
    uint32_t n = 0;

    memset(mask, 0, GX_MASK_BYTES(bits));
    told_digests(s, THEY, parts, part, bits, mine);
    for (uint32_t i = 0; i < 1u << bits; i++) {
        if (memcmp(mine + GX_BUCKET_BYTES * i, told.p + GX_BUCKET_BYTES * i, GX_BUCKET_BYTES) == 0 || (GX_MUTANT(BUCKET_LOST) && i % 2 == 0))
            continue;
        mask[i / 8] |= (uint8_t)(1u << i % 8);
        n++;
    }
    return n;
}

static void tell_records(struct gx_engine *e, struct gx_session *s, const struct gx_group *g, const struct gx_channel *c, uint8_t bits, const uint8_t *mask)
{
    struct gx_wr w = gx_engine_wr(e, 64 + sizeof(struct gx_record_entry) * (size_t)g->n_endpoints);
    struct gx_frame_list list = gx_frame_begin_records(&w, c->number, bits, mask);

    for (uint32_t i = 0; i < g->n_endpoints && list.n < GX_FRAME_RECORDS_MAX; i++) {
        struct gx_record_entry entry = {.counter = g->endpoints[i].counter};

        memcpy(entry.device, g->endpoints[i].device.b, sizeof entry.device);
        memcpy(entry.check, g->endpoints[i].sig.b, sizeof entry.check);
        if (gx_mask_has(gx_span(mask, GX_MASK_BYTES(bits)), gx_bucket_of(entry.device[0], bits)) && is_compared(g, &g->endpoints[i]))
            gx_frame_put_record(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
}

void gx_compare_buckets(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    uint8_t masks[PARTS][GX_MASK_BYTES(GX_BUCKET_BITS_MAX)], same[GX_SUM_BYTES];
    struct gx_parts *parts = has_turn(e, c) ? parts_now(e, g) : NULL;

    if (parts == NULL)
        return;
    heard(c);

    uint32_t n_logs = differing(s, parts, LOGS, f->bits, f->list, masks[LOGS]);
    uint32_t n_records = differing(s, parts, RECORDS, f->record_bits, f->bytes, masks[RECORDS]);

    if (n_logs + n_records == 0) {
        note_all_same(e, s, g, c);
        send_sum(e, s, 0, &c->number, 1);
        return;
    }
    if (f->bits == 0 && f->record_bits == 0 && ((n_logs > 0 && bits_for(g->n_logs) > 0) || (n_records > 0 && bits_for(g->n_endpoints) > 0))) {
        send_buckets(e, s, g, c, true);
        return;
    }
    e->compared_parts++;
    note_same(e, s, g, c, f->bits, gx_span(masks[LOGS], GX_MASK_BYTES(f->bits)));
    if (n_records > 0)
        tell_records(e, s, g, c, f->record_bits, masks[RECORDS]);
    same_of(s, I, parts, f->bits, gx_span(masks[LOGS], GX_MASK_BYTES(f->bits)), same);
    gx_announce_buckets(e, s, g, c, f->bits, masks[LOGS], same);
}

void gx_compare_answered(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    const struct gx_parts *parts = parts_now(e, g);
    uint8_t same[GX_SUM_BYTES];

    if (parts == NULL)
        return;
    heard(c);
    same_of(s, THEY, parts, f->bits, f->mask, same);
    if (memcmp(same, f->sum, sizeof same) == 0)         /* else something moved since I told, or it makes that up */
        note_same(e, s, g, c, f->bits, f->mask);
    if (c->n_told == 0) {
        gx_engine_drop(e, "compare");       /* an answer to nothing: it may cost a whole frontier */
        return;
    }
    c->n_told--;
    gx_announce_differing(e, s, g, c, f->bits, f->mask);
}

/* What it told of the device; counter 0: nothing. */
static struct gx_record_entry told_record(const struct gx_frame *f, const struct gx_sign_pk *device)
{
    for (size_t i = 0; i < f->n; i++) {
        struct gx_record_entry entry = gx_frame_record_at(f, i);

        if (memcmp(entry.device, device->b, sizeof entry.device) == 0)
            return entry;
    }
    return (struct gx_record_entry){.counter = 0};
}

/* Another record with the same counter: one of the two is of a life that its device does not remember, and it is to hear of that. */
static bool is_of_another_life(const struct gx_endpoint *mine, const struct gx_record_entry *told, const struct gx_sign_pk *device)
{
    return gx_sign_pk_equal(&mine->device, device) && mine->counter == told->counter && memcmp(mine->sig.b, told->check, sizeof told->check) != 0;
}

static const struct gx_endpoint *record_of(const struct gx_group *g, const struct gx_record_entry *entry)
{
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (memcmp(entry->device, g->endpoints[i].device.b, sizeof entry->device) == 0)
            return &g->endpoints[i];
    return NULL;
}

/* Of an answer to BUCKETS: what it has newer than I. */
static void ask_records(struct gx_engine *e, struct gx_session *s, const struct gx_group *g, const struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_wr w = gx_engine_wr(e, 8 + sizeof(struct gx_record_entry) * f->n);
    struct gx_frame_list list = gx_frame_begin_records(&w, c->number, 0, NULL);

    for (size_t i = 0; i < f->n; i++) {
        struct gx_record_entry entry = gx_frame_record_at(f, i);
        const struct gx_endpoint *mine = record_of(g, &entry);

        bool another = mine != NULL && is_of_another_life(mine, &entry, &g->row.intro.device);

        if (mine != NULL && mine->counter >= entry.counter && !another)
            continue;
        entry.counter = mine == NULL || another ? 0 : mine->counter;
        memset(entry.check, 0, sizeof entry.check);
        gx_frame_put_record(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    if (list.n > 0)
        gx_engine_send(e, s, &w);
}

static bool may_be_told(const struct gx_group *g, const struct gx_endpoint *record)
{
    return is_compared(g, record) && !gx_endpoints_waits(g, record);
}

void gx_compare_records(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_endpoint *newer = has_turn(e, c) ? gx_arena_room(&e->arena, (g->n_endpoints + 1u) * sizeof *newer) : NULL;
    bool answers = (f->flags & GX_OF_BUCKETS) != 0;
    uint32_t n = 0;

    if (newer == NULL)
        return;
    for (uint32_t i = 0; answers && i < g->n_endpoints; i++) {
        const struct gx_endpoint *mine = &g->endpoints[i];

        if (!gx_mask_has(f->mask, gx_bucket_of(mine->device.b[0], f->bits)) || !may_be_told(g, mine))
            continue;

        struct gx_record_entry told = told_record(f, &mine->device);

        if (told.counter < mine->counter || is_of_another_life(mine, &told, &c->device))
            newer[n++] = *mine;
    }
    for (size_t i = 0; !answers && i < f->n && n < g->n_endpoints; i++) {
        struct gx_record_entry entry = gx_frame_record_at(f, i);
        const struct gx_endpoint *mine = record_of(g, &entry);

        if (mine != NULL && mine->counter > entry.counter && may_be_told(g, mine))
            newer[n++] = *mine;
    }
    gx_endpoints_send(e, s, c, newer, n);
    if (answers)
        ask_records(e, s, g, c, f);
}

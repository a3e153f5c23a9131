/* What one device of others may cost this node: events served again, chunks that bring nothing, sessions after it was cut, claims in vain.  WIRE §6.1
 *
 * What is new to the other side costs nothing, however much it is: nobody who catches up is slowed.  It is counted by device and not by session, so
 * that to begin anew gains nothing. */
#include "node/engine/budget.h"

#include "node/engine/internal.h"
#include <stdlib.h>

#define AGAIN_PER_S (128u * 1024u)      /* an answer of 8 frames every 4 s: who loses each one may ask for the next */
#define AGAIN_MAX (4 * 1024 * 1024)
#define WASTE_PER_S (256u * 1024u)
#define WASTE_MAX (4 * 1024 * 1024)
#define GIVEN_MS 3600000u               /* who was put back from an old copy needs all of it once more */
#define TALK_PER_S 256u
#define TALK_MAX 8192
#define WANT_BYTES 1024u                /* looking for an answer costs as much, */
#define WANT_ENTRY_BYTES 16u            /* and this for each log that is named */
#define LOOK_BYTES 1024u                /* looking for an event that is not the last of its log: up to 100 us, for the 16 around it are hashed */
#define EVENT_BYTES 512u                /* one that it lacked pays for looking */
#define CLAIM_FIRST_MS 5000u            /* an answer may have been lost on its way */
#define CLAIM_MAX_MS 3600000u
#define SHUT_FIRST_MS 1000u
#define SHUT_MAX_MS 300000u

/* NULL: it cost nothing yet. */
static const struct gx_account *account_there(const struct gx_group *g, const struct gx_sign_pk *device)
{
    uint32_t log = gx_idmap_get(&g->log_by_device, device->b);

    return log == GX_NONE ? NULL : g->logs[log].account;
}

/* How it stands with the device of a channel; NULL: memory is out (noted). */
static struct gx_account *account_of(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device)
{
    uint32_t log = gx_idmap_get(&g->log_by_device, device->b);

    if (log == GX_NONE)
        return NULL;
    if (g->logs[log].account == NULL) {
        g->logs[log].account = calloc(1, sizeof *g->logs[log].account);
        if (g->logs[log].account != NULL)
            *g->logs[log].account = (struct gx_account){.given_ms = e->now.mono_ms, .given_dropped = gx_retain_dropped(g), .again = {.left = AGAIN_MAX},
                                                         .waste = {.left = WASTE_MAX}, .talk = {.left = TALK_MAX}};
    }
    (void)gx_engine_ok(e, g->logs[log].account == NULL ? GX_E_MEMORY : GX_OK);
    return g->logs[log].account;
}

bool gx_budget_is_left(struct gx_budget *b, uint64_t now_ms, uint64_t per_s, int64_t most)
{
    uint64_t ms = now_ms - b->at_ms, came = ms > 100000u ? 0 : ms * per_s + b->thousandths;

    if (ms > 0) {
        b->left = ms > 100000u || b->left + (int64_t)(came / 1000u) > most ? most : b->left + (int64_t)(came / 1000u);
        b->thousandths = (uint32_t)(came % 1000u);
        b->at_ms = now_ms;
    }
    return b->left > 0;
}

/* --- serving -------------------------------------------------------------------------------------------------------------------------- */

/* What it is given and tells to hold is held against what there is: for an hour. */
static void begin_hour(const struct gx_engine *e, const struct gx_group *g, struct gx_account *a)
{
    if (e->now.mono_ms < a->given_ms + GIVEN_MS)
        return;
    a->given = a->acked = a->all = 0;
    a->given_ms = e->now.mono_ms;
    a->given_dropped = gx_retain_dropped(g);
}

bool gx_budget_serves(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c)
{
    struct gx_account *a = account_of(e, g, &c->device);

    if (a == NULL)
        return false;
    begin_hour(e, g, a);
    return gx_budget_is_left(&a->again, e->now.mono_ms, AGAIN_PER_S, AGAIN_MAX) || GX_MUTANT(WANT_EVER);
}

static uint64_t events_of(const struct gx_group *g)
{
    uint64_t n = g->law.n_ops;

    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].row.cls == GX_LOG_MESSAGES)
            n += g->logs[i].row.head_seq - g->logs[i].row.base_seq;
    return n;
}

/* Is that more than was here since the hour began?  What is kept no more was.  It only grows, and is not counted anew as long as what it was is enough. */
static bool is_more_than_all(const struct gx_group *g, struct gx_account *a, uint64_t n)
{
    if (n > a->all)
        a->all = events_of(g) + gx_retain_dropped(g) - a->given_dropped;
    return n > a->all;
}

/* Of a chunk that this node made: log_id[16] | first_seq u32 | prev[32] | count u16. */
static uint32_t count_of(struct gx_span chunk)
{
    struct gx_rd rd = gx_rd(chunk);

    (void)gx_rd_span(&rd, sizeof(struct gx_log_id) + 4 + sizeof(struct gx_event_id));
    return gx_rd_u16(&rd);
}

/* Events of the chunks in a frame. */
static uint32_t events_in(struct gx_span frame)
{
    struct gx_frame f;
    uint32_t n = 0;

    if (gx_frame_decode(&f, frame) != GX_OK || f.kind != GX_FRAME_CHUNKS)
        return 0;

    struct gx_rd rd = gx_rd(f.list);

    for (size_t i = 0; i < f.n; i++)
        n += count_of(gx_frame_chunk_next(&rd));
    return n;
}

void gx_budget_served(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, const struct gx_frame *want, size_t effects_before,
                      uint32_t n_looked)
{
    struct gx_account *a = account_of(e, g, &c->device);
    int64_t cost = WANT_BYTES + (int64_t)want->n * WANT_ENTRY_BYTES + (int64_t)n_looked * LOOK_BYTES;
    uint64_t events = 0, bytes = 0;

    if (a == NULL)
        return;
    for (size_t i = effects_before; i < e->n_effects; i++)
        if (e->effects[i].kind == GX_OUT_SEND) {
            events += events_in(e->effects[i].bytes);
            bytes += e->effects[i].bytes.n;
        }
    a->given += events;
    if (is_more_than_all(g, a, a->given))
        cost += (int64_t)bytes;         /* it was given all of them before */
    else
        cost -= (int64_t)(events * EVENT_BYTES);
    if (cost > 0)
        a->again.left -= cost;
}

/* --- what brings nothing ---------------------------------------------------------------------------------------------------------------- */

bool gx_budget_hears(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c)
{
    struct gx_account *a = account_of(e, g, &c->device);

    return a == NULL || gx_budget_is_left(&a->waste, e->now.mono_ms, WASTE_PER_S, WASTE_MAX) || GX_MUTANT(WASTE_EVER);
}

void gx_budget_wasted(struct gx_engine *e, struct gx_session *s, struct gx_group *g, size_t bytes)
{
    const struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);
    struct gx_account *a = c == NULL || !gx_channel_shared(c) ? NULL : account_of(e, g, &c->device);

    if (a != NULL)
        a->waste.left -= (int64_t)bytes;
}

void gx_budget_claims(struct gx_engine *e, struct gx_session *s, struct gx_group *g, size_t n_idle, size_t n_looked, size_t n_acked)
{
    const struct gx_channel *c = gx_session_channel_of(s, g->row.gnum);
    struct gx_account *a = n_acked == 0 || c == NULL ? NULL : account_of(e, g, &c->device);

    if (a != NULL) {
        begin_hour(e, g, a);
        a->acked += n_acked;
        n_looked += is_more_than_all(g, a, a->acked) ? n_acked : 0;     /* each session begins with nothing told */
    }
    gx_budget_wasted(e, s, g, n_idle * sizeof(struct gx_frontier_entry) + n_looked * LOOK_BYTES);
}

void gx_budget_chunk_wasted(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_log_id *log, size_t bytes)
{
    size_t look = gx_group_branches(g, log) * LOOK_BYTES;

    gx_budget_wasted(e, s, g, bytes > look ? bytes : look);
}

/* Of the device that the session shares something with; of the session itself before. */
static struct gx_budget *talk_of(struct gx_engine *e, struct gx_session *s)
{
    for (uint32_t i = 0; i < s->n_channels; i++) {
        struct gx_group *g = gx_channel_shared(&s->channels[i]) ? gx_group_by_gnum(e, s->channels[i].group) : NULL;
        struct gx_account *a = g == NULL ? NULL : account_of(e, g, &s->channels[i].device);

        if (a != NULL)
            return &a->talk;
    }
    if (s->talk.at_ms == 0)
        s->talk = (struct gx_budget){.left = TALK_MAX, .at_ms = e->now.mono_ms};
    return &s->talk;
}

bool gx_budget_talks(struct gx_engine *e, struct gx_session *s, uint32_t n)
{
    struct gx_budget *talk = talk_of(e, s);

    if (!gx_budget_is_left(talk, e->now.mono_ms, TALK_PER_S, TALK_MAX))
        return false;
    talk->left -= n;
    return true;
}

/* --- who claims and does not give ------------------------------------------------------------------------------------------------------- */

uint64_t gx_budget_claimed(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c)
{
    struct gx_account *a = account_of(e, g, &c->device);

    if (a == NULL)
        return 0;
    a->claim_ms = a->claim_ms == 0 ? CLAIM_FIRST_MS : 2 * a->claim_ms > CLAIM_MAX_MS ? CLAIM_MAX_MS : 2 * a->claim_ms;
    a->claim_until_ms = e->now.mono_ms + a->claim_ms;
    return a->claim_until_ms;
}

void gx_budget_gave(struct gx_engine *e, struct gx_session *s, struct gx_group *g)
{
    const struct gx_channel *c = gx_session_channel_of(s, g->row.gnum);
    struct gx_account *a = c == NULL || !gx_channel_shared(c) ? NULL : account_of(e, g, &c->device);

    if (a != NULL)
        a->claim_ms = 0;
}

uint64_t gx_budget_doubts(const struct gx_engine *e, const struct gx_group *g, const struct gx_channel *c)
{
    const struct gx_account *a = account_there(g, &c->device);

    return a == NULL || a->claim_ms == 0 || e->now.mono_ms >= a->claim_until_ms ? 0 : a->claim_until_ms;
}

/* --- who was cut ------------------------------------------------------------------------------------------------------------------------- */

void gx_budget_shut(struct gx_engine *e, const struct gx_session *s)
{
    for (uint32_t i = 0; i < s->n_channels; i++) {
        struct gx_group *g = s->channels[i].theirs ? gx_group_by_gnum(e, s->channels[i].group) : NULL;
        struct gx_account *a = g == NULL ? NULL : account_of(e, g, &s->channels[i].device);

        if (a == NULL)
            continue;
        if (a->shut_ms == 0 || e->now.mono_ms >= a->shut_until_ms + SHUT_MAX_MS)
            a->shut_ms = SHUT_FIRST_MS;
        else
            a->shut_ms = 2 * a->shut_ms > SHUT_MAX_MS ? SHUT_MAX_MS : 2 * a->shut_ms;
        a->shut_until_ms = e->now.mono_ms + a->shut_ms;
    }
}

bool gx_budget_is_shut(const struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *device)
{
    const struct gx_account *a = account_there(g, device);

    return a != NULL && e->now.mono_ms < a->shut_until_ms && !GX_MUTANT(SHUT_NEVER);
}

/* Groups in memory: finding, making, reading.  ingest.c takes events in, load.c is between the tables and the store. */
#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdlib.h>

/* --- finding ------------------------------------------------------------------------------------------------------------------------- */

struct gx_group *gx_group_by_gnum(struct gx_engine *e, uint32_t gnum)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (e->groups[i]->row.gnum == gnum)
            return e->groups[i];
    return NULL;
}

struct gx_group *gx_group_by_id(struct gx_engine *e, const struct gx_group_id *id)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (gx_group_id_equal(&e->groups[i]->row.id, id))
            return e->groups[i];
    return NULL;
}

static uint32_t first_of_tag(const struct gx_group *g, const uint8_t tag[sizeof(struct gx_log_tag)])
{
    uint8_t key[32] = {0};

    memcpy(key, tag, sizeof(struct gx_log_tag));
    return gx_idmap_get(&g->log_by_tag, key);
}

uint32_t gx_group_log_by_tag(const struct gx_group *g, const struct gx_log_tag *tag)
{
    return first_of_tag(g, tag->b);
}

uint32_t gx_group_log(const struct gx_group *g, const struct gx_log_id *id)
{
    return gx_group_next_branch(g, id, 0);
}

uint32_t gx_group_next_branch(const struct gx_group *g, const struct gx_log_id *id, uint32_t from)
{
    uint32_t i = first_of_tag(g, id->b);

    while (i != GX_NONE && (i < from || !gx_log_id_equal(&g->logs[i].row.id, id)))
        i = g->logs[i].next_of_tag;
    return i;
}

bool gx_group_index_log(struct gx_engine *e, struct gx_group *g, uint32_t index)
{
    struct gx_log *log = &g->logs[index];
    uint32_t tag = first_of_tag(g, log->row.id.b), device = gx_idmap_get(&g->log_by_device, log->row.device.b);
    uint8_t key[32] = {0};

    memcpy(key, log->row.id.b, sizeof(struct gx_log_tag));
    log->next_of_tag = log->next_of_device = GX_NONE;
    if (tag == GX_NONE && !gx_engine_ok(e, gx_idmap_put(&g->log_by_tag, key, index)))
        return false;
    if (device == GX_NONE && !gx_engine_ok(e, gx_idmap_put(&g->log_by_device, log->row.device.b, index)))
        return false;
    while (tag != GX_NONE && g->logs[tag].next_of_tag != GX_NONE)
        tag = g->logs[tag].next_of_tag;
    while (device != GX_NONE && g->logs[device].next_of_device != GX_NONE)
        device = g->logs[device].next_of_device;
    if (tag != GX_NONE)
        g->logs[tag].next_of_tag = index;
    if (device != GX_NONE)
        g->logs[device].next_of_device = index;
    return true;
}

/* Id of event `seq` of a control log, from the tables in memory; NULL when it is not held. */
const struct gx_event_id *gx_group_id_at(const struct gx_group *g, uint32_t log, uint32_t seq)
{
    const struct gx_log_row *row = &g->logs[log].row;

    if (seq == row->head_seq)
        return &row->head_id;
    if (seq == row->base_seq)
        return &row->base_id;
    if (seq < row->base_seq || seq > row->head_seq)
        return NULL;
    for (uint32_t op = g->law.n_ops; op-- > 0;)
        if (g->ops[op].log == log && g->ops[op].seq == seq)
            return &g->law.nodes[op].op.id;
    return NULL;
}

uint32_t gx_group_branch(const struct gx_group *g, const struct gx_frontier_entry *entry)
{
    for (uint32_t i = gx_group_log_by_tag(g, &entry->tag); i != GX_NONE; i = g->logs[i].next_of_tag) {
        const struct gx_event_id *id = gx_group_id_at(g, i, entry->seq);

        if (id != NULL && memcmp(id->b, entry->check, sizeof entry->check) == 0)
            return i;
    }
    return GX_NONE;
}

uint32_t gx_group_n_inside(const struct gx_group *g, const struct gx_log_tag *tag, uint32_t seq)
{
    uint32_t n = 0;

    for (uint32_t i = gx_group_log_by_tag(g, tag); i != GX_NONE; i = g->logs[i].next_of_tag)
        n += seq > g->logs[i].row.base_seq && seq < g->logs[i].row.head_seq;
    return n;
}

/* A member, if one device key was certified for several: to who is served it makes no difference. */
uint32_t gx_group_person_of_device(const struct gx_group *g, const struct gx_sign_pk *device)
{
    uint32_t person = GX_NONE;

    for (uint32_t i = gx_idmap_get(&g->log_by_device, device->b); i != GX_NONE; i = g->logs[i].next_of_device) {
        person = g->logs[i].person;
        if (gx_law_is_member(&g->law, person))
            break;
    }
    return person;
}

bool gx_group_live(const struct gx_group *g, const struct gx_sign_pk *device)
{
    uint32_t person = gx_group_person_of_device(g, device);

    return person != GX_NONE && gx_law_is_member(&g->law, person);
}

bool gx_group_is_member(const struct gx_group *g)
{
    return g->row.state == GX_GROUP_MEMBER && g->me != GX_NONE && gx_law_is_member(&g->law, g->me);
}

bool gx_group_active(const struct gx_group *g)
{
    return (gx_group_is_member(g) && !g->silent) || (g->row.state == GX_GROUP_LEFT && g->has_create && !g->left_told);
}

uint32_t gx_group_op(const struct gx_group *g, const struct gx_event_id *id)
{
    return gx_idmap_get(&g->op_by_id, id->b);
}

struct gx_token_info *gx_group_token(const struct gx_group *g, uint32_t op)
{
    for (uint32_t i = 0; i < g->n_tokens; i++)
        if (g->tokens[i].op == op)
            return &g->tokens[i];
    return NULL;
}

struct head {
    struct gx_event_id id;
    uint32_t op;
};

static int by_id(const void *a, const void *b)
{
    return gx_event_id_cmp(&((const struct head *)a)->id, &((const struct head *)b)->id);
}

uint32_t gx_group_heads(struct gx_engine *e, const struct gx_group *g, uint32_t *out, uint32_t cap)
{
    struct head *all = gx_arena_take(&e->arena, (g->n_heads + 1u) * sizeof *all);
    uint32_t n = 0;

    if (all == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return 0;
    }
    /* Heads are young: look from the end, and stop when all were seen. */
    for (uint32_t i = g->law.n_ops; i-- > 0 && n < g->n_heads;)
        if (g->ops[i].is_head)
            all[n++] = (struct head){.id = g->law.nodes[i].op.id, .op = i};
    if (n > 1)
        qsort(all, n, sizeof *all, by_id);      /* ids are unique: no ties */
    if (n > cap)
        n = cap;
    for (uint32_t i = 0; i < n; i++)
        out[i] = all[i].op;
    return n;
}

/* --- making ---------------------------------------------------------------------------------------------------------------------------- */

static void *law_resize(void *self, void *block, size_t bytes)
{
    (void)self;
    if (bytes > 0)
        return realloc(block, bytes);
    free(block);
    return NULL;
}

struct gx_group *gx_group_alloc(struct gx_engine *e)
{
    struct gx_group *g = NULL;
    struct gx_group **list = NULL;

    if (e->n_groups >= GX_GROUPS_MAX)
        return NULL;
    list = realloc(e->groups, (e->n_groups + 1) * sizeof(struct gx_group *));
    if (list != NULL)
        e->groups = list;
    g = calloc(1, sizeof *g);
    if (list == NULL || g == NULL) {
        free(g);
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }
    g->own_control = g->own_messages = g->me = GX_NONE;
    g->title_op = GX_LAW_NONE;
    g->shut_op = GX_NONE;
    g->history_seat = GX_LAW_NONE;
    gx_law_begin(&g->law, &(struct gx_law_memory){.resize = law_resize}, 0, 0, GX_GROUP_QUOTA);    /* the numbers come with CREATE */
    g->index = e->n_groups;
    gx_idmap_init(&g->op_by_id, e->config.rng);
    gx_idmap_init(&g->log_by_tag, e->config.rng);
    gx_idmap_init(&g->log_by_device, e->config.rng);
    e->groups[e->n_groups++] = g;
    return g;
}

static void group_free(struct gx_group *g)
{
    gx_idmap_free(&g->op_by_id);
    gx_idmap_free(&g->log_by_tag);
    gx_idmap_free(&g->log_by_device);
    for (uint32_t i = 0; i < g->n_logs; i++) {
        free(g->logs[i].known.list);
        free(g->logs[i].account);
    }
    free(g->logs);
    free(g->touched);
    gx_compare_free(g);
    free(g->late);
    gx_law_end(&g->law);
    free(g->ops);
    free(g->cuts);
    free(g->tokens);
    free(g->endpoints);
    free(g->fresh);
    free(g->held);
    free(g->collected);
    free(g->waiting);
    gx_epochs_free(g);
    gx_keys_free(g);
    gx_wipe(g, sizeof *g);
    free(g);
}

void gx_groups_free(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        group_free(e->groups[i]);
    free(e->groups);
    e->groups = NULL;
    e->n_groups = 0;
}

void gx_group_drop(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_ok(e, gx_group_forget(txn, g->row.gnum)))
        return;
    gx_jobs_kill(e, g->row.gnum);
    gx_people_group_gone(e, g);
    for (uint32_t i = 0; i < e->n_sessions; i++)
        if (e->sessions[i]->kind == GX_SESSION_GUEST && e->sessions[i]->group == g->row.gnum)
            gx_session_close(e, e->sessions[i], GX_BYE_DONE);
    gx_sessions_group_gone(e, g);
    for (uint32_t i = g->index + 1; i < e->n_groups; i++) {
        e->groups[i - 1] = e->groups[i];
        e->groups[i - 1]->index = i - 1;
    }
    e->n_groups--;
    group_free(g);
}

struct gx_group *gx_group_add(struct gx_engine *e, enum gx_group_state state)
{
    struct gx_txn *txn = gx_engine_txn(e, true);
    struct gx_group *g = txn == NULL ? NULL : gx_group_alloc(e);
    struct gx_dh_sk e_sk;
    struct gx_dh_pk prekey;

    if (g == NULL)
        return NULL;
    if (!gx_engine_ok(e, gx_group_new_number(txn, &g->row.gnum)))
        return NULL;
    g->row.state = (uint8_t)state;
    g->row.since_ms = e->now.wall_ms;
    gx_rng_fill(e->config.rng, e_sk.b, sizeof e_sk.b);
    gx_rng_fill(e->config.rng, g->row.prekey_sk.b, sizeof g->row.prekey_sk.b);
    gx_dh_public(&prekey, &g->row.prekey_sk);
    gx_intro_make(&g->row.intro, &e_sk, &e->config.person.recovery, &e->config.device_seed, &e->config.incarnation, &prekey);
    gx_wipe(&e_sk, sizeof e_sk);
    g->incarnation = g->row.intro.incarnation;
    g->dirty = true;
    return g;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------------------- */

/* A copy in the arena: what LMDB lends does not outlive the next write. */
static bool copy_event(struct gx_engine *e, struct gx_event *ev)
{
    uint8_t *deps = gx_arena_copy(&e->arena, ev->deps, 32u * (size_t)ev->n_deps);
    uint8_t *body = gx_arena_copy(&e->arena, ev->body.p, ev->body.n);

    if (deps == NULL || body == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    ev->deps = deps;
    if (ev->body.p != NULL)
        ev->body.p = body;
    return true;
}

bool gx_log_arrival(struct gx_engine *e, const struct gx_log_row *row, uint32_t seq, uint64_t *arrival)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    enum gx_err err = GX_OK;

    if (txn == NULL)
        return false;
    err = gx_events_arrival(txn, arrival, row, seq);
    if (err != GX_E_CORRUPT)
        return gx_engine_ok(e, err);
    gx_engine_drop(e, "corrupt");
    return false;
}

bool gx_group_read(struct gx_engine *e, struct gx_group *g, struct gx_log *log, uint32_t seq, struct gx_event *ev, struct gx_body *body)
{
    struct gx_txn *txn = gx_engine_txn(e, false);

    if (txn == NULL)
        return false;

    enum gx_err err = gx_events_get(txn, ev, &log->row, &g->row.id, seq);

    if (err == GX_E_CORRUPT) {
        gx_engine_drop(e, "corrupt");
        return false;
    }
    if (!gx_engine_ok(e, err) || !copy_event(e, ev))
        return false;
    return gx_body_decode(body, ev) == GX_OK;
}

/* NULL: it cannot be read here. */
static const char *name_from(struct gx_engine *e, struct gx_group *g, uint32_t op)
{
    struct gx_body plain;

    if (op == GX_LAW_NONE || !gx_op_open(e, g, op, &plain))
        return NULL;

    struct gx_span name = plain.type == GX_EV_ALIAS ? plain.u.alias.name : plain.u.meta.name;
    const char *text = gx_arena_text(&e->arena, name.p, name.n);

    return text == NULL ? "" : text;
}

/* A name without a key is none that anybody can say: until the key comes the newest that is known goes on. */
static const char *name_known(struct gx_engine *e, struct gx_group *g, uint32_t op)
{
    const char *name = NULL;

    for (; op != GX_LAW_NONE && name == NULL; op = g->law.nodes[op].kind_before)
        name = name_from(e, g, op);
    return name == NULL ? "" : name;
}

const char *gx_group_name(struct gx_engine *e, struct gx_group *g)
{
    uint32_t op = gx_law_title(&g->law);

    if (op == GX_LAW_NONE && g->has_asked && !gx_group_is_member(g)) {
        const char *said = gx_arena_text(&e->arena, g->asked_of.title, g->asked_of.title_bytes);

        return said == NULL ? "" : said;
    }
    if (op == GX_LAW_NONE)
        return "";
    if (g->title_op != op) {
        const char *title = name_known(e, g, op);

        if (title[0] == 0 || strlen(title) > GX_NAME_BYTES_MAX)
            return title;
        memcpy(g->title, title, strlen(title) + 1);
        g->title_op = op;
    }

    /* A copy: the title may change before the answer is out. */
    const char *text = gx_arena_text(&e->arena, g->title, strlen(g->title));

    return text == NULL ? "" : text;
}

const char *gx_group_alias(struct gx_engine *e, struct gx_group *g, uint32_t person)
{
    if (person == GX_NONE)
        return "";

    uint32_t op = gx_law_alias(&g->law, person);

    /* Who never was a member has no alias in force, and is better called by what they called themself than by a number. */
    if (op == GX_LAW_NONE && !gx_law_is_member(&g->law, person))
        op = g->law.persons[person].last_alias;
    return name_known(e, g, op);
}

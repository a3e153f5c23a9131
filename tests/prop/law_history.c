#include "tests/prop/law_history.h"

#include <stdlib.h>

static uint64_t rng_state;

uint32_t pick(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(rng_state >> 33) % n;
}

void pick_from(uint64_t seed)
{
    rng_state = seed * 0x9e3779b97f4a7c15ull + 1;
}

uint32_t pick_of(uint64_t set)
{
    for (uint32_t skip = pick((uint32_t)__builtin_popcountll(set)); skip > 0; skip--)
        set &= set - 1;
    return lowest(set);
}

/* ---- histories --------------------------------------------------------------------------------------------------------- */

static void add_edge(const struct history *h, struct act *act, uint32_t y)
{
    act->past |= h->acts[y].past | bit(y);
    act->depth = h->acts[y].depth + 1 > act->depth ? h->acts[y].depth + 1 : act->depth;
}

uint32_t history_put(struct history *h, const struct act *act)
{
    struct act *mine = &h->acts[h->n];
    uint32_t y;

    GX_ASSERT(h->n < ACTS_MAX && (h->n == 0 || act->deps != 0 || act->prev != GX_LAW_NONE));
    *mine = *act;
    mine->past = 0;
    mine->depth = 0;
    for (EACH(y, act->deps))
        add_edge(h, mine, y);
    if (act->prev != GX_LAW_NONE)
        add_edge(h, mine, act->prev);
    return h->n++;
}

uint64_t history_heads(const struct history *h, uint64_t set)
{
    uint64_t covered = 0;
    uint32_t x;

    for (EACH(x, set))
        covered |= h->acts[x].past;
    return set & ~covered;
}

/* Names sort as ids do. */
static void print_name(const struct history *h, FILE *out, const char *key, uint32_t x)
{
    const uint8_t *b = h->acts[x].op.id.b;

    fprintf(out, "%s\"e%02x%02x%02x%02x\"", key, b[0], b[1], b[2], b[3]);
}

static void print_names(const struct history *h, FILE *out, const char *key, uint64_t set)
{
    const char *sep = "";
    uint32_t x;

    fprintf(out, ", \"%s\": [", key);
    for (EACH(x, set)) {
        print_name(h, out, sep, x);
        sep = ", ";
    }
    fprintf(out, "]");
}

static void print_act(const struct history *h, FILE *out, uint32_t x)
{
    const struct act *act = &h->acts[x];
    const struct gx_law_op *op = &act->op;
    bool beside = op->kind == GX_OP_ALIAS || op->kind == GX_OP_BESIDE;

    print_name(h, out, "{\"op\": ", x);
    fprintf(out, ", \"author\": \"u%u\", \"device\": %u, \"kind\": \"%s\"", op->author, op->device,
            gx_law_kind_name(beside ? GX_OP_META : (enum gx_law_kind)op->kind));
    print_names(h, out, "deps", act->deps);
    if (act->prev != GX_LAW_NONE)
        print_name(h, out, ", \"prev\": ", act->prev);
    if (op->target != GX_LAW_NONE && op->kind != GX_OP_CREATE)
        fprintf(out, ", \"target\": \"u%u\"", op->target);
    if (op->kind == GX_OP_ADMIT) {
        fprintf(out, ", \"via\": \"%s\"", op->qr ? "QR" : "INV");
        print_names(h, out, "heads", act->heads);
    }
    if (op->token != GX_LAW_NONE)
        print_name(h, out, ", \"token\": ", op->token);
    if (op->kind == GX_OP_TOKEN)
        fprintf(out, ", \"uses\": %u", op->uses);
    if (op->kind == GX_OP_TRANSFER)
        fprintf(out, ", \"accepted\": %s", op->accepted ? "true" : "false");
    fprintf(out, "}\n");
}

void history_print(const struct history *h, FILE *out)
{
    fprintf(out, "{\"cap\": %u, \"qr_max\": %u, \"quota\": %u, \"owner\": \"u0\"}\n", h->cap, h->qr_max, h->quota);
    for (uint32_t x = 0; x < h->n; x++)
        print_act(h, out, x);
}

/* ---- telling the law ----------------------------------------------------------------------------------------------------- */

static void *resize(void *self, void *block, size_t bytes)
{
    (void)self;
    if (bytes > 0)
        return realloc(block, bytes);
    free(block);
    return NULL;
}

void told_begin(struct told *t, const struct history *h, const uint8_t *cast)
{
    t->h = h;
    gx_law_begin(&t->law, &(struct gx_law_memory){.resize = resize}, h->cap, h->qr_max, h->quota);
    memset(t->index_of, 0xff, sizeof t->index_of);
    for (uint32_t i = 0; i < h->n_cast; i++) {
        uint8_t person = cast == NULL ? (uint8_t)i : cast[i];

        t->person_at[person] = gx_law_add_person(&t->law, &(struct gx_sign_pk){.b = {person}});
        GX_ASSERT(t->person_at[person] == i);
    }
}

static uint32_t indices(const struct told *t, uint32_t *out, uint64_t places)
{
    uint32_t n = 0, y;

    for (EACH(y, places))
        if (t->index_of[y] != GX_LAW_NONE)
            out[n++] = t->index_of[y];
    return n;
}

void tell(struct told *t, uint32_t place)
{
    const struct act *act = &t->h->acts[place];
    struct gx_law_op op = act->op;
    uint32_t deps[ACTS_MAX], heads[ACTS_MAX];
    struct gx_law_edges edges = {.deps = deps, .heads = heads, .prev = act->prev == GX_LAW_NONE ? GX_LAW_NONE : t->index_of[act->prev]};
    enum gx_err err;

    edges.n_deps = indices(t, deps, act->deps);
    edges.n_heads = indices(t, heads, act->heads);
    op.author = t->person_at[op.author];
    op.target = op.target == GX_LAW_NONE ? GX_LAW_NONE : t->person_at[op.target];
    op.token = op.token == GX_LAW_NONE ? GX_LAW_NONE : t->index_of[op.token];
    t->index_of[place] = t->law.n_ops;
    t->place_of[t->law.n_ops] = (uint8_t)place;
    err = gx_law_add(&t->law, &op, &edges);
    GX_ASSERT(err == GX_OK);
}

void told_end(struct told *t)
{
    gx_law_end(&t->law);
}

static void read_act(const struct told *t, struct verdict *v, uint32_t index)
{
    const struct gx_law_result *result = &t->law.now.results[index];
    uint32_t x = t->place_of[index];

    v->set |= bit(x);
    v->rule[x] = result->rule;
    v->s[x] = result->s == GX_LAW_INFINITE ? NEVER : (uint8_t)result->s;
    v->at[x] = (uint8_t)result->pos;
    v->effective |= result->rule == GX_RULE_NONE ? bit(x) : 0;
    v->seats |= result->seat ? bit(x) : 0;
}

void told_read(struct told *t, struct verdict *out)
{
    const struct gx_law_run *run = &t->law.now;

    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < t->law.n_ops; i++)
        read_act(t, out, i);
    for (uint32_t i = 0; i < run->n_order; i++)
        out->order[i] = t->place_of[run->order[i]];
    for (uint32_t k = 0; k < run->n_main; k++)
        out->main[k] = t->place_of[run->main[k]];
    out->n_order = (uint8_t)run->n_order;
    out->n_main = (uint8_t)run->n_main;
    out->n_members = (uint8_t)run->n_members;
    out->frozen = run->n_stages > 0 && run->stages[run->n_stages - 1].frozen;
    for (uint32_t p = 0; p < t->h->n_cast && t->law.n_ops > 0; p++) {
        out->rank[p] = (uint8_t)gx_law_rank(&t->law, t->person_at[p]);
        out->banned[p] = gx_law_is_banned(&t->law, t->person_at[p]);
    }
}

void told_read_names(struct told *t, struct verdict *out)
{
    uint32_t scratch[CAST_MAX], name;

    told_read(t, out);
    for (uint32_t p = 0; p < t->h->n_cast; p++) {
        name = gx_law_alias(&t->law, t->person_at[p]);
        out->alias[p] = name == GX_LAW_NONE ? NEVER : t->place_of[name];
    }
    name = gx_law_title(&t->law);
    out->title = name == GX_LAW_NONE ? NEVER : t->place_of[name];
    gx_law_state_hash(&t->law, out->hash, scratch);
}

static void resolve_with(const struct history *h, uint64_t set, struct verdict *out, void (*read)(struct told *, struct verdict *))
{
    struct told t;
    enum gx_err err;
    uint32_t x;

    told_begin(&t, h, NULL);
    for (EACH(x, set))
        tell(&t, x);
    err = gx_law_resolve(&t.law);
    GX_ASSERT(err == GX_OK);
    read(&t, out);
    told_end(&t);
}

void resolve(const struct history *h, uint64_t set, struct verdict *out)
{
    resolve_with(h, set, out, told_read);
}

void resolve_named(const struct history *h, uint64_t set, struct verdict *out)
{
    resolve_with(h, set, out, told_read_names);
}

const char *differ(const struct verdict *a, const struct verdict *b)
{
#define GX_X(field)                                               \
    if (memcmp(&a->field, &b->field, sizeof a->field) != 0)       \
        return #field;
    GX_X(set)
    GX_X(main)
    GX_X(n_main)
    GX_X(s)
    GX_X(order)
    GX_X(n_order)
    GX_X(at)
    GX_X(rule)
    GX_X(effective)
    GX_X(seats)
    GX_X(rank)
    GX_X(n_members)
    GX_X(banned)
    GX_X(frozen)
    GX_X(alias)
    GX_X(title)
    GX_X(hash)
#undef GX_X
    return NULL;
}

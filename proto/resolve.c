#include "proto/resolve_work.h"

const char *gx_resolve_kind_name(enum gx_resolve_kind kind)
{
    static const char *const names[] = {
#define GX_X(name, text) [name] = text,
        GX_RESOLVE_KIND_LIST(GX_X)
#undef GX_X
    };

    return kind < GX_OP_COUNT ? names[kind] : "?";
}

const char *gx_resolve_rule_name(enum gx_resolve_rule rule)
{
    static const char *const names[] = {
#define GX_X(name, text) [name] = text,
        GX_RESOLVE_RULE_LIST(GX_X)
#undef GX_X
    };

    return rule < GX_RULE_COUNT ? names[rule] : "?";
}

const char *gx_resolve_rank_name(enum gx_resolve_rank rank)
{
    return rank == GX_RESOLVE_OWNER ? "owner" : rank == GX_RESOLVE_ADMIN ? "admin" : "member";
}

/* ---- scratch ----------------------------------------------------------------------------------------------------- */

struct arena {
    uint8_t *p;                     /* NULL: only count */
    size_t used;
};

static void *take(struct arena *a, size_t n, size_t size)
{
    size_t at = a->used;

    a->used += (n * size + 7) / 8 * 8;
    return a->p == NULL ? NULL : a->p + at;
}

static void lay_out(struct gx_rwork *w, struct arena *a, uint32_t n, uint32_t n_persons)
{
    w->nodes = take(a, n, sizeof *w->nodes);
    w->persons = take(a, n_persons, sizeof *w->persons);
    w->changes = take(a, 2 * (size_t)n + 1, sizeof *w->changes);
    w->rows = take(a, gx_rrow(n), sizeof *w->rows);
    w->all = take(a, gx_rwords(n), sizeof *w->all);
    w->mark = take(a, gx_rwords(n), sizeof *w->mark);
    w->spare = take(a, gx_rwords(n), sizeof *w->spare);
    w->place = take(a, n, sizeof *w->place);
    w->list = take(a, n, sizeof *w->list);
    w->order = take(a, n, sizeof *w->order);
    w->main = take(a, n, sizeof *w->main);
    w->out_order = take(a, n, sizeof *w->out_order);
    w->out_main = take(a, n, sizeof *w->out_main);
    w->members = take(a, n_persons, sizeof *w->members);
}

size_t gx_resolve_bytes(uint32_t n_ops, uint32_t n_persons)
{
    struct gx_rwork w;
    struct arena a = {.p = NULL};

    lay_out(&w, &a, n_ops, n_persons);
    return a.used;
}

/* ---- order and pasts --------------------------------------------------------------------------------------------- */

static uint32_t edge(const struct gx_resolve_op *op, uint32_t i)
{
    return i < op->n_deps ? op->deps[i] : op->prev;
}

static uint32_t n_edges(const struct gx_resolve_op *op)
{
    return op->n_deps + (op->prev != NONE);
}

/* depth of every operation, 0 while it is not known, else one more than it is.  Depth first, with the way back in `way`: a cycle is met when
 * an operation on the way is met again.  at: how many edges of it were looked at. */
static enum gx_err find_depths(struct gx_resolve *law, uint32_t *depth, uint32_t *at, uint32_t *way)
{
    const struct gx_resolve_op *ops = law->ops;

    memset(depth, 0, law->n_ops * sizeof *depth);
    memset(at, 0, law->n_ops * sizeof *at);
    for (uint32_t start = 0; start < law->n_ops; start++) {
        uint32_t n_way = 0;

        if (depth[start] != 0)
            continue;
        way[n_way++] = start;
        while (n_way > 0) {
            uint32_t x = way[n_way - 1];

            if (at[x] == n_edges(&ops[x])) {
                uint32_t deepest = 0;
                for (uint32_t i = 0; i < n_edges(&ops[x]); i++)
                    deepest = depth[edge(&ops[x], i)] > deepest ? depth[edge(&ops[x], i)] : deepest;
                depth[x] = deepest + 1;
                n_way--;
                continue;
            }
            uint32_t y = edge(&ops[x], at[x]++);

            if (depth[y] == 0 && (at[y] > 0 || y == x)) {
                law->at_fault = y;
                return GX_E_MALFORMED;
            }
            if (depth[y] == 0)
                way[n_way++] = y;
        }
    }
    return GX_OK;
}

static bool sorts_before(const struct gx_resolve *law, const uint32_t *depth, uint32_t a, uint32_t b)
{
    struct gx_span x = law->ops[a].id, y = law->ops[b].id;

    if (depth[a] != depth[b])
        return depth[a] < depth[b];
    size_t n = x.n < y.n ? x.n : y.n;
    int cmp = n == 0 ? 0 : memcmp(x.p, y.p, n);

    return cmp != 0 ? cmp < 0 : x.n < y.n;
}

/* Merge sort of all operations into `out`: no worst case for a peer to choose. */
static void sort_ops(const struct gx_resolve *law, const uint32_t *depth, uint32_t *out, uint32_t *tmp)
{
    uint32_t n = law->n_ops;

    for (uint32_t i = 0; i < n; i++)
        out[i] = i;
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t lo = 0; lo < n; lo += 2 * width) {
            uint32_t mid = lo + width < n ? lo + width : n, hi = mid + width < n ? mid + width : n;
            uint32_t a = lo, b = mid;
            for (uint32_t i = lo; i < hi; i++)
                tmp[i] = b == hi || (a < mid && !sorts_before(law, depth, out[b], out[a])) ? out[a++] : out[b++];
        }
        memcpy(out, tmp, n * sizeof *out);
    }
}

static void fill_nodes(struct gx_rwork *w, const uint32_t *sorted)
{
    const struct gx_resolve_op *ops = w->law->ops;

    for (uint32_t x = 0; x < w->n; x++)
        w->place[sorted[x]] = x;
    for (uint32_t p = 0; p < w->law->n_persons; p++)
        w->persons[p].first_by = w->persons[p].first_admit = NONE;
    for (uint32_t x = w->n; x-- > 0;) {
        const struct gx_resolve_op *op = &ops[sorted[x]];

        w->nodes[x] = (struct gx_rnode){.author = op->author, .target = op->kind == GX_OP_CREATE ? op->author : op->target,
                                        .token = op->token == NONE ? NONE : w->place[op->token], .uses = op->uses, .device = op->device,
                                        .op = sorted[x], .next_of_author = w->persons[op->author].first_by, .kind = (uint8_t)op->kind,
                                        .qr = op->qr, .accepted = op->accepted};
        w->persons[op->author].first_by = x;
        if (op->kind != GX_OP_ADMIT && op->kind != GX_OP_CREATE)
            continue;
        w->nodes[x].next_admit = w->persons[w->nodes[x].target].first_admit;
        w->persons[w->nodes[x].target].first_admit = x;
    }
}

/* past(x) = every direct predecessor and its past.  The latest first: most of the others lie in its past already. */
static void fill_rows(struct gx_rwork *w)
{
    for (uint32_t x = 0; x < w->n; x++) {
        const struct gx_resolve_op *op = &w->law->ops[w->nodes[x].op];
        uint64_t *row = w->rows + gx_rrow(x);
        uint32_t latest = NONE;

        memset(row, 0, gx_rwords(x) * sizeof *row);
        for (uint32_t i = 0; i < n_edges(op); i++) {
            uint32_t y = w->place[edge(op, i)];
            latest = latest == NONE || y > latest ? y : latest;
        }
        for (uint32_t i = 0; latest != NONE && i <= n_edges(op); i++) {
            uint32_t y = i == 0 ? latest : w->place[edge(op, i - 1)];
            if (gx_rbit(row, y))
                continue;
            const uint64_t *past = w->rows + gx_rrow(y);
            for (size_t word = 0; word < gx_rwords(y); word++)
                row[word] |= past[word];
            row[y / 64] |= 1ull << (y % 64);
        }
    }
}

/* ---- Resolve ----------------------------------------------------------------------------------------------------- */

/* Exactly one CREATE, and it is what everything descends from. */
static enum gx_err check(struct gx_resolve *law)
{
    uint32_t n_create = 0;

    if (law->n_ops == 0)
        return GX_E_MALFORMED;
    for (uint32_t i = 0; i < law->n_ops; i++) {
        const struct gx_resolve_op *op = &law->ops[i];
        bool create = op->kind == GX_OP_CREATE;

        law->at_fault = i;
        if (i >= GX_GROUP_CONTROL_MAX || op->n_deps > GX_EVENT_DEPS_MAX)
            return GX_E_TOO_BIG;
        if (create != (n_edges(op) == 0) || (create && n_create++ > 0))
            return GX_E_MALFORMED;
    }
    return n_create == 1 ? GX_OK : GX_E_MALFORMED;
}

static void run(struct gx_rwork *w, struct gx_rset set)
{
    gx_rmainline(w, set);
    gx_rrules(w, set);
}

static bool has_admit_in_past(const struct gx_rwork *w, uint32_t x)
{
    for (uint32_t a = w->persons[w->nodes[x].target].first_admit; a != NONE && a < x; a = w->nodes[a].next_admit) {
        if (gx_rpast(w, a, x))
            return true;
    }
    return false;
}

/* Rules 1 and 4 ask who is a member in the past of a TRANSFER or PROMOTE.  That depends on nothing outside that past, so it is found once, in
 * the order (depth, id), and later runs look it up.  A PROMOTE by one who never can be owner fails before it is asked. */
static void find_targets(struct gx_rwork *w)
{
    for (uint32_t p = 0; p < w->law->n_persons; p++)
        w->members[p].is_member = p == w->founder;      /* here: may ever be owner */
    for (uint32_t x = 0; x < w->n; x++) {
        if (w->nodes[x].kind == GX_OP_TRANSFER && w->nodes[x].accepted)
            w->members[w->nodes[x].target].is_member = true;
    }
    for (uint32_t x = 0; x < w->n; x++) {
        struct gx_rnode *node = &w->nodes[x];
        bool asked = (node->kind == GX_OP_TRANSFER && node->accepted) || (node->kind == GX_OP_PROMOTE && w->members[node->author].is_member);

        if (!asked || !has_admit_in_past(w, x))
            continue;
        run(w, (struct gx_rset){.bits = w->rows + gx_rrow(x), .bound = x});
        node->target_in = w->persons[node->target].member;
    }
}

static void give_results(struct gx_rwork *w, struct gx_resolve *law)
{
    law->n_members = 0;
    for (uint32_t x = 0; x < w->n; x++) {
        const struct gx_rnode *node = &w->nodes[x];
        struct gx_resolve_op *op = &law->ops[node->op];

        op->rule = (enum gx_resolve_rule)node->rule;
        op->witnessed = node->s;
        op->seat = node->seat;
        w->out_order[x] = w->nodes[w->order[x]].op;
    }
    for (uint32_t k = 0; k < w->n_main; k++)
        w->out_main[k] = w->nodes[w->main[k]].op;
    for (uint32_t p = 0; p < law->n_persons; p++) {
        w->members[p] = (struct gx_resolve_member){.is_member = w->persons[p].member, .rank = gx_rrank(w, p, GX_RESOLVE_INFINITE)};
        law->n_members += w->persons[p].member;
    }
    law->members = w->members;
    law->order = w->out_order;
    law->mainline = w->out_main;
    law->n_mainline = w->n_main;
}

enum gx_err gx_resolve(struct gx_resolve *law, void *scratch)
{
    struct gx_rwork w = {.law = law, .n = law->n_ops};
    struct arena a = {.p = scratch};
    enum gx_err err = check(law);

    if (err != GX_OK)
        return err;
    lay_out(&w, &a, law->n_ops, law->n_persons);
    err = find_depths(law, w.order, w.list, w.main);
    if (err != GX_OK)
        return err;
    sort_ops(law, w.order, w.list, w.main);
    fill_nodes(&w, w.list);
    fill_rows(&w);
    memset(w.all, 0, gx_rwords(w.n) * sizeof *w.all);
    for (uint32_t x = 0; x < w.n; x++)
        w.all[x / 64] |= 1ull << (x % 64);
    w.founder = w.nodes[0].author;
    find_targets(&w);
    run(&w, (struct gx_rset){.bits = w.all, .bound = w.n});
    GX_ASSERT(w.n_order == w.n);
    give_results(&w, law);
    return GX_OK;
}

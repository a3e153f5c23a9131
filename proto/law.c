/* Adding operations, and bringing the results up to date.
 *
 * Instead of snapshots at mainline points there is a way back: every operation remembers what it replaced, so the results can be taken back to any
 * place of L, the last operation first, and found anew from there.  It costs as much as going forward, needs no copies, and begins at the smallest
 * place affected, not at the point before it. */
#include "proto/law_work.h"

/* ---- memory ------------------------------------------------------------------------------------------------------------ */

bool gx_law_room(struct gx_law *law, void *array, uint32_t *cap, uint32_t n, size_t size)
{
    void **p = array;
    uint32_t more = *cap < 64 ? 64 : *cap;
    void *bigger = NULL;

    if (n <= *cap)
        return true;
    while (more < n)
        more += more / 2;
    bigger = law->memory.resize(law->memory.self, *p, more * size);
    if (bigger == NULL)
        return false;
    *p = bigger;
    *cap = more;
    return true;
}

static bool resize(struct gx_law *law, void *array, size_t n, size_t size)
{
    void **p = array, *bigger = law->memory.resize(law->memory.self, *p, n * size);

    if (bigger != NULL)
        *p = bigger;
    return bigger != NULL;
}

static void drop(struct gx_law *law, void *block)
{
    if (block != NULL)
        (void)law->memory.resize(law->memory.self, block, 0);
}

static void run_end(struct gx_law *law, struct gx_law_run *run)
{
    drop(law, run->results);
    drop(law, run->standings);
    drop(law, run->order);
    drop(law, run->main);
    drop(law, run->stages);
    drop(law, run->changes);
}

void gx_law_begin(struct gx_law *law, const struct gx_law_memory *memory, uint32_t cap, uint32_t qr_max, uint32_t quota)
{
    *law = (struct gx_law){.memory = *memory, .cap = cap, .qr_max = qr_max, .quota = quota, .last_meta = NONE, .last_transfer = NONE, .title = NONE};
}

void gx_law_end(struct gx_law *law)
{
    run_end(law, &law->now);
    run_end(law, &law->past);
    drop(law, law->nodes);
    drop(law, law->persons);
    drop(law, law->blocks);
    drop(law, law->rows);
    drop(law, law->sorted);
    drop(law, law->heads);
    drop(law, law->list);
    drop(law, law->list2);
    drop(law, law->count);
    drop(law, law->mark);
    *law = (struct gx_law){.memory = law->memory};
}

static bool run_room(struct gx_law *law, struct gx_law_run *run, uint32_t cap)
{
    return resize(law, &run->results, cap, sizeof *run->results) && resize(law, &run->order, cap, sizeof *run->order) &&
           resize(law, &run->main, cap, sizeof *run->main) &&
           gx_law_room(law, &run->changes, &run->cap_changes, 2 * cap + 1, sizeof *run->changes);
}

/* Everything that is as long as there are operations grows together: one more than there are, for questions. */
static bool ops_room(struct gx_law *law)
{
    uint32_t cap = law->cap_ops < 64 ? 64 : law->cap_ops + law->cap_ops / 2;

    if (law->n_ops + 2 <= law->cap_ops)
        return true;
    if (!resize(law, &law->nodes, cap, sizeof *law->nodes) || !resize(law, &law->sorted, cap, sizeof *law->sorted) ||
        !resize(law, &law->list, cap, sizeof *law->list) || !resize(law, &law->list2, cap, sizeof *law->list2) ||
        !resize(law, &law->count, cap + 2, sizeof *law->count) || !resize(law, &law->mark, cap / 64 + 2, sizeof *law->mark) ||
        !run_room(law, &law->now, cap) || !run_room(law, &law->past, cap))
        return false;
    law->cap_ops = cap;
    return true;
}

uint32_t gx_law_add_person(struct gx_law *law, const struct gx_sign_pk *member)
{
    uint32_t cap = law->cap_persons < 16 ? 16 : law->cap_persons * 2, p = law->n_persons;

    if (law->n_persons == law->cap_persons) {
        if (!resize(law, &law->persons, cap, sizeof *law->persons) || !resize(law, &law->now.standings, cap, sizeof *law->now.standings) ||
            !resize(law, &law->past.standings, cap, sizeof *law->past.standings))
            return NONE;
        law->cap_persons = cap;
    }
    law->persons[p] = (struct gx_law_person){
        .member = *member, .last_by = NONE, .last_admit = NONE, .last_leave = NONE, .last_alias = NONE, .alias = NONE, .alias_at = NONE};
    law->now.standings[p] = (struct gx_law_standing){
        .admits = NONE, .removals = NONE, .promotes = NONE, .unbans = NONE, .revokes = NONE, .changes = NONE, .seat = NONE};
    law->n_persons++;
    return p;
}

/* ---- order ------------------------------------------------------------------------------------------------------------- */

bool gx_law_sorts_before(const struct gx_law *law, uint32_t a, uint32_t b)
{
    const struct gx_law_node *x = &law->nodes[a], *y = &law->nodes[b];

    if (x->depth == y->depth && (WITHOUT(1) || GX_MUTANT(ARRIVAL_ORDER)))
        return a < b;
    return x->depth != y->depth ? x->depth < y->depth : gx_event_id_cmp(&x->op.id, &y->op.id) < 0;
}

/* Merge sort: no worst case for a peer to choose.  tmp: room for n. */
static void sort(const struct gx_law *law, uint32_t *list, uint32_t n, uint32_t *tmp)
{
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t low = 0; low < n; low += 2 * width) {
            uint32_t mid = low + width < n ? low + width : n, high = mid + width < n ? mid + width : n;
            uint32_t a = low, b = mid;

            for (uint32_t i = low; i < high; i++)
                tmp[i] = b == high || (a < mid && !gx_law_sorts_before(law, list[b], list[a])) ? list[a++] : list[b++];
        }
        memcpy(list, tmp, n * sizeof *list);
    }
}

/* Into law->sorted; mostly at its end. */
static void sort_in(struct gx_law *law, uint32_t x)
{
    uint32_t low = 0, high = x;

    if (x > 0 && gx_law_sorts_before(law, law->sorted[x - 1], x))
        low = x;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (gx_law_sorts_before(law, law->sorted[mid], x))
            low = mid + 1;
        else
            high = mid;
    }
    memmove(law->sorted + low + 1, law->sorted + low, (x - low) * sizeof *law->sorted);
    law->sorted[low] = x;
}

/* ---- a run from nothing -------------------------------------------------------------------------------------------------- */

static uint32_t class_of(const struct gx_law_run *run, uint32_t x, uint32_t from)
{
    uint32_t s = run->results[x].s;

    return WITHOUT(3) ? 0 : (s == GX_LAW_INFINITE ? run->n_main : s) - from;
}

/* Operations with their S, in the order (depth, id): behind the first `at` places of L, by (S, depth, id).  from: the least S among them. */
static void put_by_class(struct gx_law *law, struct gx_law_run *run, const uint32_t *list, uint32_t n, uint32_t at, uint32_t from)
{
    uint32_t classes = run->n_main - from + 1;

    memset(law->count, 0, (classes + 1) * sizeof *law->count);
    for (uint32_t i = 0; i < n; i++)
        law->count[class_of(run, list[i], from) + 1]++;
    for (uint32_t c = 1; c <= classes; c++)
        law->count[c] += law->count[c - 1];
    for (uint32_t i = 0; i < n; i++) {
        struct gx_law_result *result = &run->results[list[i]];

        result->pos = at + law->count[class_of(run, list[i], from)]++;
        run->order[result->pos] = list[i];
    }
    run->n_order = at + n;
}

/* Resolve(past(x)); x >= n_ops: of everything.  The definition of what the incremental form comes to. */
static bool run_anew(struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    uint32_t n = 0;

    if (!gx_law_find_mainline(law, run, x))
        return false;
    gx_law_run_begin(law, run);
    for (uint32_t i = 0; i < law->n_ops; i++) {
        uint32_t y = law->sorted[i];

        if (x < law->n_ops && !gx_law_past(law, y, x))
            continue;
        run->results[y].s = gx_law_witness(law, run, y, 0);
        law->list[n++] = y;
    }
    put_by_class(law, run, law->list, n, 0, 0);
    for (uint32_t i = 0; i < run->n_order; i++)
        gx_law_judge(law, run, run->order[i]);
    for (uint32_t i = 0; i < run->n_order; i++)
        gx_law_replay(law, run, run->order[i]);
    return true;
}

enum gx_err gx_law_resolve(struct gx_law *law)
{
    if (law->n_ops > 0 && !run_anew(law, &law->now, law->n_ops))
        return GX_E_MEMORY;
    law->n_settled = law->n_ops;
    law->changed_from = 0;
    law->generation++;
    return GX_OK;
}

/* ---- adding ---------------------------------------------------------------------------------------------------------------- */

/* The heads that the request names, as far as the ADMIT knows them: by these it answers the LEAVEs of its joiner. */
static bool keep_heads(struct gx_law *law, uint32_t x, const struct gx_law_edges *edges)
{
    struct gx_law_node *node = &law->nodes[x];

    if (!gx_law_room(law, &law->heads, &law->cap_heads, law->n_heads + edges->n_heads, sizeof *law->heads))
        return false;
    node->heads = law->n_heads;
    for (uint32_t i = 0; i < edges->n_heads; i++)
        if (gx_law_would_know(law, edges, edges->heads[i]))
            law->heads[law->n_heads++] = edges->heads[i];
    node->n_heads = law->n_heads - node->heads;
    return true;
}

static uint32_t *last_of_kind(struct gx_law *law, const struct gx_law_op *op)
{
    switch ((enum gx_law_kind)op->kind) {
    case GX_OP_CREATE:
    case GX_OP_ADMIT:
        return &law->persons[op->target].last_admit;
    case GX_OP_LEAVE:
        return &law->persons[op->author].last_leave;
    case GX_OP_ALIAS:
        return &law->persons[op->author].last_alias;
    case GX_OP_META:
        return &law->last_meta;
    case GX_OP_TRANSFER:
        return &law->last_transfer;
    case GX_OP_REMOVE:
    case GX_OP_BAN:
    case GX_OP_UNBAN:
    case GX_OP_TOKEN:
    case GX_OP_REVOKE:
    case GX_OP_PROMOTE:
    case GX_OP_DEMOTE:
    case GX_OP_CHECKPOINT:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
    return NULL;
}

/* Could its author be the owner?  Only by founding, or by a TRANSFER that it knows. */
static bool may_own(const struct gx_law *law, uint32_t x)
{
    uint32_t a = law->nodes[x].op.author;

    if (a == law->nodes[0].op.author)
        return true;
    for (uint32_t y = law->last_transfer; y != NONE; y = law->nodes[y].kind_before)
        if (law->nodes[y].op.accepted && law->nodes[y].op.target == a && gx_law_past(law, y, x))
            return true;
    return false;
}

static bool was_admitted(const struct gx_law *law, uint32_t person, uint32_t x)
{
    for (uint32_t a = law->persons[person].last_admit; a != NONE; a = law->nodes[a].kind_before)
        if (gx_law_past(law, a, x))
            return true;
    return false;
}

/* Is the target of operation x, which is being added, a member in the resolution of its past?  What that depends on lies in the past and never
 * changes, so it is found once.  Of a PROMOTE whose author cannot be owner it is never asked. */
static bool asks_for_target(const struct gx_law *law, uint32_t x)
{
    const struct gx_law_op *op = &law->nodes[x].op;

    return ((op->kind == GX_OP_TRANSFER && op->accepted) || (op->kind == GX_OP_PROMOTE && may_own(law, x))) && was_admitted(law, op->target, x);
}

static enum gx_err find_target(struct gx_law *law, uint32_t x)
{
    if (!asks_for_target(law, x))
        return GX_OK;
    if (!run_anew(law, &law->past, x))
        return GX_E_MEMORY;
    law->nodes[x].target_in = law->past.standings[law->nodes[x].op.target].member;
    return GX_OK;
}

static uint32_t depth_of(const struct gx_law *law, const struct gx_law_edges *edges)
{
    uint32_t depth = edges->prev == NONE ? 0 : law->nodes[edges->prev].depth + 1;

    for (uint32_t i = 0; i < edges->n_deps; i++)
        depth = law->nodes[edges->deps[i]].depth + 1 > depth ? law->nodes[edges->deps[i]].depth + 1 : depth;
    return depth;
}

enum gx_err gx_law_add(struct gx_law *law, const struct gx_law_op *op, const struct gx_law_edges *edges)
{
    uint32_t x = law->n_ops;

    GX_ASSERT((x == 0) == (op->kind == GX_OP_CREATE) && (x == 0 || edges->n_deps > 0 || edges->prev != NONE));
    if (x >= GX_GROUP_CONTROL_MAX)
        return GX_E_TOO_BIG;
    if (!ops_room(law) || !gx_law_past_add(law, edges))
        return GX_E_MEMORY;

    struct gx_law_node *node = &law->nodes[x];
    uint32_t *last = NULL;

    *node = (struct gx_law_node){.op = *op, .depth = depth_of(law, edges), .by_before = law->persons[op->author].last_by, .kind_before = NONE};
    if (op->kind == GX_OP_ADMIT && !keep_heads(law, x, edges))
        return GX_E_MEMORY;

    enum gx_err err = GX_OK;
    bool knows_all = gx_law_past_is_all(law, x);

    if (knows_all && asks_for_target(law, x)) {     /* the resolution of its past is the present one */
        err = gx_law_settle(law);
        node->target_in = err == GX_OK && law->now.standings[op->target].member;
    }
    law->n_ops++;
    sort_in(law, x);
    if (err == GX_OK && !knows_all)
        err = find_target(law, x);
    if (err != GX_OK)
        return err;
    law->persons[op->author].last_by = x;
    last = last_of_kind(law, op);
    if (last != NULL) {
        node->kind_before = *last;
        node->in_line = *last == NONE || (law->nodes[*last].in_line && gx_law_past(law, *last, x)) || WITHOUT(11);
        *last = x;
    }
    return GX_OK;
}

/* ---- settling ---------------------------------------------------------------------------------------------------------------- */

/* The mainline with everything added in it.  Returns the first point that is another than before, n_main as it was when there is none. */
static bool settle_mainline(struct gx_law *law, uint32_t *from)
{
    struct gx_law_run *run = &law->now;
    uint32_t before = run->n_main, x = law->n_settled, same = 0;

    *from = before;
    while (x < law->n_ops && gx_law_extend_mainline(law, run, x))
        x++;
    if (x == law->n_ops)
        return true;
    memcpy(law->list2, run->main, before * sizeof *law->list2);
    if (!gx_law_find_mainline(law, run, law->n_ops))
        return false;
    while (same < before && same < run->n_main && law->list2[same] == run->main[same])
        same++;
    *from = same;
    return true;
}

/* Those of L from `start` on and those added, in the order (depth, id), into law->list.  Returns how many. */
static uint32_t gather(struct gx_law *law, uint32_t start, bool in_order)
{
    struct gx_law_run *run = &law->now;
    uint32_t n = 0, fresh = law->n_ops - law->n_settled, i = start, k = 0;

    if (!in_order) {
        for (i = 0; i < law->n_ops; i++)
            if (law->sorted[i] >= law->n_settled || run->results[law->sorted[i]].pos >= start)
                law->list[n++] = law->sorted[i];
        return n;
    }
    for (k = 0; k < fresh; k++)
        law->list2[k] = law->n_settled + k;
    sort(law, law->list2, fresh, law->count);
    for (k = 0; i < run->n_order || k < fresh;)
        law->list[n++] = k == fresh || (i < run->n_order && gx_law_sorts_before(law, run->order[i], law->list2[k])) ? run->order[i++] : law->list2[k++];
    return n;
}

/* Where in L, among those that nobody witnessed (from `start` on), the first of those added goes: nothing before it moves.  Mostly at the end. */
static uint32_t first_place(const struct gx_law *law, uint32_t start)
{
    const struct gx_law_run *run = &law->now;
    uint32_t first = law->n_settled, low = start, high = run->n_order;

    for (uint32_t x = first + 1; x < law->n_ops; x++)
        first = gx_law_sorts_before(law, x, first) ? x : first;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (gx_law_sorts_before(law, run->order[mid], first))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void take_back(struct gx_law *law, uint32_t to)
{
    struct gx_law_run *run = &law->now;

    for (uint32_t i = run->n_order; i-- > to;)
        gx_law_unreplay(law, run, run->order[i]);
    for (uint32_t i = run->n_order; i-- > to;)
        gx_law_unjudge(law, run, run->order[i]);
}

/* Removals and revocations that came now reach ADMITs before them in L, among those of the same S: back to the first of these. */
static uint32_t first_touched(const struct gx_law *law, uint32_t start, uint32_t end)
{
    const struct gx_law_run *run = &law->now;

    for (uint32_t i = start; i < end; i++) {
        for (uint32_t r = law->n_settled; r < law->n_ops; r++)
            if (gx_law_effective(law, r) && gx_law_touches(law, r, run->order[i]))
                return i;
    }
    return end;
}

static bool any_touches(const struct gx_law *law)
{
    for (uint32_t r = law->n_settled; r < law->n_ops; r++) {
        uint8_t kind = law->nodes[r].op.kind;

        if (gx_law_effective(law, r) && (kind == GX_OP_REMOVE || kind == GX_OP_BAN || kind == GX_OP_LEAVE || kind == GX_OP_REVOKE))
            return true;
    }
    return false;
}

enum gx_err gx_law_settle(struct gx_law *law)
{
    struct gx_law_run *run = &law->now;
    uint32_t before = run->n_main, from = 0, start = 0, at = 0, n = 0;

    if (law->n_settled == law->n_ops)
        return GX_OK;
    if (law->n_settled == 0)
        return gx_law_resolve(law);
    if (!settle_mainline(law, &from))
        return GX_E_MEMORY;

    bool same = run->n_main == before && from == before;

    start = from == 0 ? 0 : run->results[run->main[from - 1]].pos + 1;
    at = same ? first_place(law, start) : start;
    n = gather(law, at, from == before);
    take_back(law, at);
    for (uint32_t i = 0; i < n; i++)
        run->results[law->list[i]].s = run->n_main == from ? GX_LAW_INFINITE : gx_law_witness(law, run, law->list[i], from);
    put_by_class(law, run, law->list, n, at, from);
    for (uint32_t i = at; i < run->n_order; i++)
        gx_law_judge(law, run, run->order[i]);

    uint32_t again = same && !GX_MUTANT(NO_REACHING_BACK) && any_touches(law) ? first_touched(law, start, at) : at;

    for (uint32_t i = at; i-- > again;)
        gx_law_unreplay(law, run, run->order[i]);
    for (uint32_t i = again; i < run->n_order; i++)
        gx_law_replay(law, run, run->order[i]);
    law->changed_from = again < law->changed_from ? again : law->changed_from;
    law->n_settled = law->n_ops;
    law->generation++;
    return GX_OK;
}

/* What the owner has witnessed, and the order that follows from it.  LAW §6 */
#include "proto/law_work.h"

/* The first device of another member takes over, or another device of the owner. */
static bool is_valid(const struct gx_law_node *x)
{
    return x->op.kind == GX_OP_TRANSFER && x->op.accepted && x->target_in && (x->op.target != x->op.author || x->op.to_device != x->op.device);
}

static bool is_by(const struct gx_law_node *x, const struct gx_law_stage *stage)
{
    return x->op.author == stage->author && x->op.device == stage->device;
}

static bool stage_add(struct gx_law *law, struct gx_law_run *run, uint32_t author, uint32_t device, uint32_t since)
{
    if (!gx_law_room(law, &run->stages, &run->cap_stages, run->n_stages + 1, sizeof *run->stages))
        return false;
    run->stages[run->n_stages++] = (struct gx_law_stage){.author = author, .device = device, .since = since, .handed = NONE};
    return true;
}

/* The giver's operations since the last point, in order, into law->list. */
static uint32_t find_candidates(const struct gx_law *law, const struct gx_law_stage *stage, uint32_t bound)
{
    uint32_t n = 0;

    for (uint32_t x = law->persons[stage->author].last_by; x != NONE && x > stage->since; x = law->nodes[x].by_before)
        if (is_by(&law->nodes[x], stage) && (bound >= law->n_ops || gx_law_past(law, x, bound)) && gx_law_past(law, stage->since, x))
            law->list[n++] = x;
    for (uint32_t i = 0; i + 1 < n - i; i++) {
        uint32_t swap = law->list[i];

        law->list[i] = law->list[n - 1 - i];
        law->list[n - 1 - i] = swap;
    }
    return n;
}

/* Valid TRANSFERs among the candidates: one that all others follow ends the giver's part; of several that nobody ordered only what all of them
 * follow remains.  Which candidates remain is the same at every point of one giver: each point lies in the past of the TRANSFERs that bound it. */
static uint32_t hand_over(struct gx_law *law, struct gx_law_stage *stage, uint32_t n)
{
    uint32_t first = NONE, kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!is_valid(&law->nodes[law->list[i]]))
            continue;
        if (first == NONE) {
            first = law->list[i];
            gx_law_mark_past(law, first);
        } else if (!gx_law_past(law, first, law->list[i])) {
            stage->frozen = true;
            gx_law_mark_common(law, law->list[i]);
        }                               /* who has the first in its past has all of that */
    }
    if (first == NONE)
        return n;
    for (uint32_t i = 0; i < n && law->list[i] <= first; i++)
        if (law->list[i] == first ? !stage->frozen : gx_law_is_marked(law, law->list[i]))
            law->list[kept++] = law->list[i];
    stage->handed = stage->frozen ? NONE : first;
    return kept;
}

/* Which of the n in law->list are in the past of all behind them?  Those that are not lose law->count.  The nearest one behind is enough to look
 * at, as long as it is such a one itself; else what all of them have in common is kept in law->mark. */
static void drop_not_followed(struct gx_law *law, uint32_t n)
{
    bool good = true;

    for (uint32_t i = n - 1; i-- > 0;) {
        uint32_t x = law->list[i], next = law->list[i + 1];

        if (!good) {
            gx_law_mark_common(law, next);
            good = gx_law_is_marked(law, x);
        } else {
            good = gx_law_past(law, x, next);
            if (!good)
                gx_law_mark_past(law, next);
        }
        if (!good)
            law->count[i] = 0;
    }
}

/* The next point is the earliest candidate comparable with all that remain.  Those skipped lie in its past, so it is comparable with them too:
 * the points of one giver are exactly the candidates comparable with all others.  In a log without a fork that is every one of them, seen by
 * looking at neighbours. */
static void add_points(struct gx_law *law, struct gx_law_run *run, uint32_t n)
{
    struct gx_law_stage *stage = &run->stages[run->n_stages - 1];
    bool good = true;

    stage->n_candidates = n;
    if (n == 0)
        return;
    memset(law->mark, 0, (law->n_ops / 64 + 1) * sizeof *law->mark);
    for (uint32_t i = 0; i < n; i++)
        gx_law_set_mark(law, law->list[i]);
    for (uint32_t i = 0; i < n; i++) {
        good = i == 0 || (good && gx_law_past(law, law->list[i - 1], law->list[i])) || gx_law_past_covers_mark(law, law->list[i]);
        law->count[i] = good;
    }
    drop_not_followed(law, n);
    for (uint32_t i = 0; i < n; i++) {
        if (law->count[i] == 0)
            continue;
        run->main[run->n_main++] = law->list[i];
        stage->n_points++;
    }
}

bool gx_law_find_mainline(struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_op *create = &law->nodes[0].op;
    uint32_t handed = NONE;

    run->n_main = run->n_stages = 0;
    if (x == 0)
        return true;                /* the past of CREATE is empty */
    run->main[run->n_main++] = 0;
    if (!stage_add(law, run, create->author, create->device, 0))
        return false;
    do {
        struct gx_law_stage *stage = &run->stages[run->n_stages - 1];

        add_points(law, run, hand_over(law, stage, find_candidates(law, stage, x)));
        handed = stage->handed;
        if (handed != NONE && !stage_add(law, run, law->nodes[handed].op.target, law->nodes[handed].op.to_device, handed))
            return false;
    } while (handed != NONE);
    return true;
}

/* In a mainline without forks: who gives now goes on, who has handed over changes nothing. */
bool gx_law_extend_mainline(struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_node *node = &law->nodes[x];

    for (uint32_t t = 0; t < run->n_stages; t++) {
        struct gx_law_stage *stage = &run->stages[t];

        if (!is_by(node, stage) || !gx_law_past(law, stage->since, x) || (stage->handed != NONE && gx_law_past(law, stage->handed, x)))
            continue;
        if (stage->handed != NONE || stage->frozen || stage->n_candidates != stage->n_points || !gx_law_past(law, run->main[run->n_main - 1], x))
            return false;
        if (is_valid(node) && !stage_add(law, run, node->op.target, node->op.to_device, x))
            return false;
        stage = &run->stages[t];
        stage->handed = is_valid(node) ? x : NONE;
        stage->n_candidates++;
        stage->n_points++;
        run->main[run->n_main++] = x;
        return true;                /* nothing has x in its past: it belongs to no later stage */
    }
    return true;
}

/* Every point has those before it in its past. */
uint32_t gx_law_witness(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t from)
{
    uint32_t low = from, high = run->n_main;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (run->main[mid] == x || gx_law_past(law, x, run->main[mid]))
            high = mid;
        else
            low = mid + 1;
    }
    return low == run->n_main ? GX_LAW_INFINITE : low;
}

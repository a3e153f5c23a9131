/* Rules 1 to 3: what the owner has witnessed, and the order that follows from it.  LAW.md, "The full law". */
#include "proto/resolve_work.h"

/* The log that makes mainline points now: one device of one member. */
struct giver {
    uint32_t author, device, since;     /* since: the last point before its own */
};

/* "Or to another device of the owner": a TRANSFER hands the mainline to its target's first device. */
static bool is_valid(const struct gx_rnode *x)
{
    return x->kind == GX_OP_TRANSFER && x->accepted && x->target_in && (x->target != x->author || x->device != 0);
}

/* The giver's events since the last point, in order, into w->list. */
static uint32_t find_candidates(const struct gx_rwork *w, struct gx_rset set, const struct giver *giver)
{
    uint32_t n = 0;

    for (uint32_t x = w->persons[giver->author].first_by; x != NONE && x < set.bound; x = w->nodes[x].next_of_author) {
        if (w->nodes[x].device == giver->device && gx_rin(set, x) && gx_rpast(w, giver->since, x))
            w->list[n++] = x;
    }
    return n;
}

/* Valid TRANSFERs among the candidates: one that all others follow ends the giver's part and is returned; of several that nobody ordered only
 * what all of them follow remains.  Which candidates remain is the same at every point of one giver: each point lies in the past of the
 * TRANSFERs that bound it. */
static uint32_t hand_over(const struct gx_rwork *w, uint32_t *n)
{
    uint32_t first = NONE, kept = 0;
    bool frozen = false;

    for (uint32_t i = 0; i < *n; i++) {
        if (!is_valid(&w->nodes[w->list[i]]))
            continue;
        if (first == NONE)
            first = w->list[i];
        else
            frozen = frozen || !gx_rpast(w, first, w->list[i]);
    }
    if (first == NONE)
        return NONE;
    for (uint32_t i = 0; i < *n && w->list[i] <= first; i++) {
        uint32_t x = w->list[i];
        bool keep = gx_rpast(w, x, first) || (x == first && !frozen);
        for (uint32_t j = i; frozen && keep && j < *n; j++)
            keep = !is_valid(&w->nodes[w->list[j]]) || gx_rpast(w, x, w->list[j]);
        if (keep)
            w->list[kept++] = x;
    }
    *n = kept;
    return frozen ? NONE : first;
}

/* Does x have all candidates before it in its past? */
static bool follows_all(const struct gx_rwork *w, uint32_t x)
{
    const uint64_t *past = w->rows + gx_rrow(x);

    for (size_t word = 0; word < x / 64; word++) {
        if ((w->mark[word] & ~past[word]) != 0)
            return false;
    }
    return x % 64 == 0 || (w->mark[x / 64] & ~past[x / 64] & ((1ull << (x % 64)) - 1)) == 0;
}

static bool precedes_all(const struct gx_rwork *w, uint32_t i, uint32_t n)
{
    for (uint32_t j = i + 1; j < n; j++) {
        if (!gx_rpast(w, w->list[i], w->list[j]))
            return false;
    }
    return true;
}

static void set_bit(uint64_t *bits, uint32_t i, bool to)
{
    bits[i / 64] = (bits[i / 64] & ~(1ull << (i % 64))) | (uint64_t)to << (i % 64);
}

/* The next point is the earliest candidate comparable with all that remain.  Those skipped lie in its past, so it is comparable with them too:
 * the points of one giver are exactly the candidates comparable with all others.  In a log without a fork that is every one of them, seen by
 * looking at neighbours. */
static void add_points(struct gx_rwork *w, struct gx_rset set, uint32_t n)
{
    bool good = true;

    memset(w->mark, 0, gx_rwords(set.bound) * sizeof *w->mark);
    for (uint32_t i = 0; i < n; i++)
        set_bit(w->mark, w->list[i], true);
    for (uint32_t i = 0; i < n; i++) {
        good = i == 0 || (good && gx_rpast(w, w->list[i - 1], w->list[i])) || follows_all(w, w->list[i]);
        set_bit(w->spare, i, good);
    }
    for (uint32_t i = n; i-- > 0;) {
        good = i == n - 1 || (good && gx_rpast(w, w->list[i], w->list[i + 1])) || precedes_all(w, i, n);
        set_bit(w->spare, i, good && gx_rbit(w->spare, i));
    }
    for (uint32_t i = 0; i < n; i++) {
        if (gx_rbit(w->spare, i))
            w->main[w->n_main++] = w->list[i];
    }
}

static void find_mainline(struct gx_rwork *w, struct gx_rset set)
{
    struct giver giver = {.author = w->founder, .device = w->nodes[0].device, .since = 0};
    uint32_t handed;

    w->n_main = 0;
    if (set.bound == 0)
        return;
    w->main[w->n_main++] = 0;
    do {
        uint32_t n = find_candidates(w, set, &giver);
        handed = hand_over(w, &n);
        add_points(w, set, n);
        if (handed != NONE)
            giver = (struct giver){.author = w->nodes[handed].target, .device = 0, .since = handed};
    } while (handed != NONE);
}

static void put_in_order(struct gx_rwork *w, uint32_t x, uint32_t s)
{
    w->nodes[x].s = s;
    w->order[w->n_order++] = x;
}

/* Everything in `from` that is not in w->mark, in the order (depth, id). */
static void order_new(struct gx_rwork *w, const uint64_t *from, size_t begin, size_t end, uint32_t s)
{
    for (size_t word = begin; word < end; word++) {
        uint64_t fresh = from[word] & ~w->mark[word];
        w->mark[word] |= fresh;
        for (; fresh != 0; fresh &= fresh - 1)
            put_in_order(w, (uint32_t)(word * 64 + (size_t)__builtin_ctzll(fresh)), s);
    }
}

/* A point witnesses its past, less what an earlier one did; it comes last of these, being the deepest.  So S, and L without sorting. */
void gx_rmainline(struct gx_rwork *w, struct gx_rset set)
{
    size_t seen = 0, words = gx_rwords(set.bound);

    find_mainline(w, set);
    memset(w->mark, 0, words * sizeof *w->mark);
    w->n_order = 0;
    for (uint32_t k = 0; k < w->n_main; k++) {
        uint32_t c = w->main[k];
        order_new(w, w->rows + gx_rrow(c), seen, gx_rwords(c), k);
        set_bit(w->mark, c, true);
        put_in_order(w, c, k);
        while (seen < words && w->mark[seen] == UINT64_MAX)
            seen++;
    }
    order_new(w, set.bits, 0, words, GX_RESOLVE_INFINITE);
}

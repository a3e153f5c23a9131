/* T1: the same operations in any order, brought up to date at any time, in both forms. */
#include "tests/prop/law_theorems.h"

static void shuffle(uint8_t *list, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = pick(i);
        uint8_t swap = list[k];

        list[k] = list[i - 1];
        list[i - 1] = swap;
    }
}

/* A random causal order: at each step any operation whose past was delivered. */
static void random_order(const struct history *h, uint8_t *order)
{
    uint64_t told = 0;

    for (uint32_t i = 0; i < h->n; i++) {
        uint64_t ready = 0;
        uint32_t x;

        for (EACH(x, all_of(h) & ~told))
            if ((h->acts[x].past & ~told) == 0)
                ready |= bit(x);
        /* One delivery in three runs ahead with the newest that it can have. */
        order[i] = (uint8_t)(pick(3) == 0 ? 63u - (uint32_t)__builtin_clzll(ready) : pick_of(ready));
        told |= bit(order[i]);
    }
}

static void bring_up_to_date(struct told *t, bool batch)
{
    enum gx_err err = batch ? gx_law_resolve(&t->law) : gx_law_settle(&t->law);

    GX_ASSERT(err == GX_OK);
}

static void compare(const struct history *h, const struct verdict *a, struct told *t, uint32_t x)
{
    struct verdict b;
    const char *what;

    told_read_names(t, &b);
    what = differ(a, &b);
    theorem_tried[1]++;
    if (what != NULL)
        theorem_fails(1, h, what, x);
}

/* What was settled step by step is what a law that hears the prefix at once says. */
static void compare_prefix(const struct history *h, struct told *t, const uint8_t *order, uint32_t n)
{
    struct told fresh;
    struct verdict v;

    told_begin(&fresh, h, NULL);
    for (uint32_t i = 0; i < n; i++)
        tell(&fresh, order[i]);
    bring_up_to_date(&fresh, true);
    told_read_names(&fresh, &v);
    compare(h, &v, t, order[n - 1]);
    told_end(&fresh);
}

/* often: bring up to date after every so many, about; 0: only in the end. */
static void deliver(const struct history *h, const struct verdict *v, const uint8_t *order, uint32_t often, bool prefixes)
{
    uint8_t cast[CAST_MAX];
    struct told t;

    for (uint8_t p = 0; p < CAST_MAX; p++)
        cast[p] = p;
    shuffle(cast, h->n_cast);
    told_begin(&t, h, cast);
    for (uint32_t i = 0; i < h->n; i++) {
        tell(&t, order[i]);
        if (often == 0 || pick(often) != 0)
            continue;
        bring_up_to_date(&t, often > 1 && pick(16) == 0);
        if (prefixes)
            compare_prefix(h, &t, order, i + 1);
    }
    bring_up_to_date(&t, often == 0);
    compare(h, v, &t, order[h->n - 1]);
    told_end(&t);
}

void check_delivery(const struct history *h, const struct verdict *v, const uint8_t *order)
{
    deliver(h, v, order, 1, false);
}

void check_convergence(const struct history *h, const struct verdict *v, unsigned deliveries, bool prefixes)
{
    uint8_t order[ACTS_MAX];

    for (unsigned i = 0; i < deliveries; i++) {
        random_order(h, order);
        deliver(h, v, order, i % 3 == 0 ? 1 : i % 3 == 1 ? 2 + pick(6) : 0, prefixes && i % 3 != 2);
    }
}

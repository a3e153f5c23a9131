#include "tools/bench/bench.h"

#include <stdlib.h>
#include <time.h>

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

void gx_figures_add(struct gx_figures *f, double value)
{
    GX_ASSERT(f->n < GX_BENCH_REPEATS_MAX);
    f->v[f->n++] = value;
}

double gx_figures_median(const struct gx_figures *f)
{
    struct gx_figures sorted = *f;

    if (f->n == 0)
        return 0;
    qsort(sorted.v, sorted.n, sizeof sorted.v[0], ascending);
    return sorted.n % 2 == 1 ? sorted.v[sorted.n / 2] : (sorted.v[sorted.n / 2 - 1] + sorted.v[sorted.n / 2]) / 2;
}

double gx_figures_min(const struct gx_figures *f)
{
    double min = f->n == 0 ? 0 : f->v[0];

    for (size_t i = 1; i < f->n; i++)
        min = f->v[i] < min ? f->v[i] : min;
    return min;
}

double gx_figures_max(const struct gx_figures *f)
{
    double max = f->n == 0 ? 0 : f->v[0];

    for (size_t i = 1; i < f->n; i++)
        max = f->v[i] > max ? f->v[i] : max;
    return max;
}

bool gx_samples_room(struct gx_samples *s, size_t cap)
{
    double *more = cap <= s->cap ? s->v : realloc(s->v, cap * sizeof *more);

    s->n = 0;
    if (more == NULL)
        return gx_bench_fail("out of memory");
    s->v = more;
    s->cap = cap > s->cap ? cap : s->cap;
    return true;
}

void gx_samples_add(struct gx_samples *s, double value)
{
    GX_ASSERT(s->n < s->cap);
    s->v[s->n++] = value;
}

double gx_samples_quantile(struct gx_samples *s, double q)
{
    GX_ASSERT(s->n > 0 && q >= 0 && q < 1);
    qsort(s->v, s->n, sizeof s->v[0], ascending);
    return s->v[(size_t)(q * (double)s->n)];
}

double gx_samples_sum(const struct gx_samples *s)
{
    double sum = 0;

    for (size_t i = 0; i < s->n; i++)
        sum += s->v[i];
    return sum;
}

void gx_samples_free(struct gx_samples *s)
{
    free(s->v);
    *s = (struct gx_samples){0};
}

double gx_bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

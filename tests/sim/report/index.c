/* index.html: several runs beside each other, from their report.json. */
#include "tests/sim/report/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What is looked at of each run. */
static const struct column { const char *title, *object, *field; enum { MS, BYTES, PLAIN } unit; } columns[] = {
    {"half held after", "latency_ms", "p50", MS},     {"95 %", "latency_ms", "p95", MS},     {"99 %", "latency_ms", "p99", MS}, {"all", "latency_ms", "max", MS},
    {"duplicates", "per_event", "duplicates", PLAIN}, {"bytes", "per_event", "bytes", BYTES}, {"agree after healing", NULL, "converge_ms", MS},
    {"stores", NULL, "store_bytes", BYTES},
};
#define COLUMNS GX_ARRAY_LEN(columns)

static json_t *load(const char *dir, uint64_t seed)
{
    char path[1100];

    snprintf(path, sizeof path, "%s/seed-%" PRIu64 "/report.json", dir, seed);
    return json_load_file(path, 0, NULL);
}

static const json_t *value_of(const json_t *run, size_t column)
{
    const json_t *object = columns[column].object == NULL ? run : json_object_get(run, columns[column].object);

    return json_object_get(object, columns[column].field);
}

static void cell(FILE *f, size_t column, double v)
{
    char text[TEXT_BYTES];

    if (columns[column].unit == MS)
        (void)text_ms(text, (uint64_t)(v + .5));
    else if (columns[column].unit == BYTES)
        (void)text_bytes(text, v);
    else
        snprintf(text, sizeof text, "%.2f", v);
    fprintf(f, "<td class=\"n\">%s</td>", text);
}

static void row(FILE *f, uint64_t seed, const json_t *run)
{
    const json_t *delivery = json_object_get(run, "delivery");

    if (run == NULL) {
        fprintf(f, "<tr><td class=\"n\">%" PRIu64 "</td><td class=\"v bad\">✗ no report</td></tr>\n", seed);
        return;
    }
    fprintf(f, "<tr><td class=\"n\"><a href=\"seed-%" PRIu64 "/report.html\">%" PRIu64 "</a></td>%s<td class=\"n\">%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
            "</td>", seed, seed, json_is_true(json_object_get(run, "ok")) ? "<td class=\"v good\">✓ holds</td>" : "<td class=\"v bad\">✗ broken</td>",
            json_integer_value(json_object_get(delivery, "done")), json_integer_value(json_object_get(delivery, "due")));
    for (size_t c = 0; c < COLUMNS; c++)
        if (json_is_number(value_of(run, c)))
            cell(f, c, json_number_value(value_of(run, c)));
        else
            fputs("<td class=\"n\">–</td>", f);
    fputs("</tr>\n", f);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The least, the one in the middle and the greatest of each column. */
static void put_sum(FILE *f, json_t *const *runs, uint64_t n)
{
    static const char *const names[] = {"least", "median", "greatest"};
    double *v = calloc(n + 1, sizeof *v);

    for (size_t k = 0; v != NULL && k < GX_ARRAY_LEN(names); k++) {
        fprintf(f, "<tr><th class=\"n\">%s</th><td></td><td></td>", names[k]);
        for (size_t c = 0; c < COLUMNS; c++) {
            uint64_t m = 0;

            for (uint64_t i = 0; i < n; i++)
                if (json_is_number(value_of(runs[i], c)))
                    v[m++] = json_number_value(value_of(runs[i], c));
            qsort(v, m, sizeof *v, ascending);
            if (m > 0)
                cell(f, c, v[k == 0 ? 0 : k == 1 ? (m - 1) / 2 : m - 1]);
            else
                fputs("<td class=\"n\">–</td>", f);
        }
        fputs("</tr>\n", f);
    }
    free(v);
}

/* Removals are few in a run, and one hardly differs from another by its run: these are put together. */
static void put_removals(FILE *f, json_t *const *runs, uint64_t n)
{
    struct gx_sim_removals all = {.n = 0}, one;

    for (uint64_t i = 0; i < n; i++) {
        report_removals_read(&one, runs[i]);
        gx_sim_removals_add(&all, &one);
    }
    fputs("<section class=\"one\">\n", f);
    html_removals(f, &all);
    fputs("</section>\n", f);
}

static void put_page(FILE *f, const char *title, uint64_t first_seed, uint64_t n, json_t *const *runs)
{
    uint64_t broken = 0;

    for (uint64_t i = 0; i < n; i++)
        broken += !json_is_true(json_object_get(runs[i], "ok"));
    html_begin(f, title);
    fprintf(f, "<p class=\"soft\">%" PRIu64 " runs, seeds %" PRIu64 " to %" PRIu64 "; commit <code>%s</code></p>\n", n, first_seed, first_seed + n - 1, report_commit());
    if (broken == 0)
        fputs("<p class=\"verdict good\">✓ All hold</p>\n", f);
    else
        fprintf(f, "<p class=\"verdict bad\">✗ Broken: %" PRIu64 " of %" PRIu64 " runs</p>\n", broken, n);
    fputs("<div class=\"scroll\"><table>\n<tr><th class=\"n\">seed</th><th>verdict</th><th class=\"n\">delivered</th>", f);
    for (size_t c = 0; c < COLUMNS; c++)
        fprintf(f, "<th class=\"n\">%s</th>", columns[c].title);
    fputs("</tr>\n", f);
    put_sum(f, runs, n);
    for (uint64_t i = 0; i < n; i++)
        row(f, first_seed + i, runs[i]);
    fputs("</table></div>\n<p class=\"note\">Duplicates and bytes are per event and node that received it; – : there was nothing to measure, or it never came to "
          "be.</p>\n",
          f);
    put_removals(f, runs, n);
    html_end(f);
}

int gx_report_index(const char *dir, const char *title, uint64_t first_seed, uint64_t runs)
{
    json_t **list = calloc(runs + 1, sizeof(json_t *));
    char path[1100];
    FILE *f = NULL;
    int err = list == NULL ? ENOMEM : ENOENT;

    for (uint64_t i = 0; list != NULL && i < runs; i++) {
        list[i] = load(dir, first_seed + i);
        err = list[i] != NULL ? 0 : err;
    }
    snprintf(path, sizeof path, "%s/index.html", dir);
    if (err == 0 && (f = fopen(path, "we")) == NULL)
        err = errno;
    if (err == 0) {
        put_page(f, title, first_seed, runs, list);
        err = ferror(f) != 0 ? EIO : 0;
        err = fclose(f) != 0 && err == 0 ? errno : err;
    }
    for (uint64_t i = 0; list != NULL && i < runs; i++)
        json_decref(list[i]);
    free(list);
    return err;
}

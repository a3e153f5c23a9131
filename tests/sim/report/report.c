/* Reports: gathering, and the text. */
#include "tests/sim/report/internal.h"

#include "gx_commit.h"
#include "proto/ids.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *report_commit(void)
{
    return GX_COMMIT;
}

/* --- figures ---------------------------------------------------------------------------------------------------------------------------------- */

uint32_t report_quantile(const struct report *r, double share)
{
    size_t n = r->figures.n_pairs, rank = (size_t)(share * (double)n + 0.999999);

    return n == 0 ? GX_SIM_NEVER : r->latency[rank == 0 ? 0 : rank > n ? n - 1 : rank - 1];
}

double report_per_event(const struct report *r, uint64_t sum)
{
    return r->figures.all.received == 0 ? 0 : (double)sum / (double)r->figures.all.received;
}

const char *report_node(const struct report *r, uint32_t node)
{
    return node == UINT32_MAX ? "" : gx_sim_node_name(r->sim, node);
}

void report_mark(const struct report *r, const struct gx_sim_mark *mark, char out[200])
{
    size_t n = (size_t)snprintf(out, 200, "%s", mark->text);

    for (uint32_t i = 0; i < mark->n && i < GX_ARRAY_LEN(mark->first); i++)
        n += (size_t)snprintf(out + n, 200 - n, "%s%s", i == 0 ? ": " : ", ", report_node(r, mark->first[i]));
    if (mark->n > GX_ARRAY_LEN(mark->first))
        snprintf(out + n, 200 - n, " and %zu more", mark->n - GX_ARRAY_LEN(mark->first));
}

/* --- numbers ---------------------------------------------------------------------------------------------------------------------------------- */

const char *text_ms(char out[TEXT_BYTES], uint64_t ms)
{
    if (ms < 1000)
        snprintf(out, TEXT_BYTES, "%" PRIu64 " ms", ms);
    else if (ms < 60000)
        snprintf(out, TEXT_BYTES, "%.*f s", ms < 10000 ? 2 : 1, (double)ms / 1000);
    else
        snprintf(out, TEXT_BYTES, "%" PRIu64 " min %" PRIu64 " s", ms / 60000, ms / 1000 % 60);
    return out;
}

const char *text_never(char out[TEXT_BYTES], uint32_t ms)
{
    if (ms != GX_SIM_NEVER)
        return text_ms(out, ms);
    snprintf(out, TEXT_BYTES, "never");
    return out;
}

const char *text_bytes(char out[TEXT_BYTES], double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    size_t u = 0;

    for (; bytes >= 999.5 && u + 1 < GX_ARRAY_LEN(units); u++)
        bytes /= 1000;
    snprintf(out, TEXT_BYTES, "%.*f %s", u > 0 && bytes < 10 ? 1 : 0, bytes, units[u]);
    return out;
}

const char *text_count(char out[TEXT_BYTES], uint64_t n)
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

const char *text_ratio(char out[TEXT_BYTES], double v)
{
    snprintf(out, TEXT_BYTES, "%.*f", v >= .1 || v <= 0 ? 2 : 3, v);
    return out;
}

/* --- report.txt ------------------------------------------------------------------------------------------------------------------------------- */

static void text_verdict(const struct report *r, FILE *f)
{
    const struct gx_scenario *scn = r->about->scn;

    fprintf(f, "%s\n%s: seed %" PRIu64 ", commit %s, trace %s\n", r->about->title, r->n_violations == 0 ? "all holds" : "BROKEN", r->figures.seed, report_commit(),
            r->trace);
    if (r->about->again != NULL)
        fprintf(f, "again: %s\n", r->about->again);
    fputs("\n", f);
    for (uint32_t i = 0; scn != NULL && i < scn->n_expects; i++)
        fprintf(f, "line %u: %s (%s)\n", scn->expects[i].line, scn->expects[i].ok ? "holds" : "DOES NOT HOLD", scn->expects[i].got);
    for (size_t i = 0; i < r->n_violations; i++)
        fprintf(f, "%s at %" PRIu64 " ms%s%s: %s\n", gx_sim_oracle_name(r->violations[i].oracle), r->violations[i].at_ms,
                r->violations[i].node == UINT32_MAX ? "" : ", ", report_node(r, r->violations[i].node), r->violations[i].text);
}

static void text_figures(const struct report *r, FILE *f)
{
    const struct gx_sim_figures *g = &r->figures;
    char a[5][TEXT_BYTES];

    fprintf(f, "\nnodes        %u\n", g->n_nodes);
    for (uint32_t i = 0; i < g->n_groups; i++)
        if (g->groups[i].agreed)
            fprintf(f, "group        %s, %u members, state %.16s\n", g->groups[i].name, g->groups[i].members, g->groups[i].state_hash);
        else
            fprintf(f, "group        %s, its members' nodes do not agree\n", g->groups[i].name);
    fprintf(f, "delivered    %" PRIu64 " of %" PRIu64 " messages due at members\n", r->counts->delivered, r->counts->due);
    if (g->n_pairs > 0)
        fprintf(f, "latency      half %s, 95 %% %s, 99 %% %s, all %s\n", text_never(a[0], report_quantile(r, .5)), text_never(a[1], report_quantile(r, .95)),
                text_never(a[2], report_quantile(r, .99)), text_never(a[3], report_quantile(r, 1)));
    fprintf(f, "per event    received again %s times, %s on the wire, by each node that got it\n", text_ratio(a[1], report_per_event(r, g->all.again)),
            text_bytes(a[0], report_per_event(r, g->all.bytes)));
    if (g->healed && g->converged)
        fprintf(f, "healing      at %s; all agree after %s\n", text_ms(a[0], g->healed_ms), text_ms(a[1], g->converge_ms));
    else if (g->healed)
        fprintf(f, "healing      at %s; they do not agree in the end\n", text_ms(a[0], g->healed_ms));
    report_removals_text(gx_sim_removals(r->sim), f);
    fprintf(f, "stores       %s in all\n", text_bytes(a[0], (double)g->all.store_bytes));
}

bool report_text(const struct report *r, FILE *f)
{
    char at[TEXT_BYTES], text[200];

    text_verdict(r, f);
    text_figures(r, f);
    if (r->figures.n_marks > 0)
        fputs("\nfaults\n", f);
    for (uint32_t i = 0; i < r->figures.n_marks; i++) {
        report_mark(r, &r->figures.marks[i], text);
        fprintf(f, "%12s  %s\n", text_ms(at, r->figures.marks[i].at_ms), text);
    }
    if (r->figures.more_marks > 0)
        fprintf(f, "%12s  and %" PRIu64 " more\n", "", r->figures.more_marks);
    return ferror(f) == 0;
}

/* --- files ------------------------------------------------------------------------------------------------------------------------------------ */

static int make_folders(const char *dir)
{
    char path[1024];
    size_t n = (size_t)snprintf(path, sizeof path, "%s", dir);

    if (n == 0 || n >= sizeof path)
        return n == 0 ? ENOENT : ENAMETOOLONG;
    for (size_t i = 1; i <= n; i++) {
        char was = path[i];

        if (was != '/' && was != 0)
            continue;
        path[i] = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return errno;
        path[i] = was;
    }
    return 0;
}

static bool is_of_many(const char *name)
{
    static const char *const words[] = {"seed-", "loss-", "delay-", "jitter-"};
    size_t n = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(words) && n == 0; i++)
        n = strncmp(name, words[i], strlen(words[i])) == 0 ? strlen(words[i]) : 0;
    return n > 0 && name[n] != 0 && name[n + strspn(name + n, "0123456789")] == 0;
}

void gx_report_clear(const char *dir)
{
    static const char *const files[] = {"report.html", "report.txt", "report.json"};
    char path[1100];
    DIR *d = opendir(dir);
    bool many = false;
    const struct dirent *entry = NULL;

    for (size_t i = 0; i < GX_ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (!is_of_many(entry->d_name) || (size_t)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) >= sizeof path)
            continue;
        gx_report_clear(path);
        many = rmdir(path) == 0 || many;
    }
    if (d != NULL)
        closedir(d);
    snprintf(path, sizeof path, "%s/index.html", dir);
    if (many)                   /* else it is somebody else's */
        (void)unlink(path);
}

static int put_file(const struct report *r, const char *dir, const char *name, bool (*write)(const struct report *r, FILE *f))
{
    char path[1100];
    FILE *f = NULL;
    int err = 0;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "we");
    if (f == NULL)
        return errno;
    if (!write(r, f))
        err = errno == 0 ? EIO : errno;
    if (fclose(f) != 0 && err == 0)
        err = errno;
    return err;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

int gx_report_write(struct gx_sim *sim, const struct gx_report *about, const char *dir)
{
    struct report r = {.sim = sim, .about = about, .counts = gx_sim_counts(sim)};
    uint8_t trace[32];
    int err = make_folders(dir);

    if (err != 0)
        return err;
    r.violations = gx_sim_violations(sim, &r.n_violations);
    gx_sim_trace(sim, trace);
    gx_hex(r.trace, trace, sizeof trace);
    if (!gx_sim_figures(&r.figures, sim))
        return EINVAL;
    r.latency = malloc((r.figures.n_pairs + 1) * sizeof *r.latency);
    if (r.latency == NULL)
        err = ENOMEM;
    for (size_t i = 0; err == 0 && i < r.figures.n_pairs; i++)
        r.latency[i] = r.figures.pairs[i].latency_ms;
    if (err == 0) {
        qsort(r.latency, r.figures.n_pairs, sizeof *r.latency, ascending);
        errno = 0;
        err = put_file(&r, dir, "report.json", report_json);
    }
    if (err == 0)
        err = put_file(&r, dir, "report.txt", report_text);
    if (err == 0)
        err = put_file(&r, dir, "report.html", report_html);
    free(r.latency);
    gx_sim_figures_free(&r.figures);
    return err;
}

/* What is drawn of a run. */
#include "tests/sim/report/internal.h"
#include "tests/sim/report/plot.h"

#include <math.h>
#include <stdlib.h>

#define BINS 14.0
#define LABEL_DIGIT 9.0           /* room for a digit, on narrow screens too */

static struct plot_point *points(size_t n)
{
    struct plot_point *list = calloc(n + 1, sizeof *list);

    GX_ASSERT(list != NULL);
    return list;
}

static void figure(FILE *f, const char *title)
{
    fprintf(f, "<figure>\n<h3>%s</h3>\n", title);
}

/* Legends are text of the page: they wrap where a picture cannot. */
static void legend(FILE *f, const char *class, const char *text)
{
    fprintf(f, "<span class=\"key\"><i class=\"%s\"></i>", class);
    html_text(f, text);
    fputs("</span>\n", f);
}

/* --- time and faults --------------------------------------------------------------------------------------------------------------------------- */

/* Until when there is something to see: what rests is not drawn. */
static double end_of_acts(const struct report *r)
{
    const struct gx_sim_figures *g = &r->figures;
    uint64_t end = g->healed && g->converged ? g->healed_ms + g->converge_ms : 0;

    for (uint32_t i = 0; i < g->n_marks; i++)
        end = g->marks[i].at_ms > end ? g->marks[i].at_ms : end;
    for (uint32_t i = 1; i < g->n_samples; i++)
        for (uint32_t k = 0; k < g->n_groups; k++)
            if (memcmp(&g->samples[i].groups[k], &g->samples[i - 1].groups[k], sizeof g->samples[i].groups[k]) != 0 && g->samples[i].at_ms > end)
                end = g->samples[i].at_ms;
    for (size_t i = 0; i < g->n_pairs; i++) {
        uint64_t at = g->pairs[i].written_ms + (g->pairs[i].latency_ms == GX_SIM_NEVER ? 0 : g->pairs[i].latency_ms);

        end = at > end ? at : end;
    }
    end += end / 25 + 1000;
    return (double)(end > g->end_ms || g->end_ms - end < g->end_ms / 10 ? g->end_ms : end);
}

/* While a cut stands, the ground is another. */
static void draw_cuts(struct plot *p, const struct gx_sim_figures *g)
{
    double since = -1;

    for (uint32_t i = 0; i < g->n_marks; i++) {
        if (!g->marks[i].cut && since >= 0)
            plot_shade(p, "cut", since, (double)g->marks[i].at_ms);
        if (!g->marks[i].cut)
            since = -1;
        else if (since < 0)
            since = (double)g->marks[i].at_ms;
    }
    if (since >= 0)
        plot_shade(p, "cut", since, p->x.hi);
}

/* The label of faults first to last, centred at the least place that is free and in the middle of them.  Returns its right end. */
static double label_of(const struct plot *p, const struct gx_sim_figures *g, uint32_t first, uint32_t last, double free_from, double *centre, char text[24])
{
    int bytes = first == last ? snprintf(text, 24, "%u", first + 1) : snprintf(text, 24, "%u–%u", first + 1, last + 1);
    double width = LABEL_DIGIT * (first == last ? bytes : bytes - 2);       /* the dash has three bytes */

    *centre = (plot_x(p, (double)g->marks[first].at_ms) + plot_x(p, (double)g->marks[last].at_ms)) / 2;
    if (*centre - width / 2 < free_from)
        *centre = free_from + width / 2;
    if (*centre + width / 2 > PLOT_WIDTH)
        *centre = PLOT_WIDTH - width / 2;
    return *centre + width / 2;
}

/* Faults have numbers, as in the list below the plots; those that lie too close have one label, from the first to the last. */
static void draw_marks(struct plot *p, const struct gx_sim_figures *g)
{
    double free_from = PLOT_LEFT - 4, centre = 0;       /* numbers of the other axis end there */
    char text[24];

    for (uint32_t i = 0, last = 0; i < g->n_marks; i = last + 1) {
        double x = plot_x(p, (double)g->marks[i].at_ms), right = label_of(p, g, i, last = i, free_from, &centre, text);

        while (last + 1 < g->n_marks && (plot_x(p, (double)g->marks[last + 1].at_ms) - LABEL_DIGIT < right + 4 || right + 3 * LABEL_DIGIT > PLOT_WIDTH))
            right = label_of(p, g, i, ++last, free_from, &centre, text);
        free_from = right + 4;
        if (plot_x(p, (double)g->marks[last].at_ms) - x > 4)
            fprintf(p->f, "<rect class=\"fault\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"3\"/>\n", x, PLOT_TOP - 4,
                    plot_x(p, (double)g->marks[last].at_ms) - x);
        fprintf(p->f, "<path class=\"fault\" d=\"M%.1f %.1fV%.1f\"/>\n", x, PLOT_TOP - 4, PLOT_BOTTOM);
        fprintf(p->f, "<text class=\"fault\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", centre, PLOT_TOP - 8, text);
    }
}

static void begin_over_time(struct plot *p, const struct report *r, const char *label, const char *y_title)
{
    plot_begin(p, label, "time", y_title);
    draw_cuts(p, &r->figures);
    draw_marks(p, &r->figures);
}

static bool was_cut(const struct gx_sim_figures *g)
{
    for (uint32_t i = 0; i < g->n_marks; i++)
        if (g->marks[i].cut)
            return true;
    return false;
}

/* --- messages --------------------------------------------------------------------------------------------------------------------------------- */

static void chart_cdf(FILE *f, const struct report *r)
{
    static const double shares[] = {.5, .95, .99};
    size_t n = r->figures.n_pairs - (size_t)r->figures.never, made = 0;
    struct plot_point *list = points(n + 1);
    char a[4][TEXT_BYTES];

    figure(f, "How fast messages spread");
    if (n == 0) {
        fputs("<p class=\"none\">No message came to anybody but its author.</p></figure>\n", f);
        free(list);
        return;
    }

    struct plot p = {.f = f, .x = plot_axis(PLOT_LOG_MS, r->latency[0], r->latency[n - 1]), .y = plot_axis(PLOT_SHARE, 0, 1)};

    list[made++] = (struct plot_point){p.x.lo, 0};
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || r->latency[i + 1] != r->latency[i])
            list[made++] = (struct plot_point){r->latency[i], (double)(i + 1) / (double)r->figures.n_pairs};
    plot_begin(&p, "Share of deliveries by time since the message was written", "time since it was written", "members who hold the message");
    plot_steps(&p, "s1", list, made, p.x.hi);
    for (size_t i = 0; i < GX_ARRAY_LEN(shares); i++)
        if (report_quantile(r, shares[i]) != GX_SIM_NEVER)
            plot_dot(&p, "s1", report_quantile(r, shares[i]), shares[i]);
    plot_end(&p);
    fprintf(f, "<figcaption>Half of the members hold a message after <b>%s</b>, 95 %% after <b>%s</b>, 99 %% after <b>%s</b> (dots), all after <b>%s</b>.",
            text_never(a[0], report_quantile(r, .5)), text_never(a[1], report_quantile(r, .95)), text_never(a[2], report_quantile(r, .99)),
            text_never(a[3], report_quantile(r, 1)));
    if (was_cut(&r->figures))
        fputs(" What is written while a cut stands waits for its end.", f);
    fputs("</figcaption>\n</figure>\n", f);
    free(list);
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct plot_point *)a)->x, y = ((const struct plot_point *)b)->x;

    return x < y ? -1 : x > y;
}

static void chart_delivery(FILE *f, const struct report *r, double until)
{
    const struct gx_sim_figures *g = &r->figures;
    struct plot_point *due = points(g->n_pairs + 1), *held = points(g->n_pairs + 1);
    size_t n = 0;
    char a[TEXT_BYTES];

    for (size_t i = 0; i < g->n_pairs; i++) {
        due[i + 1].x = (double)g->pairs[i].written_ms;
        if (g->pairs[i].latency_ms != GX_SIM_NEVER)
            held[++n].x = (double)(g->pairs[i].written_ms + g->pairs[i].latency_ms);
    }
    qsort(due + 1, g->n_pairs, sizeof *due, by_time);
    qsort(held + 1, n, sizeof *held, by_time);
    for (size_t i = 1; i <= g->n_pairs; i++)
        due[i].y = (double)i;
    for (size_t i = 1; i <= n; i++)
        held[i].y = (double)i;

    struct plot p = {.f = f, .x = plot_axis(PLOT_TIME, 0, until), .y = plot_axis(PLOT_COUNT, 0, (double)g->n_pairs)};

    figure(f, "Delivery");
    legend(f, "s2", "due: written, times members");
    legend(f, "s1", "held by these");
    begin_over_time(&p, r, "Deliveries due and done over time", "deliveries");
    plot_steps(&p, "s2", due, g->n_pairs + 1, until);
    plot_steps(&p, "s1", held, n + 1, until);
    plot_end(&p);
    fprintf(f, "<figcaption><b>%s</b> deliveries to others than the author", text_count(a, n));
    if (g->never > 0)
        fprintf(f, "; <b class=\"bad\">%s never came</b>", text_count(a, g->never));
    fputs(". What lies between the lines is on its way, or waits. Whoever was out before a message came is not counted.</figcaption>\n</figure>\n", f);
    free(due);
    free(held);
}

/* --- what it cost ------------------------------------------------------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* How many nodes lie in each stretch of x. */
static void histogram(FILE *f, const char *title, const char *label, enum plot_unit unit, double *v, size_t n, const char *says)
{
    double count[64] = {0}, most = 0;
    char a[3][TEXT_BYTES];

    figure(f, title);
    if (n == 0) {
        fputs("<p class=\"none\">No node received an event.</p></figure>\n", f);
        return;
    }
    qsort(v, n, sizeof *v, ascending);

    struct plot_axis x = plot_axis(unit, v[0] < v[n - 1] / 2 ? 0 : v[0], v[n - 1]);
    double width = x.step;

    while ((x.hi - x.lo) / width < BINS - 4)
        width /= 2;
    for (size_t i = 0; i < n; i++) {
        size_t bin = (size_t)((v[i] - x.lo) / width);

        bin = (double)bin >= (x.hi - x.lo) / width - .5 && bin > 0 && v[i] >= x.hi - 1e-9 ? bin - 1 : bin;
        if (bin < GX_ARRAY_LEN(count) && ++count[bin] > most)
            most = count[bin];
    }

    struct plot p = {.f = f, .x = x, .y = plot_axis(PLOT_COUNT, 0, most)};

    plot_begin(&p, title, label, "nodes");
    for (size_t i = 0; i < GX_ARRAY_LEN(count); i++)
        if (count[i] > 0)
            plot_bar(&p, "s1", x.lo + (double)i * width, x.lo + (double)(i + 1) * width, count[i]);
    plot_end(&p);
    for (size_t i = 0; i < 3; i++) {
        double value = v[i == 0 ? 0 : i == 1 ? (n - 1) / 2 : n - 1];

        if (unit == PLOT_BYTES)
            (void)text_bytes(a[i], value);
        else
            (void)text_ratio(a[i], value);
    }
    fprintf(f, "<figcaption>%s Half of %zu nodes: <b>at most %s</b>; the least %s, the most %s.</figcaption>\n</figure>\n", says, n, a[1], a[0], a[2]);
}

static void charts_cost(FILE *f, const struct report *r)
{
    const struct gx_sim_figures *g = &r->figures;
    double *again = calloc(g->n_nodes + 1u, sizeof *again), *bytes = calloc(g->n_nodes + 1u, sizeof *bytes);
    size_t n = 0;

    GX_ASSERT(again != NULL && bytes != NULL);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        if (g->nodes[i].received == 0)
            continue;
        again[n] = (double)g->nodes[i].again / (double)g->nodes[i].received;
        bytes[n++] = (double)g->nodes[i].bytes / (double)g->nodes[i].received;
    }
    histogram(f, "Duplicates", "times an event came again", PLOT_RATIO, again, n, "How often a node was sent an event that it had been sent before.");
    histogram(f, "Bytes", "received per event", PLOT_BYTES, bytes, n, "All that a node received, by the events that came to it.");
    free(again);
    free(bytes);
}

/* --- agreement, members, stores ----------------------------------------------------------------------------------------------------------------- */

static double excess(const struct gx_sim_sample *s, uint32_t n_groups)
{
    double most = 0;

    for (uint32_t k = 0; k < n_groups; k++)
        most = s->groups[k].states > most ? s->groups[k].states : most;
    return most;
}

static void chart_healing(FILE *f, const struct report *r)
{
    const struct gx_sim_figures *g = &r->figures;
    struct plot_point *list = points(g->n_healing);
    double most = 1, last = 0;
    char a[2][TEXT_BYTES];

    figure(f, "Convergence after healing");
    if (!g->healed || g->n_healing == 0) {
        fputs("<p class=\"none\">Nothing was cut off or down that was healed later.</p></figure>\n", f);
        free(list);
        return;
    }
    for (uint32_t i = 0; i < g->n_healing; i++) {
        list[i] = (struct plot_point){(double)(g->healing[i].at_ms - g->healed_ms), excess(&g->healing[i], g->n_groups)};
        most = list[i].y > most ? list[i].y : most;
        last = list[i].x;
    }
    last = g->converged ? (double)g->converge_ms * 1.25 + 100 : last * 1.1 + 1000;

    struct plot p = {.f = f, .x = plot_axis(PLOT_TIME, 0, last), .y = plot_axis(PLOT_COUNT, 0, most)};

    plot_begin(&p, "Different states over time since healing", "time since healing", "different states of the group");
    plot_steps(&p, "s1", list, g->n_healing, last);
    if (g->converged)
        plot_dot(&p, "good", (double)g->converge_ms, 1);
    plot_end(&p);
    if (g->converged && g->converge_ms == 0)
        fprintf(f, "<figcaption>Healed at %s; members’ nodes <b>agreed already</b>.</figcaption>\n</figure>\n", text_ms(a[0], g->healed_ms));
    else if (g->converged)
        fprintf(f, "<figcaption>Healed at %s; all members’ nodes agree after <b>%s</b>: one state is left.</figcaption>\n</figure>\n", text_ms(a[0], g->healed_ms),
                text_ms(a[1], g->converge_ms));
    else
        fprintf(f, "<figcaption>Healed at %s; <b class=\"bad\">members’ nodes do not agree in the end</b>.</figcaption>\n</figure>\n",
                text_ms(a[0], g->healed_ms));
    free(list);
}

static void chart_members(FILE *f, const struct report *r, uint32_t group, double until)
{
    const struct gx_sim_figures *g = &r->figures;
    struct plot_point *in = points(g->n_samples), *low = points(g->n_samples), *high = points(g->n_samples), *states = points(g->n_samples);
    double most = 1;
    char title[80];

    for (uint32_t i = 0; i < g->n_samples; i++) {
        const struct gx_sim_group_sample *s = &g->samples[i].groups[group];
        double at = (double)g->samples[i].at_ms;

        in[i] = (struct plot_point){at, s->members};
        low[i] = (struct plot_point){at, s->least};
        high[i] = (struct plot_point){at, s->most};
        states[i] = (struct plot_point){at, s->states};
        most = s->members > most ? s->members : most;
        most = s->most > most ? s->most : most;
    }

    struct plot p = {.f = f, .x = plot_axis(PLOT_TIME, 0, until), .y = plot_axis(PLOT_COUNT, 0, most)};

    snprintf(title, sizeof title, "Members%s%.39s", g->n_groups > 1 && g->groups[group].name[0] != 0 ? " of " : "", g->n_groups > 1 ? g->groups[group].name : "");
    fputs("<figure>\n<h3>", f);
    html_text(f, title);
    fputs("</h3>\n", f);
    legend(f, "s1", "nodes that are members by their own account");
    legend(f, "area s2", "members that these count: least to most");
    legend(f, "s3", "different states among them");
    begin_over_time(&p, r, title, "nodes");
    plot_band(&p, "s2", low, high, g->n_samples, until);
    plot_steps(&p, "s3", states, g->n_samples, until);
    plot_steps(&p, "s1", in, g->n_samples, until);
    plot_end(&p);
    fprintf(f, "<figcaption>%s</figcaption>\n</figure>\n",
            g->groups[group].agreed ? "Where the area is a line, all count alike." : "<b class=\"bad\">In the end they do not agree.</b>");
    free(in);
    free(low);
    free(high);
    free(states);
}

static void chart_stores(FILE *f, const struct report *r, double until)
{
    const struct gx_sim_figures *g = &r->figures;
    struct plot_point *mean = points(g->n_samples), *most = points(g->n_samples);
    double top = 1;
    char a[3][TEXT_BYTES];

    for (uint32_t i = 0; i < g->n_samples; i++) {
        mean[i] = (struct plot_point){(double)g->samples[i].at_ms, (double)g->samples[i].store_bytes / g->n_nodes};
        most[i] = (struct plot_point){(double)g->samples[i].at_ms, (double)g->samples[i].store_most};
        top = most[i].y > top ? most[i].y : top;
    }

    struct plot p = {.f = f, .x = plot_axis(PLOT_TIME, 0, until), .y = plot_axis(PLOT_BYTES, 0, top)};

    figure(f, "Stores");
    legend(f, "s1", "mean of all nodes");
    legend(f, "s2", "the largest");
    begin_over_time(&p, r, "Bytes of stores over time", "a node’s store on the disk");
    plot_steps(&p, "s2", most, g->n_samples, until);
    plot_steps(&p, "s1", mean, g->n_samples, until);
    plot_end(&p);
    fprintf(f, "<figcaption>In the end <b>%s</b> in all, %s a node; the largest was %s.</figcaption>\n</figure>\n", text_bytes(a[0], (double)g->all.store_bytes),
            text_bytes(a[1], (double)g->all.store_bytes / g->n_nodes), text_bytes(a[2], top));
    free(mean);
    free(most);
}

void html_charts(FILE *f, const struct report *r)
{
    double until = end_of_acts(r);
    char a[2][TEXT_BYTES];

    fputs("<section class=\"grid\">\n", f);
    for (uint32_t k = 0; k < r->figures.n_groups; k++)
        chart_members(f, r, k, until);
    chart_delivery(f, r, until);
    chart_cdf(f, r);
    chart_healing(f, r);
    html_removals(f, gx_sim_removals(r->sim));
    charts_cost(f, r);
    chart_stores(f, r, until);
    html_traffic(f, r);
    fputs("</section>\n", f);
    if (until < (double)r->figures.end_ms)
        fprintf(f, "<p class=\"note\">Plots over time end at %s: from then on nothing more happens until the run is over, at %s.</p>\n",
                text_ms(a[0], (uint64_t)until), text_ms(a[1], r->figures.end_ms));
}

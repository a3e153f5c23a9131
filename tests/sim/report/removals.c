/* How long removals take to be heard, and what is sealed meanwhile to who is out: of one run, or of many together. */
#include "tests/sim/report/internal.h"
#include "tests/sim/report/plot.h"

#include <stdlib.h>

static const double shares[] = {.5, .9, .99};
static const char *const names[] = {"p50", "p90", "p99"};

/* --- the text ---------------------------------------------------------------------------------------------------------------------------------- */

static void text_spread(const struct gx_sim_spread *s, FILE *f)
{
    char a[4][TEXT_BYTES];

    if (s->n > 0)
        fprintf(f, ": half %s, 90 %% %s, 99 %% %s, all %s", text_ms(a[0], gx_sim_spread_quantile(s, .5)), text_ms(a[1], gx_sim_spread_quantile(s, .9)),
                text_ms(a[2], gx_sim_spread_quantile(s, .99)), text_ms(a[3], s->most_ms));
    fputs("\n", f);
}

void report_removals_text(const struct gx_sim_removals *r, FILE *f)
{
    char a[3][TEXT_BYTES];

    fprintf(f, "removals     %s, %s of them while a link was cut; of %s messages by who had heard", text_count(a[0], r->n), text_count(a[1], r->apart),
            text_count(a[2], r->behind));
    fprintf(f, " %s are sealed to who is out\n", text_count(a[0], r->knowing));
    if (r->n == 0)
        return;
    fprintf(f, "heard        by %s members", text_count(a[0], r->heard.n));
    text_spread(&r->heard, f);
    fprintf(f, "unheard      %s messages by who had not heard are sealed to who is out, who read %s", text_count(a[0], r->window.n), text_count(a[1], r->read));
    text_spread(&r->window, f);
}

/* --- report.json -------------------------------------------------------------------------------------------------------------------------------- */

/* steps: the last ms of each that is not empty, and how many it has, so that many reports can be put together. */
static json_t *spread(const struct gx_sim_spread *s)
{
    json_t *all = json_pack("{s:I}", "count", (json_int_t)s->n), *steps = json_array();

    for (size_t i = 0; i < GX_ARRAY_LEN(shares); i++)
        json_object_set_new(all, names[i], s->n == 0 ? json_null() : json_integer((json_int_t)gx_sim_spread_quantile(s, shares[i])));
    json_object_set_new(all, "max", s->n == 0 ? json_null() : json_integer((json_int_t)s->most_ms));
    for (uint32_t i = 0; i < GX_SIM_SPREAD_STEPS; i++)
        if (s->steps[i] > 0)
            json_array_append_new(steps, json_pack("[I, I]", (json_int_t)gx_sim_spread_end(i), (json_int_t)s->steps[i]));
    json_object_set_new(all, "steps", steps);
    return all;
}

json_t *report_removals_json(const struct gx_sim_removals *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "count", (json_int_t)r->n, "apart", (json_int_t)r->apart, "unheard", (json_int_t)r->unheard,
                     "behind", (json_int_t)r->behind, "knowing", (json_int_t)r->knowing, "read", (json_int_t)r->read, "window_ms", spread(&r->window),
                     "heard_ms", spread(&r->heard));
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void read_spread(struct gx_sim_spread *s, const json_t *of)
{
    const json_t *steps = json_object_get(of, "steps");

    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);

        gx_sim_spread_note(s, (uint64_t)json_integer_value(json_array_get(step, 0)), (uint64_t)json_integer_value(json_array_get(step, 1)));
    }
    s->most_ms = number_of(of, "max");          /* within the last step */
}

void report_removals_read(struct gx_sim_removals *out, const json_t *report)
{
    const json_t *of = json_object_get(report, "removals");

    *out = (struct gx_sim_removals){.n = number_of(of, "count"), .apart = number_of(of, "apart"), .unheard = number_of(of, "unheard"),
                                    .behind = number_of(of, "behind"), .knowing = number_of(of, "knowing"), .read = number_of(of, "read")};
    read_spread(&out->window, json_object_get(of, "window_ms"));
    read_spread(&out->heard, json_object_get(of, "heard_ms"));
}

/* --- the picture -------------------------------------------------------------------------------------------------------------------------------- */

static void draw(struct plot *p, const char *class, const struct gx_sim_spread *s)
{
    struct plot_point *list = calloc(GX_SIM_SPREAD_STEPS + 1, sizeof *list);
    uint64_t so_far = 0;
    size_t n = 0;

    GX_ASSERT(list != NULL);
    list[n++] = (struct plot_point){p->x.lo, 0};
    for (uint32_t i = 0; i < GX_SIM_SPREAD_STEPS; i++) {
        double end = (double)gx_sim_spread_end(i);

        so_far += s->steps[i];
        if (s->steps[i] > 0)
            list[n++] = (struct plot_point){end < (double)s->most_ms ? end : (double)s->most_ms, (double)so_far / (double)s->n};
    }
    if (s->n > 0)
        plot_steps(p, class, list, n, p->x.hi);
    for (size_t i = 0; i < GX_ARRAY_LEN(shares) && s->n > 0; i++)
        plot_dot(p, class, (double)gx_sim_spread_quantile(s, shares[i]), shares[i]);
    free(list);
}

static void row(FILE *f, const char *says, const struct gx_sim_spread *s)
{
    char text[TEXT_BYTES];

    fprintf(f, "<tr><td>%s</td><td class=\"n\">%s</td>", says, text_count(text, s->n));
    for (size_t i = 0; i < GX_ARRAY_LEN(shares); i++)
        fprintf(f, "<td class=\"n\">%s</td>", s->n == 0 ? "–" : text_ms(text, gx_sim_spread_quantile(s, shares[i])));
    fprintf(f, "<td class=\"n\">%s</td></tr>\n", s->n == 0 ? "–" : text_ms(text, s->most_ms));
}

static void put_verdict(FILE *f, const struct gx_sim_removals *r)
{
    char a[3][TEXT_BYTES];

    fprintf(f, "<figcaption>Removals: %s, of these %s while a link was cut. Of %s messages by members who had heard, ", text_count(a[0], r->n), text_count(a[1], r->apart),
            text_count(a[2], r->behind));
    fprintf(f, r->knowing == 0 ? "<b>%s</b>" : "<b class=\"bad\">%s</b>", text_count(a[0], r->knowing));
    fprintf(f, " are sealed to who is out; of those by members who had not, the %s above, and %s of these came to them.", text_count(a[0], r->window.n),
            text_count(a[1], r->read));
    if (r->unheard > 0)
        fprintf(f, " <b class=\"bad\">%s members never heard.</b>", text_count(a[0], r->unheard));
    fputs("</figcaption>\n</figure>\n", f);
}

void html_removals(FILE *f, const struct gx_sim_removals *r)
{
    uint64_t most = r->heard.most_ms > r->window.most_ms ? r->heard.most_ms : r->window.most_ms;

    fputs("<figure>\n<h3>Who is removed</h3>\n", f);
    if (r->heard.n == 0 && r->window.n == 0) {
        fputs("<p class=\"none\">Nobody was removed for good whom others had to hear of.</p></figure>\n", f);
        return;
    }
    fputs("<span class=\"key\"><i class=\"s1\"></i>members who have heard of a removal</span>\n"
          "<span class=\"key\"><i class=\"s2\"></i>messages sealed to who is out by those who had not</span>\n",
          f);

    struct plot p = {.f = f, .x = plot_axis(PLOT_LOG_MS, 1, (double)most), .y = plot_axis(PLOT_SHARE, 0, 1)};

    plot_begin(&p, "Shares of members and messages by time since the removal", "time since the removal", "share");
    draw(&p, "s2", &r->window);
    draw(&p, "s1", &r->heard);
    plot_end(&p);
    fputs("<div class=\"scroll\"><table>\n<tr><th></th><th class=\"n\">number</th><th class=\"n\">half</th><th class=\"n\">90 %</th><th class=\"n\">99 %</th>"
          "<th class=\"n\">all</th></tr>\n",
          f);
    row(f, "heard after", &r->heard);
    row(f, "sealed after", &r->window);
    fputs("</table></div>\n", f);
    put_verdict(f, r);
}

/* Plots as inline SVG. */
#include "tests/sim/report/plot.h"

#include "tests/sim/report/internal.h"
#include <math.h>

static double place(const struct plot_axis *a, double v)
{
    if (a->unit == PLOT_LOG_MS)
        return (log10(v < a->lo ? a->lo : v) - log10(a->lo)) / (log10(a->hi) - log10(a->lo));
    return (v - a->lo) / (a->hi - a->lo);
}

double plot_x(const struct plot *p, double x)
{
    double at = place(&p->x, x);

    return PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * (at < 0 ? 0 : at > 1 ? 1 : at);
}

double plot_y(const struct plot *p, double y)
{
    return PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * place(&p->y, y);
}

/* --- axes ------------------------------------------------------------------------------------------------------------------------------------ */

/* 1, 2 or 5 and zeroes, so that there are at most `most` steps. */
static double nice(double range, double most)
{
    double ten = pow(10, floor(log10(range / most)));

    for (int k = 0; k < 2; k++, ten *= 10)
        for (int m = 1; m <= 5; m += m == 1 ? 1 : 3)
            if (range / (ten * m) <= most + 1e-9)
                return ten * m;
    return ten;
}

static double nice_time(double range)
{
    static const double steps[] = {.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 43200, 86400};
    size_t i = 0;

    while (i + 1 < GX_ARRAY_LEN(steps) && range / (steps[i] * 1000) > 6)
        i++;
    return steps[i] * 1000;
}

struct plot_axis plot_axis(enum plot_unit unit, double lo, double hi)
{
    struct plot_axis a = {.unit = unit, .lo = lo, .hi = hi};

    if (unit == PLOT_LOG_MS) {
        a.lo = pow(10, floor(log10(lo < 1 ? 1 : lo)));
        a.hi = pow(10, ceil(log10(hi < 1 ? 1 : hi) - 1e-9));
        a.hi = a.hi / 5 >= hi ? a.hi / 5 : a.hi / 2 >= hi ? a.hi / 2 : a.hi;
        if (a.hi < a.lo * 10)
            a.hi = a.lo * 10;
        return a;
    }
    if (unit == PLOT_TIME) {
        a.hi = hi > lo ? hi : lo + 1000;
        a.step = nice_time(a.hi - a.lo);
        return a;
    }
    if (hi <= lo)
        a.hi = lo + (unit == PLOT_BYTES ? 1000 : unit == PLOT_RATIO ? .1 : 1);
    a.step = nice(a.hi - a.lo, 5);
    if (unit == PLOT_COUNT && a.step < 1)
        a.step = 1;
    a.lo = floor(a.lo / a.step + 1e-9) * a.step;
    a.hi = ceil(a.hi / a.step - 1e-9) * a.step;
    return a;
}

static void tick_text(const struct plot_axis *a, double v, char out[TEXT_BYTES])
{
    switch (a->unit) {
    case PLOT_COUNT:
        (void)text_count(out, (uint64_t)(v + .5));
        return;
    case PLOT_SHARE:
        snprintf(out, TEXT_BYTES, "%.0f %%", v * 100);
        return;
    case PLOT_RATIO:
        snprintf(out, TEXT_BYTES, "%.*f", a->step >= 1 ? 0 : a->step >= .1 ? 1 : a->step >= .01 ? 2 : 3, v);
        return;
    case PLOT_BYTES:
        if (a->hi >= 1e6)
            snprintf(out, TEXT_BYTES, "%.*f", a->step < 1e5 ? 2 : a->step < 1e6 ? 1 : 0, v / 1e6);
        else if (a->hi >= 1e4)
            snprintf(out, TEXT_BYTES, "%.*f", a->step < 1e3 ? 1 : 0, v / 1e3);
        else
            snprintf(out, TEXT_BYTES, "%.0f", v);
        return;
    case PLOT_TIME:
        if (a->hi - a->lo <= 120000)
            snprintf(out, TEXT_BYTES, "%.*f", a->step >= 1000 ? 0 : a->step >= 100 ? 1 : 2, v / 1000);
        else
            snprintf(out, TEXT_BYTES, "%.0f:%02.0f", floor(v / 60000 + 1e-9), fmod(v / 1000 + 1e-6, 60));
        return;
    case PLOT_LOG_MS:
        snprintf(out, TEXT_BYTES, v < 1000 ? "%.0f ms" : "%.0f s", v < 1000 ? v : v / 1000);
        return;
    }
}

static const char *unit_text(const struct plot_axis *a)
{
    switch (a->unit) {
    case PLOT_BYTES:
        return a->hi >= 1e6 ? ", MB" : a->hi >= 1e4 ? ", kB" : ", bytes";
    case PLOT_TIME:
        return a->hi - a->lo <= 120000 ? ", s" : ", min:s";
    case PLOT_COUNT:
    case PLOT_SHARE:
    case PLOT_RATIO:
    case PLOT_LOG_MS:
        break;
    }
    return "";
}

static void tick(const struct plot *p, bool is_x, double v)
{
    char text[TEXT_BYTES];

    tick_text(is_x ? &p->x : &p->y, v, text);
    if (is_x)
        fprintf(p->f, "<path class=\"tick\" d=\"M%.1f %.1fv5\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", plot_x(p, v), PLOT_BOTTOM,
                plot_x(p, v), PLOT_BOTTOM + 20, text);
    else
        fprintf(p->f, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", PLOT_LEFT, plot_y(p, v),
                PLOT_RIGHT, PLOT_LEFT - 7, plot_y(p, v) + 4, text);
}

static void ticks(const struct plot *p, bool is_x)
{
    const struct plot_axis *a = is_x ? &p->x : &p->y;

    if (a->unit != PLOT_LOG_MS) {
        for (double k = ceil(a->lo / a->step - 1e-9); k * a->step <= a->hi * (1 + 1e-12) + 1e-9; k++)
            tick(p, is_x, k * a->step + 0.);         /* no -0 */
        return;
    }
    for (double v = a->lo; v <= a->hi * 1.001; v *= 10) {
        tick(p, is_x, v);
        for (int m = 2; m <= 5 && a->hi / a->lo < 101 && v * m < a->hi; m += 3)
            tick(p, is_x, v * m);
    }
}

void plot_begin(struct plot *p, const char *label, const char *x_title, const char *y_title)
{
    fprintf(p->f, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", PLOT_WIDTH, PLOT_HEIGHT);
    html_text(p->f, label);
    fprintf(p->f, "\">\n<text class=\"what\" x=\"4\" y=\"15\">%s%s</text>\n", y_title, unit_text(&p->y));
    fprintf(p->f, "<text class=\"what\" x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%s%s</text>\n", PLOT_RIGHT, PLOT_HEIGHT - 8, x_title, unit_text(&p->x));
    ticks(p, false);
    fprintf(p->f, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", PLOT_LEFT, PLOT_BOTTOM, PLOT_RIGHT);
    ticks(p, true);
}

void plot_end(struct plot *p)
{
    fputs("</svg>\n", p->f);
}

/* --- what is drawn ----------------------------------------------------------------------------------------------------------------------------- */

/* Points that fall into one place of the picture are drawn once. */
static void steps(struct plot *p, const struct plot_point *list, size_t n, double until, bool go_on)
{
    double x = -1, y = -1;

    for (size_t i = 0; i < n; i++) {
        double to_x = plot_x(p, list[i].x), to_y = plot_y(p, list[i].y);

        if (i > 0 && fabs(to_y - y) < .05)
            continue;
        if (i == 0)
            fprintf(p->f, "%s%.1f %.1f", go_on ? "L" : "M", to_x, to_y);
        else if (fabs(to_x - x) < .05)
            fprintf(p->f, "V%.1f", to_y);
        else
            fprintf(p->f, "H%.1fV%.1f", to_x, to_y);
        x = to_x;
        y = to_y;
    }
    fprintf(p->f, "H%.1f", plot_x(p, until));
}

void plot_steps(struct plot *p, const char *class, const struct plot_point *list, size_t n, double until)
{
    if (n == 0)
        return;
    fprintf(p->f, "<path class=\"line %s\" d=\"", class);
    steps(p, list, n, until, false);
    fputs("\"/>\n", p->f);
}

void plot_band(struct plot *p, const char *class, const struct plot_point *low, const struct plot_point *high, size_t n, double until)
{
    if (n == 0)
        return;
    fprintf(p->f, "<path class=\"area %s\" d=\"", class);
    steps(p, high, n, until, false);
    fprintf(p->f, "V%.1f", plot_y(p, low[n - 1].y));
    for (size_t i = n; i-- > 0;) {
        fprintf(p->f, "H%.1f", plot_x(p, low[i].x));
        if (i > 0 && fabs(low[i].y - low[i - 1].y) > 0)
            fprintf(p->f, "V%.1f", plot_y(p, low[i - 1].y));
    }
    fputs("Z\"/>\n", p->f);
}

void plot_bar(struct plot *p, const char *class, double from, double to, double height)
{
    fprintf(p->f, "<rect class=\"bar %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", class, plot_x(p, from) + .5, plot_y(p, height),
            plot_x(p, to) - plot_x(p, from) - 1, PLOT_BOTTOM - plot_y(p, height));
}

void plot_dot(struct plot *p, const char *class, double x, double y)
{
    fprintf(p->f, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>\n", class, plot_x(p, x), plot_y(p, y));
}

void plot_shade(struct plot *p, const char *class, double from, double to)
{
    fprintf(p->f, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", class, plot_x(p, from), PLOT_TOP,
            plot_x(p, to) - plot_x(p, from), PLOT_BOTTOM - PLOT_TOP);
}

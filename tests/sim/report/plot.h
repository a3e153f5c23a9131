/* Plots as inline SVG: axes with sensible ticks, steps, areas, bars.  Colours are classes of the page. */
#ifndef GX_SIM_REPORT_PLOT_H
#define GX_SIM_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Units of the picture: text is 12 of them high, 15 on narrow screens, and finds room for both. */
#define PLOT_WIDTH 480.0
#define PLOT_HEIGHT 272.0
#define PLOT_LEFT 62.0
#define PLOT_RIGHT 454.0
#define PLOT_TOP 48.0
#define PLOT_BOTTOM 222.0

enum plot_unit { PLOT_COUNT, PLOT_SHARE, PLOT_BYTES, PLOT_RATIO, PLOT_TIME, PLOT_LOG_MS };
struct plot_axis {
    enum plot_unit unit;
    double lo, hi;
    double step;            /* between ticks; LOG_MS: none */
};
struct plot {
    FILE *f;
    struct plot_axis x, y;
};
struct plot_point { double x, y; };

/* An axis that holds lo to hi, its ends at ticks unless it is time. */
struct plot_axis plot_axis(enum plot_unit unit, double lo, double hi);
/* Titles say what and in which unit. */
void plot_begin(struct plot *p, const char *label, const char *x_title, const char *y_title);
void plot_end(struct plot *p);
double plot_x(const struct plot *p, double x);
double plot_y(const struct plot *p, double y);
/* From each point level to the next one's x, then up or down; the last goes on to `until`. */
void plot_steps(struct plot *p, const char *class, const struct plot_point *list, size_t n, double until);
/* Between two lines of steps with the same x. */
void plot_band(struct plot *p, const char *class, const struct plot_point *low, const struct plot_point *high, size_t n, double until);
void plot_bar(struct plot *p, const char *class, double from, double to, double height);
void plot_dot(struct plot *p, const char *class, double x, double y);
void plot_shade(struct plot *p, const char *class, double from, double to);

#endif

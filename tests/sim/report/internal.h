/* Inside the reports only. */
#ifndef GX_SIM_REPORT_INTERNAL_H
#define GX_SIM_REPORT_INTERNAL_H

#include "tests/sim/measure.h"
#include "tests/sim/report/report.h"

#include <jansson.h>

/* What all three forms of a report are written from. */
struct report {
    struct gx_sim *sim;
    const struct gx_report *about;
    struct gx_sim_figures figures;
    uint32_t *latency;                  /* sorted; GX_SIM_NEVER last */
    const struct gx_sim_violation *violations;
    size_t n_violations;
    const struct gx_sim_counts *counts;
    char trace[65];
};

/* The time by which `share` of all messages that are due were there; GX_SIM_NEVER: they never were, or nothing was due. */
uint32_t report_quantile(const struct report *r, double share);
double report_per_event(const struct report *r, uint64_t sum);     /* per event and node that received it; 0 without any */
const char *report_node(const struct report *r, uint32_t node);    /* its name; "" for none */
void report_mark(const struct report *r, const struct gx_sim_mark *mark, char out[200]);
const char *report_commit(void);

/* Numbers as people read them.  Each returns out. */
#define TEXT_BYTES 48u
const char *text_ms(char out[TEXT_BYTES], uint64_t ms);
const char *text_never(char out[TEXT_BYTES], uint32_t ms);         /* likewise; "never" */
const char *text_bytes(char out[TEXT_BYTES], double bytes);
const char *text_count(char out[TEXT_BYTES], uint64_t n);
const char *text_ratio(char out[TEXT_BYTES], double v);

/* Each writes one file; false when that failed, errno says why. */
bool report_json(const struct report *r, FILE *f);
bool report_text(const struct report *r, FILE *f);
bool report_html(const struct report *r, FILE *f);

/* removals.c */
json_t *report_removals_json(const struct gx_sim_removals *r);
void report_removals_read(struct gx_sim_removals *out, const json_t *report);      /* of a report.json */
void report_removals_text(const struct gx_sim_removals *r, FILE *f);
void html_removals(FILE *f, const struct gx_sim_removals *r);

/* html.c: what pages have in common. */
void html_text(FILE *f, const char *text);      /* escaped */
void html_begin(FILE *f, const char *title);
void html_end(FILE *f);
void html_traffic(FILE *f, const struct report *r);
/* charts.c */
void html_charts(FILE *f, const struct report *r);

#endif

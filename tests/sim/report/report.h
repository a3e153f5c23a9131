/* Reports of runs, for people and for programs: report.txt, report.json and report.html in a folder.  tests/README.md, "Reports". */
#ifndef GX_SIM_REPORT_H
#define GX_SIM_REPORT_H

#include "tests/sim/scenario.h"

#include <stdio.h>

/* What the figures do not say.  All but title may be NULL. */
struct gx_report {
    const char *title;
    const char *again;                  /* the command that runs it again */
    const struct gx_scenario *scn;      /* that was played, with what was found */
    const char *source;                 /* the text of its file */
};

/* Write the report of a world that was made with `measure`, and checked.  dir is made when it is not there.
 * Returns 0, or the errno of what could not be written. */
int gx_report_write(struct gx_sim *sim, const struct gx_report *about, const char *dir) GX_MUST_CHECK;

/* Remove what was written in that folder by an earlier run, of one or of many: nothing else in it. */
void gx_report_clear(const char *dir);

/* A page over the reports in dir/seed-N, N from first_seed on, `runs` of them: a row each, and their extremes.  A run without a report ended before
 * it had one.  Returns 0, or an errno; ENOENT when there is none at all. */
int gx_report_index(const char *dir, const char *title, uint64_t first_seed, uint64_t runs) GX_MUST_CHECK;

/* Say where two report.json differ, field by field, and of the time in which half of all messages were there by what factor.  Returns 0 where they do not
 * differ, 1 where they do, 2 when one cannot be read (and says why on stderr).  The commit is said, and does not count: that other sources give other figures is
 * what is asked.  within > 0: 0 where in both all holds and as large a share was delivered, and that factor is `within` at most; runs of which one is of a
 * simulator and one of processes differ in all else. */
int gx_report_compare(const char *path_a, const char *path_b, double within, FILE *out);

/* A scenario as JSON, each act with its time, its names, and where it stands in the file: for who plays it with other nodes.  False: out takes no more. */
bool gx_report_acts(FILE *out, const struct gx_scenario *scn) GX_MUST_CHECK;

#endif

/* What doctor has looked at: a line for each thing. */
#ifndef GX_CLI_DOCTOR_H
#define GX_CLI_DOCTOR_H

#include "node/cli/cli.h"

struct gx_exam {
    const struct gx_cli *cli;
    json_t *checks;
    bool bad;               /* something is: exit 1 */
};

/* name: of the check; state: "ok", "warn" or "bad"; hint: what to do about it, NULL when there is nothing. */
void gx_exam_found(struct gx_exam *x, const char *name, const char *state, const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* doctor_net.c: the clock, where the running node is reached, and whom it hears. */
void gx_exam_clock(struct gx_exam *x);
void gx_exam_listeners(struct gx_exam *x);
void gx_exam_lan(struct gx_exam *x);

#endif

/* Building an answer: values are appended to a list in the step arena, then the answer leaves as an effect.
 *
 * Memory that is out is a fault of the step; the builder then swallows what is put and nothing is sent. */
#ifndef GX_ENGINE_ANSWERS_H
#define GX_ENGINE_ANSWERS_H

#include "node/engine/internal.h"

struct gx_answer_builder {
    struct gx_engine *e;
    uint64_t client, request;       /* whom it goes to */
    struct gx_value *values;
    size_t n, cap;
    uint32_t depth;                 /* objects and lists that are open */
};

void gx_answers_begin(struct gx_answer_builder *b, struct gx_engine *e, uint64_t client, uint64_t request);
/* Make room for n more values at once, where their number is known and large. */
void gx_answers_reserve(struct gx_answer_builder *b, size_t n);

/* key: static text or in the step arena; NULL inside a list.  text and hex copy what they are given. */
void gx_answers_text(struct gx_answer_builder *b, const char *key, const char *text);
void gx_answers_kept(struct gx_answer_builder *b, const char *key, const char *text);    /* static or in the step arena: not copied */
void gx_answers_hex(struct gx_answer_builder *b, const char *key, const uint8_t *p, size_t n);
void gx_answers_number(struct gx_answer_builder *b, const char *key, uint64_t number);
void gx_answers_bool(struct gx_answer_builder *b, const char *key, bool value);
void gx_answers_addr(struct gx_answer_builder *b, const char *key, const struct gx_addr *addr);
void gx_answers_object(struct gx_answer_builder *b, const char *key);
void gx_answers_list(struct gx_answer_builder *b, const char *key);
void gx_answers_end(struct gx_answer_builder *b);

/* All that was opened is ended (asserted). */
void gx_answers_send(struct gx_answer_builder *b);      /* the final answer: it went well */
void gx_answers_note(struct gx_answer_builder *b);      /* one object of a subscription that goes on */

/* The final answer: it did not.  Values put so far go along.  The message says what and why, the hint (static or in the step arena;
 * may be NULL) what to do next.
 * Name and exit code follow from err:  GX_E_USAGE usage 2 · GX_E_ABSENT not_found 3 · GX_E_AMBIGUOUS ambiguous 3 · GX_E_MALFORMED, GX_E_SIGNATURE,
 * GX_E_VERSION, GX_E_EXPIRED token_... 5 · GX_E_FULL, GX_E_STORE, GX_E_CORRUPT, GX_E_MEMORY store 74 · GX_E_AGAIN busy 1 · else its own name 1. */
void gx_answers_refuse(struct gx_answer_builder *b, enum gx_err err, const char *hint, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The group's rules do not allow it: exit code 4, but 5 for an invitation that has expired. */
void gx_answers_deny(struct gx_answer_builder *b, enum gx_deny deny, const char *hint, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* It cannot be done, for a reason that is neither the group's nor an error's: exit code 1.  name: static. */
void gx_answers_no(struct gx_answer_builder *b, const char *name, const char *hint, const char *format, ...) __attribute__((format(printf, 4, 5)));
void gx_answers_timeout(struct gx_answer_builder *b, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Text made in the step arena; "" when memory is out. */
const char *gx_answers_format(struct gx_engine *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

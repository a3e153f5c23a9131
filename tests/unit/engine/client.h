/* One engine on a real store, and a client that sends it commands: answers are laid out as lines "path=value", such as
 * "messages[0].text=hello", so that a test names what it looks at. */
#ifndef GX_TEST_ENGINE_CLIENT_H
#define GX_TEST_ENGINE_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/engine/engine.h"
#include "tests/unit/folder.h"

#define CLIENT_TEXT (4u << 20)

struct client {
    char dir[FOLDER_MAX];
    struct gx_store *store;
    struct gx_rng_stream rng;
    struct gx_engine_config config;
    struct gx_engine *engine;
    struct gx_time now;
    uint64_t wake;
    uint64_t id;                        /* of the control connection: a new one for each command */

    bool answered;                      /* the last answer */
    enum gx_err err;
    enum gx_deny deny;
    unsigned exit_code;
    char name[64];
    bool has_message, has_hint;
    char message[512];
    char *text;
    unsigned n_notes;                   /* notes since the last command, "0.type=..." */
    char *notes;
    size_t notes_n;

    uint32_t door;                      /* newest that was to be opened */
    struct gx_curve_pk door_pk;
    unsigned doors_opened, doors_closed;
    unsigned connects;
};

/* --- values as lines --------------------------------------------------------------------------------------------------------------- */

struct lines {
    char *out;
    size_t cap, n;
    const struct gx_answer *a;
    size_t at;
};

static inline void lines_add(struct lines *l, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline void lines_add(struct lines *l, const char *path, const char *format, ...)
{
    va_list args;

    l->n += (size_t)snprintf(l->out + l->n, l->cap - l->n, "%s=", path);
    assert_true(l->n < l->cap);
    va_start(args, format);
    l->n += (size_t)vsnprintf(l->out + l->n, l->cap - l->n, format, args);
    va_end(args);
    assert_true(l->n + 1 < l->cap);
    l->out[l->n++] = '\n';
    l->out[l->n] = 0;
}

/* The members of the object or list that is open, to its end. */
static inline void lines_walk(struct lines *l, const char *path, bool list)
{
    for (unsigned i = 0; l->at < l->a->n; i++) {
        const struct gx_value *v = &l->a->values[l->at++];
        char here[256];

        if (v->kind == GX_VALUE_END)
            return;
        assert_true(list == (v->key == NULL));      /* objects name their members, lists do not */
        if (list)
            snprintf(here, sizeof here, "%s[%u]", path, i);
        else
            snprintf(here, sizeof here, "%s%s%s", path, path[0] == 0 ? "" : ".", v->key);
        switch (v->kind) {
        case GX_VALUE_TEXT:
            lines_add(l, here, "%s", v->text);
            break;
        case GX_VALUE_NUMBER:
            lines_add(l, here, "%llu", (unsigned long long)v->number);
            break;
        case GX_VALUE_BOOL:
            lines_add(l, here, "%s", v->number ? "true" : "false");
            break;
        case GX_VALUE_NULL:
            lines_add(l, here, "null");
            break;
        case GX_VALUE_OBJECT:
            lines_walk(l, here, false);
            break;
        case GX_VALUE_LIST:
            lines_walk(l, here, true);
            break;
        case GX_VALUE_END:
            break;
        }
    }
}

static inline size_t lines_of(char *out, size_t cap, const char *path, const struct gx_answer *a)
{
    struct lines l = {.out = out, .cap = cap, .a = a};

    out[0] = 0;
    lines_walk(&l, path, false);
    assert_int_equal(l.at, a->n);               /* everything that was opened is closed */
    return l.n;
}

/* The value of a path, in a buffer that the next call uses again; NULL when there is none. */
static inline const char *line_get(const char *lines, const char *path)
{
    static char value[4][2048];
    static unsigned turn;
    size_t n = strlen(path);

    for (const char *p = lines; *p != 0; p = strchr(p, '\n') + 1) {
        if (strncmp(p, path, n) != 0 || p[n] != '=')
            continue;

        char *out = value[turn++ % 4];
        size_t len = strcspn(p + n + 1, "\n");

        assert_true(len < sizeof value[0]);
        memcpy(out, p + n + 1, len);
        out[len] = 0;
        return out;
    }
    return NULL;
}

/* --- one node ------------------------------------------------------------------------------------------------------------------------ */

static inline void client_open(struct client *c, bool offline)
{
    static const struct gx_root_key root = {{4}};
    struct gx_store_options options = {.create = !offline, .read_only = offline, .map_bytes = 64u << 20, .roots = &root, .n_roots = 1, .rng = &c->rng.rng};
    int sys = 0;

    memset(options.uuid, 7, sizeof options.uuid);
    assert_int_equal(gx_store_open(&c->store, c->dir, &options, &sys), GX_OK);
    c->config.store = c->store;
    c->config.offline = offline;
    c->config.rng = &c->rng.rng;
    assert_int_equal(gx_engine_new(&c->engine, &c->config, c->now), GX_OK);
}

static inline void client_close(struct client *c)
{
    gx_engine_free(c->engine);
    gx_store_close(c->store);
}

static inline struct client *client_new(const char *name)
{
    struct client *c = calloc(1, sizeof *c);
    uint8_t seed[32] = {42};
    struct gx_recovery rec;
    struct gx_dh_sk card;

    assert_non_null(c);
    c->text = calloc(1, CLIENT_TEXT);
    c->notes = calloc(1, CLIENT_TEXT);
    c->now = (struct gx_time){.mono_ms = 5000, .wall_ms = 1790000000123ull};
    assert_true(folder_make(c->dir));
    gx_rng_stream_init(&c->rng, seed);
    gx_rng_fill(&c->rng.rng, rec.b, sizeof rec.b);
    gx_rng_fill(&c->rng.rng, card.b, sizeof card.b);
    gx_person_make(&c->config.person, &rec, &card, 1);
    c->config.card_sk = card;
    gx_rng_fill(&c->rng.rng, c->config.device_seed.b, 32);
    gx_rng_fill(&c->rng.rng, c->config.incarnation.b, 32);
    gx_rng_fill(&c->rng.rng, c->config.transport_pk.b, 32);
    snprintf(c->config.name, sizeof c->config.name, "%s", name);
    client_open(c, false);
    return c;
}

static inline void client_free(struct client *c)
{
    client_close(c);
    assert_true(folder_remove(c->dir));
    free(c->text);
    free(c->notes);
    free(c);
}

static inline void client_effect(struct client *c, const struct gx_effect *ef)
{
    char path[16];

    switch (ef->kind) {
    case GX_OUT_ANSWER:
        assert_false(c->answered);          /* each command has one answer */
        assert_int_equal(ef->request, ef->client + 1000);
        c->answered = true;
        c->err = ef->answer->err;
        c->deny = ef->answer->deny;
        c->exit_code = ef->answer->exit_code;
        c->has_message = ef->answer->message != NULL;
        c->has_hint = ef->answer->hint != NULL;
        assert_int_equal(c->err == GX_OK, c->exit_code == 0);
        assert_int_equal(c->err == GX_OK, ef->answer->name == NULL && !c->has_message);
        snprintf(c->name, sizeof c->name, "%s", ef->answer->name == NULL ? "" : ef->answer->name);
        snprintf(c->message, sizeof c->message, "%s", c->has_message ? ef->answer->message : "");
        lines_of(c->text, CLIENT_TEXT, "", ef->answer);
        break;
    case GX_OUT_NOTE:
        assert_true(ef->answer->more);
        snprintf(path, sizeof path, "%u", c->n_notes++);
        c->notes_n += lines_of(c->notes + c->notes_n, CLIENT_TEXT - c->notes_n, path, ef->answer);
        break;
    case GX_OUT_DOOR_OPEN:
        c->doors_opened++;
        c->door = ef->door;
        c->door_pk = ef->door_pk;
        break;
    case GX_OUT_DOOR_CLOSE:
        c->doors_closed++;
        break;
    case GX_OUT_VERIFY:
        fail_msg("a node that is alone has nothing to verify");
        break;
    case GX_OUT_CONNECT:
        c->connects++;
        break;
    case GX_OUT_WAKE:
        c->wake = ef->wake_mono_ms;
        break;
    case GX_OUT_SEND:
    case GX_OUT_DISCONNECT:
    case GX_OUT_NAME:
    case GX_OUT_LOG:
    case GX_OUT_TRANSPORT_KEY:
    case GX_OUT_VACUUM:
    case GX_OUT_BEACON:
    case GX_OUT_DATAGRAM:
        break;
    }
}

static inline void client_step(struct client *c, struct gx_input in)
{
    struct gx_effects effects;

    in.now = c->now;
    assert_int_equal(gx_engine_step(c->engine, &effects, &in, 1), GX_OK);
    for (size_t i = 0; i < effects.n; i++)
        client_effect(c, &effects.list[i]);
}

static inline void client_listen(struct client *c)
{
    struct gx_addr addr = {.family = 4, .ip = {192, 0, 2, 1}, .port = 7447};

    client_step(c, (struct gx_input){.kind = GX_IN_LISTENING, .n_addrs = 1, .addrs = &addr});
}

/* Time passes, and the engine is woken when it asked for it. */
static inline void client_pass(struct client *c, uint64_t ms)
{
    uint64_t end = c->now.mono_ms + ms;

    for (unsigned rounds = 0; c->wake != 0 && c->wake <= end; rounds++) {
        assert_true(rounds < 10000);
        if (c->wake > c->now.mono_ms) {
            c->now.wall_ms += c->wake - c->now.mono_ms;
            c->now.mono_ms = c->wake;
        }
        c->wake = 0;
        client_step(c, (struct gx_input){.kind = GX_IN_TIMER});
    }
    c->now.wall_ms += end - c->now.mono_ms;
    c->now.mono_ms = end;
}

/* Send a command.  True when it was answered at once. */
static inline bool client_ask(struct client *c, struct gx_command cmd)
{
    c->answered = false;
    c->n_notes = 0;
    c->notes_n = 0;
    c->notes[0] = 0;
    cmd.request = ++c->id + 1000;
    client_step(c, (struct gx_input){.kind = GX_IN_COMMAND, .client = c->id, .command = &cmd});
    return c->answered;
}

static inline const char *client_get(const struct client *c, const char *path)
{
    return line_get(c->text, path);
}

#define GIVEN(x) (1u << GX_PARAM_##x)

/* The last command went well. */
#define assert_done(c)                                  \
    do {                                                \
        assert_true((c)->answered);                     \
        assert_string_equal((c)->name, "");             \
        assert_int_equal((c)->exit_code, 0);            \
    } while (0)
/* It did not, and says why. */
#define assert_refused(c, code, error_name)             \
    do {                                                \
        assert_true((c)->answered);                     \
        assert_string_equal((c)->name, error_name);     \
        assert_int_equal((c)->exit_code, code);         \
        assert_true((c)->has_message);                  \
    } while (0)
#define assert_value(c, path, value)                    \
    do {                                                \
        const char *got_ = client_get(c, path);         \
        assert_non_null(got_);                          \
        assert_string_equal(got_, value);               \
    } while (0)

#endif

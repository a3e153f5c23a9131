/* What the tests of the store share: a store in a folder of its own, authors who write real events, and a look at everything. */
#ifndef GX_TESTS_UNIT_STORE_SUPPORT_H
#define GX_TESTS_UNIT_STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/rng.h"
#include "store/check.h"
#include "store/rows.h"
#include "tests/blind.h"

#define OK(call) assert_int_equal((call), GX_OK)

/* ---- a store ---- */

struct place {
    char dir[64];
    char file[96];
    struct gx_store *store;
};

static inline void place_make(struct place *p)
{
    memset(p, 0, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/gx-store-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->file, sizeof p->file, "%.63s/%s", p->dir, GX_STORE_FILE);
}

/* What every store here is sealed under. */
static const struct gx_root_key place_root = {{7, 7, 7}};

static inline struct gx_rng *place_rng(void)
{
    static struct gx_rng_stream stream;
    static bool begun;

    if (!begun)
        gx_rng_stream_init(&stream, place_root.b);
    begun = true;
    return &stream.rng;
}

static inline enum gx_err place_open(struct place *p, struct gx_store_options options)
{
    int sys_errno;

    if (options.roots == NULL) {
        options.roots = &place_root;
        options.n_roots = 1;
    }
    options.rng = place_rng();
    memset(options.uuid, 0x75, sizeof options.uuid);
    return gx_store_open(&p->store, p->dir, &options, &sys_errno);
}

/* As most tests want it: without syncing, which is tested by crashes elsewhere. */
static inline void place_fresh(struct place *p)
{
    place_make(p);
    OK(place_open(p, (struct gx_store_options){.create = true, .volatile_store = true}));
}

static inline void place_close(struct place *p)
{
    gx_store_close(p->store);
    p->store = NULL;
}

static inline void place_remove(struct place *p)
{
    char path[128];

    place_close(p);
    (void)unlink(p->file);
    snprintf(path, sizeof path, "%.95s-lock", p->file);
    (void)unlink(path);
    assert_int_equal(rmdir(p->dir), 0);     /* nothing else was left behind */
}

static inline struct gx_txn *begin(struct place *p, bool write)
{
    struct gx_txn *txn;

    OK(gx_txn_begin(&txn, p->store, write));
    return txn;
}

static inline void commit(struct gx_txn *txn)
{
    OK(gx_txn_commit(&txn));
    assert_null(txn);
}

static inline struct gx_store_info info_of(struct place *p)
{
    struct gx_store_info info;
    struct gx_txn *txn = begin(p, false);

    gx_txn_info(txn, &info);
    gx_txn_abort(&txn);
    return info;
}

/* ---- chance ---- */

struct chance {
    struct gx_rng_stream stream;
    uint8_t pool[512];
    size_t left;
};

static inline void chance_init(struct chance *c, uint64_t seed)
{
    uint8_t bytes[32] = {0};

    memcpy(bytes, &seed, sizeof seed);
    gx_rng_stream_init(&c->stream, bytes);
    c->left = 0;
}

static inline uint32_t chance_below(struct chance *c, uint32_t n)
{
    uint32_t v;

    if (c->left < sizeof v) {
        gx_rng_fill(&c->stream.rng, c->pool, sizeof c->pool);
        c->left = sizeof c->pool;
    }
    c->left -= sizeof v;
    memcpy(&v, c->pool + c->left, sizeof v);
    return v % n;
}

/* ---- authors ---- */

struct author {
    struct gx_sign_sk sk;
    struct gx_group_id group;
    struct gx_log_row row;              /* of the caller: in memory, as the node keeps it */
    uint8_t body[BLIND_BYTES], blind[BLIND_BYTES];      /* of the last event written */
    uint8_t dep[32];
    bool unsigned_events;               /* where many are needed and nobody verifies them */
    bool bare_events;                   /* where many have to lie together: their bodies were deleted, for no sealed event is short */
};

static inline struct gx_group_id group_id(uint8_t n)
{
    struct gx_group_id id;

    memset(id.b, 0xa0 + n, sizeof id.b);
    return id;
}

/* Device `n` of group `gnum`.  The row's numbers are given by the store later. */
static inline void author_make(struct author *a, uint8_t n, uint32_t gnum, enum gx_log_class cls)
{
    struct gx_sign_seed seed;

    memset(a, 0, sizeof *a);
    memset(seed.b, n, sizeof seed.b);
    a->group = group_id((uint8_t)gnum);
    a->row.gnum = gnum;
    a->row.cls = (uint8_t)cls;
    gx_sign_keypair(&a->row.device, &a->sk, &seed);
    memset(a->row.incarnation.b, 1, sizeof a->row.incarnation.b);
    memset(a->row.member.b, n + 0x80, sizeof a->row.member.b);
    gx_log_id_make(&a->row.id, &a->row.member, &a->row.device, &a->row.incarnation, cls);
}

static inline void text_body(struct author *a, struct gx_event *ev, size_t bytes)
{
    static uint8_t text[GX_TEXT_BYTES_MAX];
    struct gx_body body = {.type = GX_EV_TEXT};
    struct gx_wr w = gx_wr(a->body, sizeof a->body);

    assert_true(bytes >= 1 && bytes <= sizeof text);
    memset(text, 'a' + (int)(ev->seq % 26), bytes);
    body.u.text = (struct gx_body_text){.wall_ms = 1700000000000ull + ev->seq, .text = gx_span(text, bytes)};
    blind(&body, a->blind);
    gx_body_encode(&w, &body);
    assert_false(w.failed);
    ev->body = gx_wr_span(&w);
}

static inline void name_body(struct author *a, struct gx_event *ev, size_t bytes)
{
    static uint8_t name[GX_NAME_BYTES_MAX];
    struct gx_body body = {.type = GX_EV_ALIAS};
    struct gx_wr w = gx_wr(a->body, sizeof a->body);

    memset(name, 'A' + (int)(ev->seq % 26), sizeof name);
    body.u.alias = (struct gx_body_alias){.name = gx_span(name, bytes < sizeof name ? bytes : sizeof name)};
    blind(&body, a->blind);
    gx_body_encode(&w, &body);
    assert_false(w.failed);
    ev->body = gx_wr_span(&w);
}

/* The event after `prev` at `seq`: a text, or on a control log an alias that depends on its own predecessor. */
static inline void author_write(struct author *a, struct gx_event *ev, uint32_t seq, const struct gx_event_id *prev, size_t bytes)
{
    bool control = a->row.cls == GX_LOG_CONTROL;

    *ev = (struct gx_event){.ver = GX_EVENT_VERSION, .type = control ? GX_EV_ALIAS : GX_EV_TEXT, .group = a->group, .log = a->row.id,
                            .seq = seq, .prev = *prev, .tick = seq + UINT64_C(10)};
    if (control) {
        memcpy(a->dep, prev->b, sizeof a->dep);
        if (seq == 1)
            memset(a->dep, 0xdd, sizeof a->dep);
        ev->deps = a->dep;
        ev->n_deps = 1;
        ev->wall_ms = 60000ull * seq;
        name_body(a, ev, bytes);
    } else {
        text_body(a, ev, bytes);
    }
    if (a->unsigned_events) {
        ev->body_len = (uint32_t)ev->body.n;
        gx_event_derive(ev);
    } else {
        gx_event_seal(ev, &a->sk);
    }
    if (a->bare_events)
        ev->body = gx_span(NULL, 0);
}

/* Write one event and append it; the row in memory follows, the one on disk does not. */
static inline uint64_t author_append(struct gx_txn *txn, struct author *a, size_t bytes)
{
    struct gx_event ev;
    uint64_t arrival;

    author_write(a, &ev, a->row.head_seq + 1, &a->row.head_id, bytes);
    OK(gx_events_append(txn, &arrival, &a->row, &ev));
    return arrival;
}

/* The same for an event that only a later one of its chunk proves. */
static inline uint64_t author_append_covered(struct gx_txn *txn, struct author *a, size_t bytes)
{
    struct gx_event ev;
    uint64_t arrival;

    author_write(a, &ev, a->row.head_seq + 1, &a->row.head_id, bytes);
    OK(gx_events_append_covered(txn, &arrival, &a->row, &ev));
    return arrival;
}

/* A chunk of events that nobody has seen yet, as a peer would send it. */
struct parcel {
    uint8_t bytes[GX_CHUNK_HEADER_BYTES + GX_CHUNK_BYTES_MAX + GX_RECORD_BYTES_MAX];
    struct gx_wr w;
    struct gx_chunk chunk;
    struct gx_event_id ids[GX_CHUNK_EVENTS_MAX];
    uint64_t last_tick;
    uint32_t n_texts;
};

static inline void parcel_make(struct parcel *p, struct author *a, uint16_t count, size_t bytes)
{
    struct gx_event_id prev = a->row.head_id;

    p->w = gx_wr(p->bytes, sizeof p->bytes);
    p->n_texts = 0;
    gx_chunk_write_header(&p->w, &a->row.id, a->row.head_seq + 1, &prev, count);
    for (uint16_t i = 0; i < count; i++) {
        struct gx_event ev;
        author_write(a, &ev, a->row.head_seq + 1 + i, &prev, bytes);
        gx_record_encode(&p->w, &ev);
        p->ids[i] = prev = ev.id;
        p->last_tick = ev.tick;
        p->n_texts += ev.type == GX_EV_TEXT;
    }
    assert_false(p->w.failed);
    OK(gx_chunk_decode(&p->chunk, gx_wr_span(&p->w)));
}

static inline enum gx_err parcel_put(struct gx_txn *txn, uint64_t *arrival, struct author *a, const struct parcel *p, bool all)
{
    return gx_events_put_chunk(txn, arrival, &a->row, &p->chunk, p->ids, p->last_tick, p->n_texts, all);
}

/* A group row whose id fits the authors', and a number for each author's log. */
static inline void group_put(struct gx_txn *txn, uint32_t gnum)
{
    struct gx_group_row row = {.id = group_id((uint8_t)gnum), .state = GX_GROUP_MEMBER, .since_ms = 1};

    OK(gx_group_new_number(txn, &row.gnum));
    assert_int_equal(row.gnum, gnum);
    OK(gx_group_put(txn, &row));
}

static inline void author_register(struct gx_txn *txn, struct author *a)
{
    OK(gx_log_new_number(txn, &a->row.lnum));
    OK(gx_log_put(txn, &a->row));
}

/* A fresh store with one group, and `n` authors of messages in it. */
static inline void scene_make(struct place *p, struct author *authors, size_t n)
{
    place_fresh(p);
    struct gx_txn *txn = begin(p, true);
    group_put(txn, 1);
    for (size_t i = 0; i < n; i++) {
        author_make(&authors[i], (uint8_t)(i + 1), 1, GX_LOG_MESSAGES);
        author_register(txn, &authors[i]);
    }
    commit(txn);
}

/* Folding changes rows on disk; here are the copies of memory. */
struct copies {
    struct author *authors;
    size_t n;
    uint32_t calls;
};

static inline void copy_row(void *ctx, const struct gx_log_row *row)
{
    struct copies *c = ctx;

    c->calls++;
    for (size_t i = 0; i < c->n; i++)
        if (c->authors[i].row.lnum == row->lnum)
            c->authors[i].row = *row;
}

static inline uint32_t fold_now(struct gx_txn *txn, struct author *authors, size_t n)
{
    struct copies c = {authors, n, 0};
    uint32_t folded;

    for (size_t i = 0; i < n; i++)
        OK(gx_log_put(txn, &authors[i].row));
    OK(gx_events_fold(txn, &folded, true, copy_row, &c));
    return folded;
}

/* Does `mistake` stop the program?  In a child, without a core file and without its last words on the terminal. */
static inline bool aborts(void (*mistake)(void))
{
    const pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        const int nowhere = open("/dev/null", O_WRONLY);

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        mistake();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* ---- a look at everything ---- */

static inline void say_stderr(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "check: %s\n", line);
}

static inline struct gx_check_report check_quietly(struct place *p)
{
    struct gx_check_report report;
    struct gx_txn *txn = begin(p, false);

    OK(gx_store_check(txn, &report, NULL, NULL));
    gx_txn_abort(&txn);
    return report;
}

static inline struct gx_check_report check_clean(struct place *p)
{
    struct gx_check_report report;
    struct gx_txn *txn = begin(p, false);

    OK(gx_store_check(txn, &report, say_stderr, NULL));
    gx_txn_abort(&txn);
    assert_int_equal(report.problems, 0);
    return report;
}

/* Every event of the author's log can be read one by one, and carries the text it was written with. */
static inline void read_all(struct gx_txn *txn, const struct author *a)
{
    struct gx_event_id prev = a->row.base_id;

    for (uint32_t seq = a->row.base_seq + 1; seq <= a->row.head_seq; seq++) {
        struct gx_event ev;
        OK(gx_events_get(txn, &ev, &a->row, &a->group, seq));
        assert_int_equal(ev.seq, seq);
        assert_true(gx_event_id_equal(&ev.prev, &prev));
        prev = ev.id;
    }
    assert_true(gx_event_id_equal(&prev, &a->row.head_id));
}

#endif

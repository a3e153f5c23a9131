/* What the law keeps of pasts.  A plain member who leaves often and is admitted again by copies of its own request costs every node memory at every
 * start: LAW §15 bounds it. */
#include "tests/unit/proto/story.h"

#include "proto/law.h"

static size_t in_use;

static void *resize(void *self, void *block, size_t bytes)
{
    size_t *p = block == NULL ? NULL : (size_t *)block - 2;

    (void)self;
    in_use -= p == NULL ? 0 : *p;
    if (bytes == 0) {
        free(p);
        return NULL;
    }
    p = realloc(p, bytes + 2 * sizeof *p);
    assert_non_null(p);
    *p = bytes;
    in_use += bytes;
    return p + 2;
}

static uint32_t add(struct gx_law *law, enum gx_law_kind kind, uint32_t author, uint32_t target, uint32_t token, const struct gx_law_edges *edges)
{
    struct gx_law_op op = {.author = author, .device = author, .target = target, .to_device = GX_LAW_NONE, .token = token, .kind = (uint8_t)kind,
                           .qr = kind == GX_OP_ADMIT};
    uint32_t x = law->n_ops, mixed = x * 2654435761u;

    memcpy(op.id.b, &mixed, sizeof mixed);
    memcpy(op.id.b + 4, &x, sizeof x);
    assert_int_equal(gx_law_add(law, &op, edges), GX_OK);
    return x;
}

/* n_admits more in one line, each with the heads of n_heads others: the memory they take. */
static void measure(uint32_t n_leaves, uint32_t n_heads, uint32_t n_admits, size_t *bytes)
{
    struct gx_law law;
    struct gx_sign_pk m[2] = {{{1}}, {{2}}};
    uint32_t forks[GX_EVENT_DEPS_MAX], heads[GX_EVENT_DEPS_MAX];

    gx_law_begin(&law, &(struct gx_law_memory){.resize = resize}, 500, 100, 32);
    for (int i = 0; i < 2; i++)
        assert_int_equal(gx_law_add_person(&law, &m[i]), i);

    uint32_t prev = add(&law, GX_OP_CREATE, 0, 0, GX_LAW_NONE, &(struct gx_law_edges){.prev = GX_LAW_NONE});
    uint32_t token = add(&law, GX_OP_TOKEN, 0, GX_LAW_NONE, GX_LAW_NONE, &(struct gx_law_edges){.prev = prev});
    uint32_t admit = add(&law, GX_OP_ADMIT, 0, 1, token, &(struct gx_law_edges){.prev = token});

    for (uint32_t i = 0; i < n_heads; i++)
        forks[i] = add(&law, GX_OP_ALIAS, 1, GX_LAW_NONE, GX_LAW_NONE, &(struct gx_law_edges){.deps = &admit, .n_deps = 1, .prev = GX_LAW_NONE});
    prev = admit;
    for (uint32_t i = 0; i < n_leaves; i++)
        prev = add(&law, GX_OP_LEAVE, 1, GX_LAW_NONE, GX_LAW_NONE, &(struct gx_law_edges){.deps = &prev, .n_deps = 1, .prev = prev});
    assert_int_equal(gx_law_settle(&law), GX_OK);
    memcpy(heads, forks, sizeof heads);

    size_t before = in_use;

    for (uint32_t i = 0; i < n_admits; i++) {
        prev = add(&law, GX_OP_ADMIT, 1, 1, token, &(struct gx_law_edges){.deps = forks, .n_deps = n_heads, .heads = heads, .n_heads = n_heads, .prev = prev});
        assert_int_equal(gx_law_settle(&law), GX_OK);
    }
    *bytes = in_use - before;
    gx_law_end(&law);
    assert_int_equal(in_use, 0);
}

static void test_admissions_keep_little_memory(void **state)
{
    size_t bytes = 0;

    (void)state;
    measure(5000, 1, 2000, &bytes);
    assert_true(bytes < 32u << 20);
    measure(5000, 254, 3, &bytes);
    assert_true(bytes < 1u << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admissions_keep_little_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/os/program.h"

#include "node/os/node.h"
#include "node/os/open.h"
#include "node/os/system.h"
#include "store/keys.h"
#include "store/wrap.h"

#include <sodium.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* Nodes that are locked and unlocked, by clients that do it at once, in odd orders, or oddly. */
static struct gx_home home;
static char a[GX_PATH_MAX + 8];

#define UNLOCK "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"unlock\",\"params\":{\"passphrase\":\"tea leaf\"}}\n"
#define ASK(method) "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"" method "\"}\n"

static int make(void **state)
{
    (void)state;
    home_make(&home);
    snprintf(a, sizeof a, "%s/a", home.data);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    (void)RUN(a, A("down"));
    (void)unsetenv("GUANXI_PASSPHRASE_CMD");
    home_remove(&home);
    return 0;
}

static void with_passphrase(const char *format)
{
    char command[128];

    snprintf(command, sizeof command, "printf '%s'", format);
    assert_int_equal(setenv("GUANXI_PASSPHRASE_CMD", command, 1), 0);
}

static pid_t up(const char *locked)
{
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0"), A("--json"), A(locked)));
    return (pid_t)out_number("pid");
}

/* The same passphrase by the same command, wherever it is given: what cannot be taken later is not taken first. */
static void test_a_passphrase_is_a_line_of_text_and_not_cut(void **state)
{
    static const char *const refused[] = {"", "\\0tea", "tea\\0leaf", "tea\\0leaf\\n", "caf\\351", "caf\\351\\n", "%01024d", "%01024d\\n", "%05000d\\n"};
    static const char *const good[] = {"%01023d", "%01023d\\n", "caf\\303\\251\\n"};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(refused); i++) {
        with_passphrase(refused[i]);
        EXPECT(77, RUN(a, A("init"), A("--name"), A("A")));
        EXPECT(69, RUN(a, A("lock")));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(good); i++) {
        with_passphrase(good[i]);
        EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
        (void)up("--locked");
        EXPECT(0, RUN(a, A("unlock")));
        EXPECT(0, RUN(a, A("down")));
        home_remove(&home);
        home_make(&home);
        snprintf(a, sizeof a, "%s/a", home.data);
    }
}

/* All that is said to these lines, which come at once, until the node hangs up. */
static void say_at_once(char *answers, size_t size, const char *lines)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = 0;
    ssize_t got;

    snprintf(addr.sun_path, sizeof addr.sun_path, "%.90s/guanxi.sock", a);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(send(fd, lines, strlen(lines), MSG_NOSIGNAL), strlen(lines));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while (n < size - 1 && (got = read(fd, answers + n, size - 1 - n)) > 0)
        n += (size_t)got;
    answers[n] = 0;
    close(fd);
}

/* What came with the unlock is answered before anything is open. */
static void test_who_asks_while_it_is_being_unlocked_is_answered(void **state)
{
    char answers[4096];
    (void)state;

    with_passphrase("tea leaf");
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    (void)up("--locked");
    say_at_once(answers, sizeof answers, UNLOCK UNLOCK ASK("status") ASK("group.list"));
    assert_non_null(strstr(answers, "\"state\":\"locked\""));
    assert_non_null(strstr(answers, "this node is locked"));
    UNTIL("\"state\":\"ready\"", a, A("status"), A("--json"));
}

/* Seen by the passphrase being right, and the rest not opening. */
static void test_an_unlock_says_when_the_node_ended_of_it(void **state)
{
    char store[GX_PATH_MAX + 32];
    (void)state;

    with_passphrase("tea leaf");
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    snprintf(store, sizeof store, "%s/store.mdb", a);
    assert_int_equal(truncate(store, 100), 0);
    (void)up("--locked");
    EXPECT(69, RUN(a, A("unlock"), A("--json")));
    assert_non_null(strstr(ran.err, "/a/log says more"));
    EXPECT(69, RUN(a, A("lock")));
}

/* Who told it to stop waits for its end, and was promised it. */
static void test_a_node_that_is_told_to_stop_and_to_lock_stops(void **state)
{
    static const char *const orders[] = {ASK("stop") ASK("lock"), ASK("lock") ASK("stop"), ASK("lock") ASK("lock") ASK("stop")};
    char answers[4096];
    (void)state;

    with_passphrase("tea leaf");
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    for (size_t i = 0; i < GX_ARRAY_LEN(orders); i++) {
        struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, up("-q"), 0), .events = POLLIN};

        assert_true(end.fd >= 0);
        say_at_once(answers, sizeof answers, orders[i]);
        assert_int_equal(poll(&end, 1, 20000), 1);
        close(end.fd);
        EXPECT(69, RUN(a, A("lock")));
    }
}

/* --- the keys of the store ----------------------------------------------------------------------------------------------------------- */

/* Rows until there is no room to seal them anew. */
static void fill(struct gx_store *store)
{
    struct gx_prekey_row prekey = {.pk = {{8}}};
    enum gx_err err = GX_OK;
    struct gx_txn *txn;

    for (uint32_t i = 0; err == GX_OK; i++) {
        memcpy(prekey.pk.b + 1, &i, sizeof i);
        assert_int_equal(gx_txn_begin(&txn, store, true), GX_OK);
        err = gx_prekey_put(txn, 1, &prekey);
        if (err == GX_OK)
            err = gx_txn_commit(&txn);
        gx_txn_abort(&txn);
    }
    assert_int_equal(err, GX_E_FULL);
}

static void store_open(struct gx_node *node, size_t map_bytes)
{
    const struct gx_store_options options = {.create = true, .rng = gx_system_rng(), .roots = node->vault->roots, .n_roots = node->vault->n_roots,
                                             .map_bytes = map_bytes};
    int sys_errno;

    assert_int_equal(gx_store_open(&node->store, home.data, &options, &sys_errno), GX_OK);
}

static void vault_again(struct gx_node *node)
{
    const struct gx_passphrase none = {.n = 0};
    struct gx_fail why;

    gx_vault_close(node->vault);
    assert_true(gx_vault_open(&node->vault, &home, &none, &why));
}

/* Of a commit that failed nobody knows what reached the disk.  So both root keys stay, and the next change goes on to the same one. */
static void test_a_change_of_keys_that_failed_keeps_both_root_keys(void **state)
{
    const struct gx_passphrase none = {.n = 0};
    struct gx_node node = {.signal_fd = -1};
    struct gx_recovery recovery;
    struct gx_identity id;
    struct gx_fail why;
    (void)state;

    assert_true(sodium_init() >= 0);
    gx_identity_make(&id, &recovery, "A");
    gx_rng_hedged_init(&node.rng, gx_system_rng(), &id.device_seed);
    assert_true(gx_vault_make(&node.vault, &home, &id, &none, &why));
    store_open(&node, 512 << 10);
    fill(node.store);
    struct gx_root_key first = node.vault->roots[0], tried[2];
    for (size_t i = 0; i < 2; i++) {
        node.rewrap_at_ms = 0;
        gx_node_change_keys(&node);
        assert_true(node.rewrap_at_ms > 0 && gx_store_root_is(node.store, &first));
        vault_again(&node);
        assert_int_equal(node.vault->n_roots, 2);
        assert_memory_equal(&node.vault->roots[0], &first, sizeof first);
        tried[i] = node.vault->roots[1];
    }
    assert_memory_equal(&tried[0], &tried[1], sizeof tried[0]);

    gx_store_close(node.store);
    store_open(&node, 8 << 20);
    node.rewrap_at_ms = 0;
    gx_node_change_keys(&node);
    assert_true(gx_store_root_is(node.store, &tried[0]));
    vault_again(&node);
    assert_int_equal(node.vault->n_roots, 1);
    assert_memory_equal(&node.vault->roots[0], &tried[0], sizeof tried[0]);
    gx_store_close(node.store);
    gx_vault_close(node.vault);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_a_passphrase_is_a_line_of_text_and_not_cut),
        T(test_who_asks_while_it_is_being_unlocked_is_answered),
        T(test_an_unlock_says_when_the_node_ended_of_it),
        T(test_a_node_that_is_told_to_stop_and_to_lock_stops),
        T(test_a_change_of_keys_that_failed_keeps_both_root_keys),
    };
    return cmocka_run_group_tests_name("os/locked", tests, NULL, NULL);
}

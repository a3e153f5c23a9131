#include "tests/unit/os/homes.h"

#include "node/os/control.h"
#include "node/os/system.h"

#include <errno.h>
#include <fcntl.h>

/* The server under test, and the few lines of a loop around it.  What an engine would do is done by each test. */
static struct gx_home home;
static struct gx_control *control;
static struct gx_input inputs[GX_STEP_INPUTS_MAX];
static size_t n_inputs;
static struct gx_fail why;

static void mark(void *ctx, json_t *result)
{
    (void)ctx;
    (void)json_object_set_new(result, "node", json_true());
}

static int make(void **state)
{
    (void)state;
    home_make(&home);
    struct gx_control_config config = {.home = &home, .decorate = mark};
    return gx_control_open(&control, &config, &why) ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    gx_control_close(control);
    home_remove(&home);
    return 0;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One turn of the loop, without waiting. */
static void turn(void)
{
    zmq_pollitem_t items[GX_CONTROL_ITEMS];
    struct gx_time now = gx_now();
    size_t n = gx_control_items(control, items, GX_CONTROL_ITEMS, now);

    assert_true(zmq_poll(items, (int)n, 0) >= 0);
    n_inputs = gx_control_take(control, inputs, GX_STEP_INPUTS_MAX, items, n, now);
    gx_control_flush(control);
}

static int dial(void)
{
    struct sockaddr_un addr;
    int dir_fd, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(gx_home_socket_addr(&addr, &dir_fd, home.socket_dir, home.socket_name));
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    turn();     /* accepted: what it says is read by the next */
    return fd;
}

static void answer(const struct gx_input *command, const struct gx_answer *with)
{
    struct gx_effect effect = {.kind = GX_OUT_ANSWER, .client = command->client, .request = command->command->request, .answer = with};

    gx_control_do(control, &effect);
    gx_control_flush(control);
}

static const struct gx_answer empty = {.err = GX_OK};

/* What the client has to read now; "" nothing, "(end)" that it was cut off. */
static const char *hear(int fd)
{
    static char text[4096];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN))
        return "(end)";
    text[n < 0 ? 0 : n] = 0;
    return text;
}

#define STATUS(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"status\"}\n"

static void test_the_socket_is_for_this_user_only(void **state)
{
    char path[GX_PATH_MAX];
    struct stat st;
    (void)state;

    gx_home_socket_path(path, &home);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777u, 0600);
}

static void test_a_command_goes_to_the_engine_and_its_answer_comes_back(void **state)
{
    int fd = dial();
    (void)state;

    say(fd, STATUS("\"q\""));
    turn();
    assert_int_equal(n_inputs, 1);
    assert_int_equal(inputs[0].kind, GX_IN_COMMAND);
    assert_int_equal(inputs[0].command->method, GX_CMD_STATUS);
    assert_string_equal(hear(fd), "");
    answer(&inputs[0], &empty);
    assert_string_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"node\":true}}\n");
    close(fd);
}

static void test_a_line_may_come_in_pieces_and_lines_may_come_together(void **state)
{
    int fd = dial();
    (void)state;

    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,");
    turn();
    assert_int_equal(n_inputs, 0);
    say(fd, "\"method\":\"id\"}\r\n\n" STATUS("2") STATUS("3"));
    turn();
    assert_int_equal(n_inputs, 1);
    assert_int_equal(inputs[0].command->method, GX_CMD_ID);
    assert_true(gx_control_waiting(control));
    turn();
    assert_int_equal(n_inputs, 1);
    turn();
    assert_int_equal(n_inputs, 1);
    assert_false(gx_control_waiting(control));
    turn();
    assert_int_equal(n_inputs, 0);
    close(fd);
}

static void test_refusals_are_answered_without_the_engine(void **state)
{
    int fd = dial();
    (void)state;

    say(fd, "nonsense\n");
    turn();
    assert_int_equal(n_inputs, 0);
    assert_non_null(strstr(hear(fd), "\"id\":null,\"error\":{\"code\":-32700"));
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"nope\"}\n");
    turn();
    assert_non_null(strstr(hear(fd), "\"id\":5,\"error\":{\"code\":-32601"));
    struct gx_control_stats stats;
    gx_control_stats(control, &stats);
    assert_int_equal(stats.refused, 2);
    close(fd);
}

static void test_an_error_of_the_engine_becomes_an_error_object(void **state)
{
    const struct gx_answer denied = {.err = GX_E_DENIED, .name = "full", .message = "m", .exit_code = 4};
    int fd = dial();
    (void)state;

    say(fd, STATUS("1"));
    turn();
    answer(&inputs[0], &denied);
    assert_string_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32004,\"message\":\"m\",\"data\":{\"code\":4,\"name\":\"full\"}}}\n");
    close(fd);
}

static void test_stop_and_discover_are_answered_here(void **state)
{
    int fd = dial();
    (void)state;

    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}\n");
    turn();
    assert_non_null(strstr(hear(fd), "\"methods\":["));
    assert_false(gx_control_stop_asked(control));
    (void)hear(fd);
    (void)hear(fd);
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"stop\"}\n");
    turn();
    assert_true(gx_control_stop_asked(control));
    assert_int_equal(n_inputs, 0);
    close(fd);
}

static void test_a_client_that_leaves_is_told_once_and_its_late_answers_are_dropped(void **state)
{
    int fd = dial();
    (void)state;

    say(fd, STATUS("1"));
    turn();
    assert_int_equal(n_inputs, 1);
    uint64_t client = inputs[0].client, request = inputs[0].command->request;
    close(fd);
    turn();
    assert_int_equal(n_inputs, 1);
    assert_int_equal(inputs[0].kind, GX_IN_CLIENT_GONE);
    assert_int_equal(inputs[0].client, client);
    struct gx_effect late = {.kind = GX_OUT_ANSWER, .client = client, .request = request, .answer = &empty};
    gx_control_do(control, &late);
    turn();
    assert_int_equal(n_inputs, 0);
}

static void test_a_client_that_asked_nothing_is_not_worth_telling_of(void **state)
{
    int fd = dial();
    (void)state;

    close(fd);
    turn();
    assert_int_equal(n_inputs, 0);
    turn();
    assert_int_equal(n_inputs, 0);
}

/* `printf ... | nc -U -N`: the client says all it has to say, then listens. */
static void test_a_half_closed_client_still_gets_its_answer_and_then_the_end(void **state)
{
    int fd = dial();
    (void)state;

    say(fd, STATUS("1"));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn();
    assert_int_equal(n_inputs, 1);
    struct gx_input command = inputs[0];
    assert_string_equal(hear(fd), "");
    answer(&command, &empty);
    assert_non_null(strstr(hear(fd), "result"));
    assert_true(gx_control_waiting(control));
    turn();
    assert_string_equal(hear(fd), "(end)");
    close(fd);
}

static void test_notes_of_a_watch_go_out_until_the_client_leaves(void **state)
{
    static const struct gx_value values[] = {{.kind = GX_VALUE_NUMBER, .key = "seq", .number = 9}};
    const struct gx_answer note = {.more = true, .n = 1, .values = values};
    int fd = dial();
    (void)state;

    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"watch\"}\n");
    turn();
    struct gx_effect effect = {.kind = GX_OUT_NOTE, .client = inputs[0].client, .request = inputs[0].command->request, .answer = &note};
    for (int i = 0; i < 2; i++) {
        gx_control_do(control, &effect);
        gx_control_flush(control);
        assert_string_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"method\":\"watch\",\"params\":{\"seq\":9}}\n");
    }
    close(fd);
}

static void test_a_reader_that_does_not_read_is_cut_off_and_costs_a_bounded_queue(void **state)
{
    static char big[50000];
    struct gx_value values[] = {{.kind = GX_VALUE_TEXT, .key = "text", .text = big}};
    const struct gx_answer note = {.more = true, .n = 1, .values = values};
    struct gx_control_stats stats;
    int fd = dial();
    unsigned sent = 0;
    (void)state;

    memset(big, 'x', sizeof big - 1);
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"watch\"}\n");
    turn();
    struct gx_effect effect = {.kind = GX_OUT_NOTE, .client = inputs[0].client, .request = inputs[0].command->request, .answer = &note};
    do {
        gx_control_do(control, &effect);
        gx_control_flush(control);
        gx_control_stats(control, &stats);
    } while (stats.slow == 0 && ++sent < 1000);
    assert_int_equal(stats.slow, 1);
    assert_true(sent * sizeof big < 4u * GX_CONTROL_QUEUE_MAX);
    turn();
    assert_int_equal(inputs[0].kind, GX_IN_CLIENT_GONE);
    close(fd);
}

/* Answers too: one who asks and does not read is not asked for more. */
static void test_a_client_that_does_not_read_its_answers_is_not_read_from(void **state)
{
    static char big[200000];
    struct gx_value values[] = {{.kind = GX_VALUE_TEXT, .key = "text", .text = big}};
    const struct gx_answer large = {.n = 1, .values = values};
    int fd = dial();
    unsigned answered = 0;
    (void)state;

    memset(big, 'x', sizeof big - 1);
    for (unsigned i = 0; i < 60; i++)
        say(fd, STATUS("1"));
    for (unsigned i = 0; i < 100; i++) {
        turn();
        for (size_t k = 0; k < n_inputs; k++, answered++)
            answer(&inputs[k], &large);
    }
    assert_true(answered >= 5 && answered < 20);
    assert_false(gx_control_waiting(control));
    close(fd);
}

static void test_a_line_without_end_is_cut_off(void **state)
{
    static char piece[65536];
    int fd = dial();
    size_t sent = 0;
    (void)state;

    memset(piece, 'a', sizeof piece);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (unsigned i = 0; i < 100; i++) {
        ssize_t n = send(fd, piece, sizeof piece, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        if (n < 0 && errno == EPIPE)
            break;
        turn();
    }
    assert_true(sent > GX_CONTROL_LINE_MAX && sent < 2 * GX_CONTROL_LINE_MAX);
    assert_non_null(strstr(hear(fd), "longer than 1 MiB"));
    close(fd);
}

static void test_requests_under_way_are_bounded(void **state)
{
    int fd = dial();
    unsigned under_way = 0;
    (void)state;

    for (unsigned i = 0; i < GX_CONTROL_PENDING + 1; i++)
        say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\"}\n");
    for (unsigned i = 0; i < GX_CONTROL_PENDING + 2; i++) {
        turn();
        under_way += (unsigned)n_inputs;
    }
    assert_int_equal(under_way, GX_CONTROL_PENDING);
    assert_non_null(strstr(hear(fd), "too many requests"));
    close(fd);
}

/* What follows a `send` goes into the same step, and shares its commit; no other command is followed by one. */
static void test_sends_of_one_connection_go_together(void **state)
{
    int fd = dial(), other = dial();
    (void)state;

    for (unsigned i = 0; i < 3; i++)
        say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"group\":\"tea\",\"text\":\"x\"}}\n");
    say(fd, STATUS("2"));
    say(fd, STATUS("3"));
    say(other, STATUS("4"));
    turn();
    assert_int_equal(n_inputs, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(inputs[i].command->method, i == 1 || i == 4 ? GX_CMD_STATUS : GX_CMD_SEND);
    assert_int_not_equal(inputs[1].client, inputs[0].client);       /* each has its first before any has its second */
    assert_true(gx_control_waiting(control));
    turn();
    assert_int_equal(n_inputs, 1);
    close(fd);
    close(other);
}

/* More than one step takes, and more than may be under way: nothing is refused, the rest waits. */
static void test_more_sends_than_a_step_takes_wait_for_the_next(void **state)
{
    unsigned n = 3 * GX_CONTROL_COMMANDS, taken = 0, turns = 0;
    int fd = dial();
    (void)state;

    for (unsigned i = 0; i < n; i++)
        say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"group\":\"tea\",\"text\":\"x\"}}\n");
    for (; taken < n && turns < 10; turns++) {
        turn();
        assert_true(n_inputs <= GX_CONTROL_COMMANDS);
        for (size_t k = 0; k < n_inputs; k++, taken++)
            answer(&inputs[k], &empty);
    }
    assert_int_equal(taken, n);
    assert_true(turns < 6);
    close(fd);
}

/* One beyond is heard, but only about what must always work. */
static void test_a_full_node_can_still_be_asked_how_it_is_and_be_stopped(void **state)
{
    int fds[GX_CONTROL_CLIENTS], extra;
    (void)state;

    for (size_t i = 0; i < GX_CONTROL_CLIENTS; i++)
        fds[i] = dial();
    extra = dial();
    assert_string_equal(hear(extra), "");
    say(extra, STATUS("1"));
    turn();
    assert_int_equal(n_inputs, 1);
    answer(&inputs[0], &empty);
    assert_non_null(strstr(hear(extra), "\"result\""));
    say(extra, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"id\"}\n");
    turn();
    assert_int_equal(n_inputs, 0);
    const char *busy = hear(extra);
    assert_non_null(strstr(busy, "\"id\":2,\"error\":{\"code\":-32001"));
    assert_non_null(strstr(busy, "\"name\":\"busy\""));
    assert_non_null(strstr(busy, "\"hint\":\""));
    say(extra, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"stop\"}\n");
    turn();
    assert_true(gx_control_stop_asked(control));
    close(extra);
    for (size_t i = 0; i < GX_CONTROL_CLIENTS; i++)
        close(fds[i]);
}

/* However many sit there and say nothing: the last who came is heard. */
static void test_connections_are_bounded_and_room_comes_back(void **state)
{
    int fds[GX_CONTROL_PLACES + 3], extra;
    size_t n = GX_ARRAY_LEN(fds);
    struct gx_control_stats stats;
    (void)state;

    for (size_t i = 0; i < n; i++)
        fds[i] = dial();
    gx_control_stats(control, &stats);
    assert_int_equal(stats.too_many, 3);
    for (size_t i = GX_CONTROL_CLIENTS; i < GX_CONTROL_CLIENTS + 3; i++) {
        assert_non_null(strstr(hear(fds[i]), "\"name\":\"busy\""));
        assert_string_equal(hear(fds[i]), "(end)");
    }
    assert_string_equal(hear(fds[n - 1]), "");
    say(fds[n - 1], STATUS("1"));
    turn();
    assert_int_equal(n_inputs, 1);
    close(fds[3]);
    turn();
    extra = dial();
    say(extra, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"id\"}\n");
    turn();
    assert_int_equal(n_inputs, 1);
    close(extra);
    for (size_t i = 0; i < n; i++)
        if (i != 3)
            close(fds[i]);
}

/* All at once: no place is passed over because others have much to say. */
static void test_every_place_has_its_turn(void **state)
{
    int fds[GX_CONTROL_PLACES];
    (void)state;

    for (size_t i = 0; i < GX_CONTROL_PLACES; i++)
        fds[i] = dial();
    for (size_t i = 0; i < GX_CONTROL_PLACES; i++)
        say(fds[i], STATUS("1"));
    turn();
    assert_int_equal(n_inputs, GX_CONTROL_PLACES);
    for (size_t i = 0; i < GX_CONTROL_PLACES; i++)
        close(fds[i]);
}

static void test_a_stale_socket_is_no_obstacle(void **state)
{
    struct gx_control_config config = {.home = &home};
    struct gx_control *second;
    char path[GX_PATH_MAX];
    (void)state;

    /* As after a kill -9: the file is there, nobody listens.  (Here somebody does; who holds the lock may take it over.) */
    gx_home_socket_path(path, &home);
    assert_int_equal(access(path, F_OK), 0);
    assert_true(gx_control_open(&second, &config, &why));
    gx_control_close(second);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* Whatever bytes come, each line is refused or becomes a command, and the connection lives on. */
static void test_mutated_lines_never_end_the_connection(void **state)
{
    static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"read\",\"params\":{\"group\":\"tea\",\"since\":4,\"unread\":true}}";
    unsigned commands = 0, refused = 0;
    struct gx_rng_stream rng;
    int fd = dial();
    (void)state;

    rng_seed(&rng, 5);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t line[300];
        memcpy(line, start, sizeof start - 1);
        /* Every fourth line is whole: the connection still serves. */
        size_t n = i % 4 == 0 ? sizeof start - 1 : mutate(&rng, line, sizeof start - 1, sizeof line - 1);
        line[n++] = '\n';
        assert_int_equal(send(fd, line, n, MSG_NOSIGNAL), n);
        do {
            turn();
            for (size_t k = 0; k < n_inputs; k++, commands++) {
                assert_int_equal(inputs[k].kind, GX_IN_COMMAND);
                answer(&inputs[k], &empty);
            }
        } while (gx_control_waiting(control));
        const char *heard;
        while ((heard = hear(fd))[0] != 0) {
            assert_string_not_equal(heard, "(end)");
            refused += strstr(heard, "\"error\"") != NULL;
        }
    }
    printf("mutants: %u commands, %u refused\n", commands, refused);
    assert_true(commands > 750 && refused > 500);
    close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_the_socket_is_for_this_user_only),
        T(test_a_command_goes_to_the_engine_and_its_answer_comes_back),
        T(test_a_line_may_come_in_pieces_and_lines_may_come_together),
        T(test_refusals_are_answered_without_the_engine),
        T(test_an_error_of_the_engine_becomes_an_error_object),
        T(test_stop_and_discover_are_answered_here),
        T(test_a_client_that_leaves_is_told_once_and_its_late_answers_are_dropped),
        T(test_a_client_that_asked_nothing_is_not_worth_telling_of),
        T(test_a_half_closed_client_still_gets_its_answer_and_then_the_end),
        T(test_notes_of_a_watch_go_out_until_the_client_leaves),
        T(test_a_reader_that_does_not_read_is_cut_off_and_costs_a_bounded_queue),
        T(test_a_client_that_does_not_read_its_answers_is_not_read_from),
        T(test_a_line_without_end_is_cut_off),
        T(test_requests_under_way_are_bounded),
        T(test_sends_of_one_connection_go_together),
        T(test_more_sends_than_a_step_takes_wait_for_the_next),
        T(test_a_full_node_can_still_be_asked_how_it_is_and_be_stopped),
        T(test_connections_are_bounded_and_room_comes_back),
        T(test_every_place_has_its_turn),
        T(test_a_stale_socket_is_no_obstacle),
        T(test_mutated_lines_never_end_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Discovery on real sockets: several nodes of one machine on its loopback interface, and machines that a cable joins, which are network namespaces. */
#include "tests/unit/os/cables.h"

static struct party parties[PARTIES_MAX];

static int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < PARTIES_MAX; i++)
        party_close(&parties[i]);
    cables_clear();
    clock_ahead_ms = clock_stopped_ms = 0;
    return 0;
}

#define WAIT(condition)                                      \
    do {                                                     \
        uint64_t wait_end = mono_ms() + 20000;               \
        while (!(condition)) {                               \
            assert_true(mono_ms() < wait_end);               \
            parties_turn(parties, 50);                       \
        }                                                    \
    } while (0)

#define ON_LOOPBACK "127.0.0.1:0"
#define EVERYWHERE "[::]:0"

/* --- one machine ------------------------------------------------------------------------------------------------------------------------ */

static void test_the_first_word_is_where_beacons_can_go_out_from(void **state)
{
    struct party *a;
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1);
    assert_int_equal(a->n_sources, 1);
    assert_memory_equal(a->sources[0].ip, ((uint8_t[16]){127, 0, 0, 1}), 16);
    assert_int_not_equal(a->sources[0].port, 0);
    assert_int_not_equal(a->sources[0].port, GX_LAN_PORT);
}

static void test_nodes_of_one_machine_hear_each_other_and_not_themselves(void **state)
{
    struct party *a, *b, *c;
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    b = party_open(&parties[1], here, ON_LOOPBACK);
    c = party_open(&parties[2], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1 && b->n_lans == 1 && c->n_lans == 1);
    beacon(a, 0, "one");
    WAIT(heard(b, "one") == 1 && heard(c, "one") == 1);
    assert_true(gx_addr_equal(&last_heard(b)->from, &a->sources[0]));
    beacon(b, 0, "two");
    beacon(c, 0, "three");
    WAIT(heard(a, "two") == 1 && heard(a, "three") == 1 && heard(b, "three") == 1 && heard(c, "two") == 1);
    assert_int_equal(heard(a, "one") + heard(b, "two") + heard(c, "three"), 0);
}

static void test_an_answer_comes_to_the_one_who_asked(void **state)
{
    struct party *a, *b, *c;
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    b = party_open(&parties[1], here, ON_LOOPBACK);
    c = party_open(&parties[2], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1 && b->n_lans == 1 && c->n_lans == 1);
    beacon(a, 0, "who");
    WAIT(heard(b, "who") == 1 && heard(c, "who") == 1);
    answer(b, &last_heard(b)->from, "I");
    answer(c, &last_heard(c)->from, "you");
    WAIT(heard(a, "I") == 1 && heard(a, "you") == 1);
    assert_int_equal(b->n_heard + c->n_heard, 2);
    assert_true(gx_addr_equal(&last_heard(a)->from, &c->sources[0]) || gx_addr_equal(&last_heard(a)->from, &b->sources[0]));
}

/* A router would have lowered the 255; a program that is not ours says something else; what is for one alone is not said at the port of all. */
static void test_what_is_not_ours_or_not_from_here_does_not_wake_anybody(void **state)
{
    struct party *a;
    uint8_t b[GX_LAN_DATAGRAM_MAX + 1] = {'g', 'u', 'a', 'n', 'x', 'i', 0, 1};
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1);
    uint64_t before = stats_of(a).unfit;
    say(GROUP, 254, "127.0.0.1", b, 20);
    say(GROUP, 1, "127.0.0.1", b, 20);
    say(GROUP, 255, "127.0.0.1", b, GX_LAN_DATAGRAM_MIN - 1);
    say(GROUP, 255, "127.0.0.1", b, GX_LAN_DATAGRAM_MAX + 1);
    say("127.0.0.1", 255, "127.0.0.1", b, 20);
    for (size_t i = 0; i < 7; i++) {
        b[i] ^= 1;
        say(GROUP, 255, "127.0.0.1", b, 20);
        b[i] ^= 1;
    }
    WAIT(stats_of(a).unfit == before + 12);
    assert_false(is_readable(a));
    say(GROUP, 255, "127.0.0.1", b, GX_LAN_DATAGRAM_MAX);
    say(GROUP, 255, "127.0.0.1", b, GX_LAN_DATAGRAM_MIN);
    WAIT(a->n_heard == 2);
    assert_int_equal(a->heard[0].n, GX_LAN_DATAGRAM_MAX);
    assert_int_equal(a->heard[1].n, GX_LAN_DATAGRAM_MIN);
}

static void test_the_same_from_the_same_is_heard_once(void **state)
{
    struct party *a;
    uint8_t b[20] = {'g', 'u', 'a', 'n', 'x', 'i', 0, 1};
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1);
    say(GROUP, 255, "127.0.0.1", b, 20);
    say(GROUP, 255, "127.0.0.1", b, 20);
    WAIT(stats_of(a).repeated == 1);
    assert_int_equal(a->n_heard, 1);
    /* Who says it after another does not silence them. */
    say(GROUP, 255, "127.0.0.2", b, 20);
    WAIT(a->n_heard == 2);
    clock_ahead_ms += 2000;
    say(GROUP, 255, "127.0.0.1", b, 20);
    WAIT(a->n_heard == 3);
}

/* The clock stands still, so what is taken is what one moment allows. */
static void test_of_a_flood_little_is_taken(void **state)
{
    struct party *a, *b;
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    b = party_open(&parties[1], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1 && b->n_lans == 1);
    clock_stopped_ms = test_now().mono_ms;
    flood(5000, 200);
    for (int i = 0; i < 100; i++)
        parties_turn(parties, 0);
    struct gx_discovery_stats s = stats_of(a);
    assert_int_equal(s.heard + s.hasty + s.repeated, GX_LAN_BURST);
    assert_true(s.unfit > 1000);            /* no room: the kernel's */
    assert_false(is_readable(a));           /* though much is there */
    assert_in_range(gx_discovery_due_ms(a->d, test_now().mono_ms), 1, 1000);
    /* An answer is heard meanwhile. */
    answer(b, &a->sources[0], "still here");
    WAIT(heard(a, "still here") == 1);
    for (int i = 0; i < 10; i++) {
        clock_stopped_ms += 100;
        flood(1000, 200);
        for (int k = 0; k < 20; k++)
            parties_turn(parties, 0);
    }
    s = stats_of(a);
    assert_in_range(s.heard + s.hasty + s.repeated, GX_LAN_BURST + 1, GX_LAN_BURST + GX_LAN_PACE + 1);
}

static void test_one_host_does_not_take_the_place_of_all(void **state)
{
    struct party *a;
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1);
    clock_stopped_ms = test_now().mono_ms;
    flood(GX_LAN_BURST - 3, 1);
    say_number("127.0.0.97", 1);
    say_number("127.0.0.98", 1);
    say_number("127.0.0.99", 1);
    WAIT(stats_of(a).heard + stats_of(a).hasty == GX_LAN_BURST);
    assert_in_range(a->n_heard, GX_LAN_HOST_BURST + 1, GX_LAN_HOST_BURST + 3);     /* one in 256 shares its account with another, by chance */
    assert_in_range(last_heard(a)->from.ip[3], 97, 99);
}

/* The loop comes by at least each half minute. */
static void test_a_machine_that_slept_is_told_anew_where_it_is(void **state)
{
    struct party *a;
    (void)state;

    need_network();
    a = party_open(&parties[0], here, ON_LOOPBACK);
    WAIT(a->n_lans == 1);
    clock_ahead_ms += 60000;
    parties_turn(parties, 0);
    assert_int_equal(a->n_lans, 1);
    clock_ahead_ms += 3600000;
    parties_turn(parties, 0);
    assert_int_equal(a->n_lans, 2);
    parties_turn(parties, 0);
    assert_int_equal(a->n_lans, 2);
}

static void test_a_port_that_another_program_keeps_is_said(void **state)
{
    struct gx_addr listen = {.family = 6};
    struct gx_discovery *d;
    struct gx_fail why = {0};
    int four, six;
    (void)state;

    need_network();
    four = taken_port(AF_INET);
    six = taken_port(AF_INET6);
    bool opened = gx_discovery_open(&d, &listen, &all_on, &why);
    close(four);
    if (six >= 0)
        close(six);
    assert_false(opened);
    assert_null(d);
    assert_string_equal(why.name, "lan");
}

static void test_off_is_nothing_at_all(void **state)
{
    struct gx_discovery_stats s;
    struct gx_input in[GX_DISCOVERY_INPUTS];
    zmq_pollitem_t items[GX_DISCOVERY_ITEMS];
    (void)state;

    assert_int_equal(gx_discovery_items(NULL, items, GX_DISCOVERY_ITEMS, test_now()), 0);
    assert_int_equal(gx_discovery_take(NULL, in, GX_DISCOVERY_INPUTS, items, 0, test_now()), 0);
    gx_discovery_do(NULL, &(struct gx_effect){.kind = GX_OUT_BEACON});
    assert_int_equal(gx_discovery_due_ms(NULL, 1), -1);
    gx_discovery_stats(NULL, &s);
    assert_int_equal(s.n_sources, 0);
    gx_discovery_close(NULL);
}

/* --- two machines ----------------------------------------------------------------------------------------------------------------------- */

static void test_two_machines_hear_each_other_once(void **state)
{
    struct party *a, *b;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    a = party_open(&parties[0], here, EVERYWHERE);
    b = party_open(&parties[1], there, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL && source_of(b, "10.7.1.2") != NULL);
    beacon_from(a, source_of(a, "10.7.1.1"), "one");
    WAIT(heard(b, "one") == 1 && stats_of(b).repeated == 1);
    assert_true(gx_addr_equal(&last_heard(b)->from, source_of(a, "10.7.1.1")));
    answer(b, &last_heard(b)->from, "two");
    WAIT(heard(a, "two") == 1);
    assert_true(gx_addr_equal(&last_heard(a)->from, source_of(b, "10.7.1.2")));
    assert_int_equal(stats_of(a).unsent + stats_of(b).unsent, 0);
}

static void test_where_multicast_is_missing_a_broadcast_is_heard(void **state)
{
    struct party *a, *b;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    run_ip(here, "link set west multicast off");
    run_ip(there, "link set east multicast off");
    a = party_open(&parties[0], here, EVERYWHERE);
    b = party_open(&parties[1], there, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL && source_of(b, "10.7.1.2") != NULL);
    beacon_from(a, source_of(a, "10.7.1.1"), "one");
    WAIT(heard(b, "one") == 1);
    assert_int_equal(stats_of(a).sent, 1);
    assert_int_equal(stats_of(a).unsent, 0);
}

/* A network on which nothing but multicast is: IPv6 has no broadcast. */
static void test_ipv6_goes_by_link_local_addresses_with_their_interface(void **state)
{
    struct party *a, *b;
    (void)state;

    need_cables();
    cable(NULL, NULL);
    a = party_open(&parties[0], here, EVERYWHERE);
    b = party_open(&parties[1], there, EVERYWHERE);
    /* Once the kernel is sure that nobody else has these addresses. */
    WAIT(link_local_of(a) != NULL && link_local_of(b) != NULL);
    assert_int_equal(link_local_of(a)->scope, index_of(here, "west"));
    beacon_from(a, link_local_of(a), "one");
    WAIT(heard(b, "one") == 1);
    assert_int_equal(last_heard(b)->from.scope, index_of(there, "east"));
    assert_memory_equal(last_heard(b)->from.ip, link_local_of(a)->ip, 16);
    assert_int_equal(last_heard(b)->from.port, link_local_of(a)->port);
    answer(b, &last_heard(b)->from, "two");
    WAIT(heard(a, "two") == 1);
    assert_int_equal(stats_of(a).repeated + stats_of(b).repeated, 0);
}

/* zyre#698. */
static void test_a_second_address_is_a_second_place_to_speak_from(void **state)
{
    struct party *a, *b;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    a = party_open(&parties[0], here, EVERYWHERE);
    b = party_open(&parties[1], there, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL && source_of(b, "10.7.1.2") != NULL);
    run_ip(here, "addr add 10.7.2.1/24 dev west");
    WAIT(source_of(a, "10.7.2.1") != NULL);
    assert_non_null(source_of(a, "10.7.1.1"));
    beacon_from(a, source_of(a, "10.7.2.1"), "second");
    beacon_from(a, source_of(a, "10.7.1.1"), "first");
    WAIT(heard(b, "second") == 1 && heard(b, "first") == 1);
    run_ip(here, "addr del 10.7.1.1/24 dev west");
    WAIT(source_of(a, "10.7.1.1") == NULL);
}

static size_t link_locals_of(const struct party *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_sources; i++)
        n += p->sources[i].family == 6;
    return n;
}

/* A cable and Wi-Fi into one network: what goes out by one comes in by the other, with the number of another interface. */
static void test_two_interfaces_on_one_network_are_no_two_nodes(void **state)
{
    struct party *a;
    (void)state;

    need_cables();
    run_ip(here, "link add west type veth peer name west2");
    run_ip(here, "link set west up");
    run_ip(here, "link set west2 up");
    a = party_open(&parties[0], here, EVERYWHERE);
    WAIT(link_locals_of(a) == 2);
    for (size_t i = 0; i < a->n_sources; i++)
        if (a->sources[i].family == 6)
            beacon(a, i, "one");
    WAIT(stats_of(a).own + stats_of(a).heard + stats_of(a).repeated == 4);
    assert_int_equal(heard(a, "one"), 0);
    assert_int_equal(stats_of(a).own, 4);
}

/* A port that stayed would tell who was in the other network. */
static void test_who_moves_speaks_from_another_port(void **state)
{
    struct party *a, *b;
    uint16_t port;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    a = party_open(&parties[0], here, EVERYWHERE);
    b = party_open(&parties[1], there, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL && source_of(b, "10.7.1.2") != NULL);
    port = source_of(a, "10.7.1.1")->port;
    run_ip(here, "addr add 10.7.1.9/24 brd + dev west");
    run_ip(here, "addr del 10.7.1.1/24 dev west");
    run_ip(here, "addr add 10.7.1.9/24 brd + dev west");
    WAIT(source_of(a, "10.7.1.9") != NULL && source_of(a, "10.7.1.1") == NULL);
    assert_int_not_equal(source_of(a, "10.7.1.9")->port, port);
    beacon_from(a, source_of(a, "10.7.1.9"), "one");
    WAIT(heard(b, "one") == 1);
    answer(b, &last_heard(b)->from, "two");
    WAIT(heard(a, "two") == 1);
    assert_int_equal(heard(a, "one"), 0);
}

/* More often than a socket may be in a group (igmp_max_memberships): what went has to be left. */
#define ROUNDS 22

static void test_an_interface_that_comes_back_is_heard_again(void **state)
{
    struct party *a, *b;
    (void)state;

    need_cables();
    a = party_open(&parties[0], here, EVERYWHERE);
    b = party_open(&parties[1], there, EVERYWHERE);
    WAIT(a->n_lans == 1 && b->n_lans == 1);
    for (int i = 0; i < ROUNDS; i++) {
        char word[32];

        cable("10.7.1.1", "10.7.1.2");
        WAIT(source_of(a, "10.7.1.1") != NULL && source_of(b, "10.7.1.2") != NULL);
        snprintf(word, sizeof word, "round %d", i);
        beacon_from(a, source_of(a, "10.7.1.1"), word);
        WAIT(heard(b, word) == 1 && stats_of(b).repeated == (uint64_t)i + 1);       /* by multicast, too */
        cables_clear();
        WAIT(source_of(a, "10.7.1.1") == NULL && source_of(b, "10.7.1.2") == NULL);
    }
}

/* A beacon for an address that has just gone is counted, and no more. */
static void test_what_cannot_go_out_is_counted(void **state)
{
    struct party *a;
    struct gx_addr gone, far = {.family = 4, .ip = {192, 0, 2, 9}, .port = 1}, link_local = {.family = 6, .ip = {0xfe, 0x80, [15] = 9}, .port = 1};
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    run_ip(here, "route add default via 10.7.1.2");
    a = party_open(&parties[0], here, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL);
    gone = *source_of(a, "10.7.1.1");
    cables_clear();
    beacon_from(a, &gone, "in vain");
    assert_int_equal(stats_of(a).unsent, 2);        /* multicast and broadcast */
    WAIT(source_of(a, "10.7.1.1") == NULL);
    beacon_from(a, &gone, "in vain");
    assert_int_equal(stats_of(a).unsent, 3);
    cable("10.7.1.1", "10.7.1.2");
    run_ip(here, "route add default via 10.7.1.2");
    /* There is a router that would take it away from here. */
    answer(a, &far, "too far");
    answer(a, &link_local, "where");
    assert_int_equal(stats_of(a).unsent, 5);
    assert_int_equal(stats_of(a).sent, 0);
}

/* Zyre#179: 250 times a second. */
static void test_a_flapping_interface_is_one_change_a_second(void **state)
{
    struct party *a;
    size_t before;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    a = party_open(&parties[0], here, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL && link_local_of(a) != NULL);
    clock_ahead_ms += 5000;
    clock_stopped_ms = test_now().mono_ms;
    parties_turn(parties, 0);
    before = a->n_lans;
    for (int i = 0; i < 5; i++) {
        run_batch(here, 50, "link set west down\nlink set west up\n");
        for (int k = 0; k < 20; k++)
            parties_turn(parties, 0);
    }
    WAIT(gx_discovery_due_ms(a->d, clock_stopped_ms) == 1000);
    assert_true(a->n_lans <= before + 1);
    assert_false(is_readable(a));                   /* nor is it woken meanwhile */
    run_ip(here, "link set west down");
    clock_stopped_ms += 1000;
    parties_turn(parties, 0);
    assert_true(a->n_lans <= before + 2);
    assert_null(source_of(a, "10.7.1.1"));          /* as it is then */
    clock_stopped_ms = 0;
    run_ip(here, "link set west up");
    WAIT(source_of(a, "10.7.1.1") != NULL);
}

/* Each look can mean new beacons, new connections and a new record for everybody; it is for as long as a bad plug stays. */
static void test_an_interface_that_flaps_for_minutes_is_looked_at_less_and_less(void **state)
{
    struct party *a;
    size_t looks = 0, woken = 0, before;
    uint64_t looked;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    a = party_open(&parties[0], here, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL && link_local_of(a) != NULL);
    clock_ahead_ms += 60000;
    clock_stopped_ms = test_now().mono_ms;
    parties_turn(parties, 0);
    before = a->n_lans;
    looked = gx_discovery_looked_ms(a->d);
    for (int second = 0; second < 120; second++) {
        run_ip(here, second % 2 == 0 ? "link set west down" : "link set west up");
        woken += is_readable(a);
        parties_turn(parties, 0);
        parties_turn(parties, 0);
        looks += gx_discovery_looked_ms(a->d) != looked;
        looked = gx_discovery_looked_ms(a->d);
        clock_stopped_ms += 1000;
    }
    assert_in_range(looks, 5, 15);
    assert_true(woken <= looks + 1);
    assert_true(a->n_lans - before <= looks);
    /* When it was quiet for a while, what changes is seen at once. */
    clock_stopped_ms += 16000;
    parties_turn(parties, 0);
    clock_stopped_ms += 60000;
    run_ip(here, "addr add 10.7.2.1/24 dev west");
    parties_turn(parties, 0);
    parties_turn(parties, 0);
    clock_stopped_ms += 1000;
    run_ip(here, "addr add 10.7.3.1/24 dev west");
    parties_turn(parties, 0);
    parties_turn(parties, 0);
    assert_non_null(source_of(a, "10.7.3.1"));
}

/* Who tells of changes is lost, and cannot be had again for a while: then it is looked every half minute. */
static void test_without_news_it_is_looked_now_and_then(void **state)
{
    struct rlimit before, none;
    struct party *a;
    int null, watch;
    (void)state;

    need_cables();
    a = party_open(&parties[0], here, EVERYWHERE);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    watch = netlink_fd();
    WAIT(a->n_lans == 1);
    clock_ahead_ms += 5000;
    clock_stopped_ms = test_now().mono_ms;
    assert_true(null >= 0 && dup2(null, watch) == watch);
    close(null);
    cable("10.7.1.1", "10.7.1.2");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)watch;        /* it has the highest number of all */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    parties_turn(parties, 0);
    parties_turn(parties, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(netlink_fd(), -1);
    assert_int_equal(gx_discovery_due_ms(a->d, test_now().mono_ms), 30000);
    assert_null(source_of(a, "10.7.1.1"));
    clock_stopped_ms += 30000;
    parties_turn(parties, 0);
    assert_non_null(source_of(a, "10.7.1.1"));
    /* And there is news again. */
    assert_true(netlink_fd() >= 0);
    cables_clear();
    clock_stopped_ms += 1000;
    WAIT(source_of(a, "10.7.1.1") == NULL);
}

/* Each interface has one before any has a second. */
static void test_more_addresses_than_there_is_room_for_are_counted(void **state)
{
    struct party *a;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    for (unsigned i = 2; i < 2 + GX_LAN_SOURCES_MAX; i++) {
        char line[64];

        snprintf(line, sizeof line, "addr add 10.7.%u.1/24 dev west", i);
        run_ip(here, line);
    }
    run_ip(here, "link add north type veth peer name south");
    run_ip(here, "addr add 10.8.1.1/24 dev north");
    run_ip(here, "link set north up");
    run_ip(here, "link set south up");
    a = party_open(&parties[0], here, "0.0.0.0:0");
    WAIT(source_of(a, "10.7.1.1") != NULL && source_of(a, "10.8.1.1") != NULL && source_of(a, "127.0.0.1") != NULL);
    assert_int_equal(a->n_sources, GX_LAN_SOURCES_MAX);
    assert_int_equal(stats_of(a).left_out, 3);
    run_ip(here, "link del north");
}

/* Containers hang on cables whose ends have link-local addresses and no other. */
static void test_many_containers_do_not_push_out_a_second_address(void **state)
{
    struct party *a;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    for (unsigned i = 0; i < GX_LAN_SOURCES_MAX / 2 + 1; i++) {
        char lines[128];

        snprintf(lines, sizeof lines, "link add c%u type veth peer name d%u\nlink set c%u up\nlink set d%u up\n", i, i, i, i);
        run_ip(here, lines);
    }
    run_ip(here, "addr add 10.7.2.1/24 dev west");
    a = party_open(&parties[0], here, EVERYWHERE);
    WAIT(a->n_sources == GX_LAN_SOURCES_MAX && stats_of(a).left_out > 0);
    assert_non_null(source_of(a, "10.7.1.1"));
    assert_non_null(source_of(a, "10.7.2.1"));
    for (unsigned i = 0; i < GX_LAN_SOURCES_MAX / 2 + 1; i++) {
        char line[32];

        snprintf(line, sizeof line, "link del c%u", i);
        run_ip(here, line);
    }
}

static const struct gx_modes three = {
    .usual = GX_MODE_OFF,
    .n = 2,
    .named = {{.network = "north", .mode = GX_MODE_CONTACTS}, {.network = "west", .mode = GX_MODE_ON}},
};

/* Node a, for which `west` is on, `north` for contacts alone, and all else off; and b, on the same three networks. */
static void on_three_networks(struct party **a, struct party **b)
{
    cable("10.7.1.1", "10.7.1.2");
    cable_of("north", "10.8.1.1", "south", "10.8.1.2");
    cable_of("roof", "10.9.1.1", "cellar", "10.9.1.2");
    *a = party_open_with(&parties[0], here, EVERYWHERE, &three);
    *b = party_open(&parties[1], there, EVERYWHERE);
    WAIT(source_of(*a, "10.7.1.1") != NULL && source_of(*a, "10.8.1.1") != NULL);
    WAIT(source_of(*b, "10.7.1.2") != NULL && source_of(*b, "10.8.1.2") != NULL && source_of(*b, "10.9.1.2") != NULL);
}

static bool is_for_contacts(const struct party *p, const char *ip)
{
    return (p->contacts_only >> (source_of(p, ip) - p->sources) & 1u) != 0;
}

static void test_each_network_has_its_mode(void **state)
{
    struct party *a, *b;
    struct gx_discovery_stats s;
    (void)state;

    need_cables();
    on_three_networks(&a, &b);
    assert_false(is_for_contacts(a, "10.7.1.1"));
    assert_true(is_for_contacts(a, "10.8.1.1"));
    assert_null(source_of(a, "10.9.1.1"));
    assert_null(source_of(a, "127.0.0.1"));
    assert_int_equal(b->contacts_only, 0);
    beacon_from(b, source_of(b, "10.9.1.2"), "roof");
    beacon_from(b, source_of(b, "10.8.1.2"), "north");
    beacon_from(b, source_of(b, "10.7.1.2"), "west");
    WAIT(heard(a, "north") == 1 && heard(a, "west") == 1 && stats_of(a).astray == 1);      /* by broadcast: its group is not joined there */
    assert_int_equal(heard(a, "roof"), 0);
    assert_int_equal(a->heard[0].contacts_only, a->heard[0].from.ip[1] == 8);
    assert_int_equal(a->heard[1].contacts_only, a->heard[1].from.ip[1] == 8);
    s = stats_of(a);
    assert_int_equal(s.n_networks, 4);
    for (size_t i = 0; i < s.n_networks; i++)
        assert_int_equal(s.networks[i].mode, gx_modes_of(&three, s.networks[i].name, ""));
}

static void test_nothing_goes_out_on_a_network_that_is_off(void **state)
{
    struct party *a, *b;
    (void)state;

    need_cables();
    on_three_networks(&a, &b);
    beacon_from(a, &(struct gx_addr){.family = 4, .ip = {10, 9, 1, 1}, .port = a->sources[0].port}, "beacon");
    answer(a, source_of(b, "10.9.1.2"), "answer");
    assert_int_equal(stats_of(a).unsent, 2);
    assert_int_equal(stats_of(a).sent, 0);
    answer(a, source_of(b, "10.8.1.2"), "north");
    WAIT(heard(b, "north") == 1);
    assert_int_equal(b->n_heard, 1);
    assert_true(gx_addr_equal(&last_heard(b)->from, source_of(a, "10.8.1.1")));
}

/* An answer to it would go where less is shown. */
static void test_who_says_to_be_on_another_network_is_not_heard(void **state)
{
    struct party *a, *b;
    struct ip_mreqn through = {.imr_ifindex = 0};
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    (void)state;

    need_cables();
    on_three_networks(&a, &b);
    through.imr_ifindex = (int)index_of(there, "east");

    int fd = stranger(255, "10.8.1.2");

    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through), 0);
    stranger_says(fd, GROUP, bytes, word_put(bytes, "north"));
    close(fd);
    WAIT(stats_of(a).astray == 1);
    assert_int_equal(a->n_heard, 0);
}

/* Of a laptop that has both a cable and Wi-Fi. */
static void test_where_two_networks_have_the_same_prefix_the_one_that_asked_is_answered(void **state)
{
    struct party *a, *b;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    cable_of("north", "10.7.1.3", "south", "10.7.1.4");
    a = party_open(&parties[0], here, EVERYWHERE);
    b = party_open(&parties[1], there, EVERYWHERE);
    WAIT(source_of(a, "10.7.1.1") != NULL && source_of(a, "10.7.1.3") != NULL && source_of(b, "10.7.1.2") != NULL && source_of(b, "10.7.1.4") != NULL);
    beacon_from(b, source_of(b, "10.7.1.4"), "north");
    beacon_from(b, source_of(b, "10.7.1.2"), "west");
    WAIT(heard(a, "north") == 1 && heard(a, "west") == 1);
    answer(a, source_of(b, "10.7.1.4"), "to the north");
    WAIT(heard(b, "to the north") == 1);
    assert_true(gx_addr_equal(&last_heard(b)->from, source_of(a, "10.7.1.3")));
    answer(a, source_of(b, "10.7.1.2"), "to the west");
    WAIT(heard(b, "to the west") == 1);
    assert_true(gx_addr_equal(&last_heard(b)->from, source_of(a, "10.7.1.1")));
}

#define ROUTER "02:00:00:00:00:07"
static const struct gx_modes at_home = {
    .usual = GX_MODE_CONTACTS,
    .n = 2,
    .named = {{.network = "west", .mode = GX_MODE_OFF}, {.network = ROUTER, .mode = GX_MODE_ON}},
};

static bool is_behind(const struct party *p, const char *name, const char *router, enum gx_mode mode)
{
    struct gx_discovery_stats s = stats_of(p);

    for (size_t i = 0; i < s.n_networks; i++)
        if (strcmp(s.networks[i].name, name) == 0)
            return strcmp(s.networks[i].router, router) == 0 && s.networks[i].mode == mode;
    return false;
}

/* It leads by a default route; what its hardware address is comes later. */
static void test_a_network_is_known_by_its_router_wherever_it_is(void **state)
{
    struct party *a;
    (void)state;

    need_cables();
    cable("10.7.1.1", "10.7.1.2");
    cable_of("north", "10.8.1.1", "south", "10.8.1.2");
    a = party_open_with(&parties[0], here, EVERYWHERE, &at_home);
    WAIT(source_of(a, "10.8.1.1") != NULL && is_behind(a, "west", "", GX_MODE_OFF) && is_behind(a, "north", "", GX_MODE_CONTACTS));
    run_ip(here, "route add default via 10.7.1.2");
    run_ip(here, "neigh replace 10.7.1.2 lladdr " ROUTER " dev west");
    WAIT(is_behind(a, "west", ROUTER, GX_MODE_ON));
    WAIT(source_of(a, "10.7.1.1") != NULL);
    assert_false(is_for_contacts(a, "10.7.1.1"));
    /* The machine is carried to another plug. */
    run_ip(here, "route replace default via 10.8.1.2");
    run_ip(here, "neigh replace 10.8.1.2 lladdr " ROUTER " dev north");
    WAIT(is_behind(a, "north", ROUTER, GX_MODE_ON) && is_behind(a, "west", "", GX_MODE_OFF));
    WAIT(source_of(a, "10.7.1.1") == NULL && !is_for_contacts(a, "10.8.1.1"));
    /* Another router of that address. */
    run_ip(here, "route del default");
    run_ip(here, "neigh replace 10.8.1.2 lladdr 02:00:00:00:00:08 dev north");
    run_ip(here, "route add default via 10.8.1.2");
    WAIT(is_behind(a, "north", "02:00:00:00:00:08", GX_MODE_CONTACTS));
    WAIT(is_for_contacts(a, "10.8.1.1"));
}

#define TEST(name) cmocka_unit_test_teardown(name, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_word_is_where_beacons_can_go_out_from),
        TEST(test_nodes_of_one_machine_hear_each_other_and_not_themselves),
        TEST(test_an_answer_comes_to_the_one_who_asked),
        TEST(test_what_is_not_ours_or_not_from_here_does_not_wake_anybody),
        TEST(test_the_same_from_the_same_is_heard_once),
        TEST(test_of_a_flood_little_is_taken),
        TEST(test_one_host_does_not_take_the_place_of_all),
        TEST(test_a_machine_that_slept_is_told_anew_where_it_is),
        TEST(test_a_port_that_another_program_keeps_is_said),
        TEST(test_off_is_nothing_at_all),
        TEST(test_two_machines_hear_each_other_once),
        TEST(test_where_multicast_is_missing_a_broadcast_is_heard),
        TEST(test_ipv6_goes_by_link_local_addresses_with_their_interface),
        TEST(test_a_second_address_is_a_second_place_to_speak_from),
        TEST(test_two_interfaces_on_one_network_are_no_two_nodes),
        TEST(test_who_moves_speaks_from_another_port),
        TEST(test_an_interface_that_comes_back_is_heard_again),
        TEST(test_what_cannot_go_out_is_counted),
        TEST(test_a_flapping_interface_is_one_change_a_second),
        TEST(test_an_interface_that_flaps_for_minutes_is_looked_at_less_and_less),
        TEST(test_without_news_it_is_looked_now_and_then),
        TEST(test_more_addresses_than_there_is_room_for_are_counted),
        TEST(test_many_containers_do_not_push_out_a_second_address),
        TEST(test_each_network_has_its_mode),
        TEST(test_nothing_goes_out_on_a_network_that_is_off),
        TEST(test_who_says_to_be_on_another_network_is_not_heard),
        TEST(test_where_two_networks_have_the_same_prefix_the_one_that_asked_is_answered),
        TEST(test_a_network_is_known_by_its_router_wherever_it_is),
    };

    cables_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

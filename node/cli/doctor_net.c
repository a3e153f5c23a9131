/* doctor: the clock, and whether others can reach the running node. */
#include "node/cli/doctor.h"

#include "node/os/system.h"
#include "proto/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#define CLOCK_OFF_MS 600000u        /* beacons of two clocks that differ by more are not recognised: KEYS §12 */
#define LOOK_BACK 20                /* messages */
#define CONNECT_MS 2000

/* The result of a method of the running node; NULL: it is down, locked, or has none. */
static json_t *asked(struct gx_exam *x, const char *method, json_t *params)
{
    json_t *result = NULL;

    if (!gx_cli_node_up(x->cli) || gx_cli_call(x->cli, &result, method, params) != GX_EXIT_DONE) {
        json_decref(result);
        return NULL;
    }
    return result;
}

static bool is_ready(struct gx_exam *x, json_t **status)
{
    *status = asked(x, "status", NULL);
    return *status != NULL && strcmp(gx_json_text(json_object_get(*status, "node"), "state"), "locked") != 0;
}

/* The time of the newest of what others wrote last (who holds it is told of own messages only); 0: nobody did, or the node cannot be asked. */
static uint64_t newest_ms(struct gx_exam *x, const json_t **whose, json_t **kept)
{
    uint64_t newest = 0;
    json_t *read = asked(x, "read", json_pack("{s:i}", "limit", LOOK_BACK));
    const json_t *list = json_object_get(read, "messages");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);

        if (json_object_get(m, "held") != NULL || gx_json_number(m, "wall_ms") <= newest)
            continue;
        newest = gx_json_number(m, "wall_ms");
        *whose = m;
    }
    *kept = read;
    return newest;
}

void gx_exam_clock(struct gx_exam *x)
{
    uint64_t now = gx_now().wall_ms, newest = 0;
    struct timex tx = {0};
    const json_t *whose = NULL;
    json_t *kept = NULL, *status = NULL;
    bool ready = is_ready(x, &status);

    json_decref(status);
    if (ready)
        newest = newest_ms(x, &whose, &kept);
    if (newest > now + CLOCK_OFF_MS)
        gx_exam_found(x, "clock", "bad", "set this machine's clock, or tell them: date -u shows it",
                      "a message of %s is from %ju minutes ahead of this machine's clock: one of the two is wrong", gx_json_text(whose, "alias"),
                      (uintmax_t)((newest - now) / 60000u));
    else if (adjtimex(&tx) == TIME_ERROR || (tx.status & STA_UNSYNC) != 0)
        gx_exam_found(x, "clock", "warn", "systemd-timesyncd or chrony keep it right",
                      "nothing keeps this machine's clock right: with one that is off by more than 10 minutes nobody is found on a LAN");
    else
        gx_exam_found(x, "clock", "ok", NULL, "it is kept right by the network's time");
    json_decref(kept);
}

static bool answers(const struct gx_addr *addr)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};
    bool is4 = addr->family == 4;
    int fd = socket(is4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
    socklen_t n = sizeof error;
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (fd < 0)
        return false;
    memcpy(&in4.sin_addr, addr->ip, sizeof in4.sin_addr);
    memcpy(&in6.sin6_addr, addr->ip, sizeof in6.sin6_addr);

    bool ok = connect(fd, is4 ? (struct sockaddr *)&in4 : (struct sockaddr *)&in6, is4 ? sizeof in4 : sizeof in6) == 0;

    if (!ok && errno == EINPROGRESS && poll(&p, 1, CONNECT_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0)
        ok = error == 0;
    close(fd);
    return ok;
}

/* Any address means each: the machine itself is asked at the one of loopback. */
static void at_home(struct gx_addr *addr)
{
    static const uint8_t none[16] = {0};

    if (memcmp(addr->ip, none, sizeof none) != 0)
        return;
    if (addr->family == 4)
        memcpy(addr->ip, (const uint8_t[]){127, 0, 0, 1}, 4);
    else
        addr->ip[15] = 1;
}

void gx_exam_listeners(struct gx_exam *x)
{
    json_t *status = NULL;
    const json_t *list = is_ready(x, &status) ? json_object_get(json_object_get(status, "node"), "listen") : NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct gx_addr addr;

        if (text == NULL || gx_addr_parse(&addr, text, false) != GX_OK)
            continue;
        at_home(&addr);
        if (answers(&addr))
            gx_exam_found(x, "listener", "ok", NULL, "%s answers on this machine; from elsewhere, routers and firewalls on the way decide", text);
        else
            gx_exam_found(x, "listener", "bad", "a firewall of this machine may stand before it: allow TCP to that port",
                          "nothing answers at %s: nobody can connect to this node", text);
    }
    json_decref(status);
}

static void heard_of(struct gx_exam *x, const json_t *lan)
{
    json_t *peers = asked(x, "peers", NULL);
    const json_t *list = json_object_get(peers, "nearby");
    size_t n = json_array_size(list), known = 0;

    for (size_t i = 0; i < n; i++)
        known += json_is_true(json_object_get(json_array_get(list, i), "known"));
    if (n > 0)
        gx_exam_found(x, "lan", "ok", NULL, "%zu other addresses were heard in the last minutes, %zu of which share something with you", n, known);
    else if (gx_json_number(lan, "sent") == 0)
        gx_exam_found(x, "lan", "ok", NULL, "nobody is looked for: there is no group with others yet, and nobody to be let in by");
    else if (gx_json_number(lan, "own") == 0)
        gx_exam_found(x, "lan", "bad", "allow UDP to port 7447 in",
                      "not even what this node says itself comes back: a firewall of this machine keeps it from hearing others");
    else
        gx_exam_found(x, "lan", "warn", "look at firewalls (UDP port 7447) and at the access point; peer add ADDR:PORT does without",
                      "nobody else was heard: nobody is there, a firewall stands between, or the access point keeps its guests apart (client isolation)");
    json_decref(peers);
}

/* The names of those of that mode. */
static size_t name_those(char *out, size_t cap, const json_t *networks, const char *mode)
{
    size_t n = 0, at = 0;

    out[0] = 0;
    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        const char *router = gx_json_text(network, "router");

        if (strcmp(gx_json_text(network, "mode"), mode) != 0 || at >= cap)
            continue;
        at += (size_t)snprintf(out + at, cap - at, "%s%s", n++ == 0 ? "" : ", ", gx_json_text(network, "name"));
        if (router[0] != 0 && at < cap)
            at += (size_t)snprintf(out + at, cap - at, " (router %s)", router);
    }
    return n;
}

static void modes_of(struct gx_exam *x, const json_t *networks)
{
    static const struct {
        const char *mode, *says;
    } modes[] = {{"on", "groups and contacts are looked for on "}, {"contacts", "contacts alone on "}, {"off", "nobody on "}};
    char text[1000], names[400];
    size_t at = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(modes); i++)
        if (name_those(names, sizeof names, networks, modes[i].mode) > 0 && at < sizeof text)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s%s", at == 0 ? "" : "; ", modes[i].says, names);
    if (at > 0)
        gx_exam_found(x, "networks", "ok", "lan.NAME = on, contacts or off in the config file sets one, lan.ROUTER one by its router, lan those without a line",
                      "%s", text);
}

void gx_exam_lan(struct gx_exam *x)
{
    json_t *status = NULL;
    const json_t *lan = is_ready(x, &status) ? json_object_get(status, "lan") : NULL;
    const char *state = gx_json_text(lan, "state");

    if (strcmp(state, "off") == 0)
        gx_exam_found(x, "lan", "ok", NULL, "it is off (--no-lan, or no network is on in the config file): nobody is looked for");
    else if (strcmp(state, "failed") == 0)
        gx_exam_found(x, "lan", "bad", "the log says why: UDP port 7447 may be another program's", "there is no socket to hear others with");
    else if (lan != NULL && json_array_size(json_object_get(lan, "networks")) == 0)
        gx_exam_found(x, "lan", "warn", "ip address shows them", "no interface has an address that others could hear this node from");
    else if (lan != NULL && json_array_size(json_object_get(lan, "sources")) > 0)
        heard_of(x, lan);
    modes_of(x, json_object_get(lan, "networks"));
    json_decref(status);
}

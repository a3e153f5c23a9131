#include "proto/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

void gx_addr_format(char out[GX_ADDR_TEXT_BYTES], const struct gx_addr *addr)
{
    char ip[INET6_ADDRSTRLEN] = "";

    if (addr->family == 4 && inet_ntop(AF_INET, addr->ip, ip, sizeof ip) != NULL)
        snprintf(out, GX_ADDR_TEXT_BYTES, "%s:%u", ip, addr->port);
    else if (addr->family == 6 && addr->scope != 0 && inet_ntop(AF_INET6, addr->ip, ip, sizeof ip) != NULL)
        snprintf(out, GX_ADDR_TEXT_BYTES, "[%s%%%u]:%u", ip, addr->scope, addr->port);
    else if (addr->family == 6 && inet_ntop(AF_INET6, addr->ip, ip, sizeof ip) != NULL)
        snprintf(out, GX_ADDR_TEXT_BYTES, "[%s]:%u", ip, addr->port);
    else
        snprintf(out, GX_ADDR_TEXT_BYTES, "none");
}

/* Digits without a leading zero, the end of the text, and no more than most. */
static bool number_parse(uint32_t *out, const char *text, uint32_t most)
{
    uint64_t v = 0;
    size_t n = 0;

    while (text[n] >= '0' && text[n] <= '9' && v <= most)
        v = 10 * v + (uint64_t)(text[n++] - '0');
    if (n == 0 || text[n] != 0 || v > most || (n > 1 && text[0] == '0'))
        return false;
    *out = (uint32_t)v;
    return true;
}

bool gx_addr_is_link_local(const struct gx_addr *addr)
{
    return addr->family == 6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

enum gx_err gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port)
{
    bool six = text[0] == '[';
    const char *host = six ? text + 1 : text;
    /* IPv4 has no colon of its own, IPv6 has its brackets. */
    const char *end = strchr(host, six ? ']' : ':');
    const char *colon = end == NULL ? NULL : end + (six ? 1 : 0);
    struct gx_addr addr = {.family = six ? 6 : 4};
    char ip[INET6_ADDRSTRLEN + sizeof "%4294967295"];
    uint32_t port;

    memset(out, 0, sizeof *out);
    if (end == NULL || *colon != ':' || (size_t)(end - host) >= sizeof ip)
        return GX_E_MALFORMED;
    memcpy(ip, host, (size_t)(end - host));
    ip[end - host] = 0;
    char *scope = strchr(ip, '%');
    if (scope != NULL)
        *scope++ = 0;
    if (inet_pton(six ? AF_INET6 : AF_INET, ip, addr.ip) != 1)
        return GX_E_MALFORMED;
    if (scope != NULL && (!gx_addr_is_link_local(&addr) || !number_parse(&addr.scope, scope, UINT32_MAX) || addr.scope == 0))
        return GX_E_MALFORMED;
    if (!number_parse(&port, colon + 1, UINT16_MAX) || (port == 0 && !zero_port))
        return GX_E_MALFORMED;
    addr.port = (uint16_t)port;
    *out = addr;
    return GX_OK;
}

bool gx_addr_equal(const struct gx_addr *a, const struct gx_addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

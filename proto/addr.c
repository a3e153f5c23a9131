#include "proto/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

void gx_addr_format(char out[GX_ADDR_TEXT_BYTES], const struct gx_addr *addr)
{
    char ip[INET6_ADDRSTRLEN] = "";

    if (addr->family == 4 && inet_ntop(AF_INET, addr->ip, ip, sizeof ip) != NULL)
        snprintf(out, GX_ADDR_TEXT_BYTES, "%s:%u", ip, addr->port);
    else if (addr->family == 6 && inet_ntop(AF_INET6, addr->ip, ip, sizeof ip) != NULL)
        snprintf(out, GX_ADDR_TEXT_BYTES, "[%s]:%u", ip, addr->port);
    else
        snprintf(out, GX_ADDR_TEXT_BYTES, "none");
}

/* One to five digits, no leading zero, and the end of the text. */
static bool port_parse(uint16_t *out, const char *text)
{
    uint32_t v = 0;
    size_t n = 0;

    while (text[n] >= '0' && text[n] <= '9' && n < 6)
        v = 10 * v + (uint32_t)(text[n++] - '0');
    if (n == 0 || n > 5 || text[n] != 0 || v > UINT16_MAX || (n > 1 && text[0] == '0'))
        return false;
    *out = (uint16_t)v;
    return true;
}

enum gx_err gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port)
{
    bool six = text[0] == '[';
    const char *host = six ? text + 1 : text;
    /* IPv4 has no colon of its own, IPv6 has its brackets. */
    const char *end = strchr(host, six ? ']' : ':');
    const char *colon = end == NULL ? NULL : end + (six ? 1 : 0);
    struct gx_addr addr = {.family = six ? 6 : 4};
    char ip[INET6_ADDRSTRLEN];

    memset(out, 0, sizeof *out);
    if (end == NULL || *colon != ':' || (size_t)(end - host) >= sizeof ip)
        return GX_E_MALFORMED;
    memcpy(ip, host, (size_t)(end - host));
    ip[end - host] = 0;
    if (inet_pton(six ? AF_INET6 : AF_INET, ip, addr.ip) != 1)
        return GX_E_MALFORMED;
    if (!port_parse(&addr.port, colon + 1) || (addr.port == 0 && !zero_port))
        return GX_E_MALFORMED;
    *out = addr;
    return GX_OK;
}

bool gx_addr_equal(const struct gx_addr *a, const struct gx_addr *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* A configuration file.  What is taken lies within its bounds, and written out again says the same; what is refused is refused with its line. */
#include "node/os/config.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static const uint64_t bounds[GX_CONFIG_CARRY_COUNT][2] = {
#define GX_X(key, member, least, most, usual, what) [GX_CONFIG_##member] = {least, most},
    GX_CONFIG_CARRY_LIST(GX_X)
#undef GX_X
};

static void same_again(const struct gx_config *config)
{
    char text[1024], addr[GX_ADDR_TEXT_BYTES];
    struct gx_config again;
    size_t n = 0;

    if (config->listen_line != 0) {
        gx_addr_format(addr, &config->listen);
        n += (size_t)snprintf(text + n, sizeof text - n, "listen = %s\n", addr);
    }
    for (size_t i = 0; i < GX_CONFIG_CARRY_COUNT; i++) {
        enum gx_config_carry which = (enum gx_config_carry)i;
        uint64_t value = gx_config_carry_value(config, which);

        GX_ASSERT(value >= bounds[i][0] && value <= bounds[i][1]);
        if (config->carry_lines[i] != 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s=%llu\n", gx_config_carry_key(which), (unsigned long long)value);
    }
    GX_ASSERT(gx_config_parse(&again, gx_span(text, n), "again", NULL));
    GX_ASSERT(gx_addr_equal(&again.listen, &config->listen) && (again.listen_line != 0) == (config->listen_line != 0));
    for (size_t i = 0; i < GX_CONFIG_CARRY_COUNT; i++)
        GX_ASSERT(gx_config_carry_value(&again, (enum gx_config_carry)i) == gx_config_carry_value(config, (enum gx_config_carry)i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gx_config config;
    struct gx_fail why = {.code = 0};

    if (gx_config_parse(&config, gx_span(data, size), "guanxi.conf", &why)) {
        GX_ASSERT(why.code == 0);
        same_again(&config);
    } else {
        GX_ASSERT(why.code == GX_EXIT_USAGE && strncmp(why.message, "guanxi.conf:", 12) == 0);
        GX_ASSERT(strlen(why.message) < sizeof why.message && strlen(why.hint) < sizeof why.hint);
    }
    return 0;
}

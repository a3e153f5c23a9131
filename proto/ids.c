#include "proto/ids.h"

#include "crypto/hash.h"

void gx_log_id_make(struct gx_log_id *out, const struct gx_sign_pk *member, const struct gx_sign_pk *device, const struct gx_incarnation *inc,
                    enum gx_log_class cls)
{
    uint8_t class_byte = (uint8_t)cls;
    uint8_t full[32];
    struct gx_hasher h;

    GX_ASSERT(cls == GX_LOG_CONTROL || cls == GX_LOG_MESSAGES);
    gx_hash_begin(&h, "gx-log-id");
    gx_hash_add(&h, member->b, sizeof member->b);
    gx_hash_add(&h, device->b, sizeof device->b);
    gx_hash_add(&h, inc->b, sizeof inc->b);
    gx_hash_add(&h, &class_byte, 1);
    gx_hash_end(&h, full);
    memcpy(out->b, full, sizeof out->b);
}

void gx_hex(char *out, const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool gx_unhex(uint8_t *out, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text[2 * i]);
        /* The end of a text that is too short is no digit, so nothing behind it is read. */
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * n] == 0;
}

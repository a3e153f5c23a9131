/* Planted bugs: a function of the sources, of one target's decoders, that does less than it should (linked with --wrap).  Replaying its corpus the target has
 * to find each.  WITHOUT says which. */
#include "crypto/aead.h"
#include "node/os/home.h"
#include "proto/addr.h"
#include "proto/codec.h"
#include "store/window.h"

#include <sys/socket.h>
#include <sys/stat.h>

#define WHOLE_EVER 1            /* bytes that are left over are taken */
#define OBEYED 2                /* what is shown is not looked at */
#define BLANKS 3                /* an address may have a blank behind it */
#define COMMITTED 4             /* keys are not held against what an author committed to */
#define UNLINKED 5              /* the last event of a window is not held against what is stored behind it */
#define PORT 6                  /* a port is read as another one */
#define LOST 7                  /* of what is received the last byte is another */
#define TEXT_EVER 8             /* any bytes are UTF-8 */
#define UNWRITTEN 9             /* a file that is put in place is not */
#define SHORT 10                /* of three bytes two are read */
#define LONGER 11               /* a file is said to be twice as long */
#define BYTE 12                 /* of two bytes one is read */

#if WITHOUT == WHOLE_EVER
enum gx_err __wrap_gx_rd_finish(const struct gx_rd *r);
enum gx_err __wrap_gx_rd_finish(const struct gx_rd *r)
{
    return r->failed ? GX_E_MALFORMED : GX_OK;
}
#elif WITHOUT == OBEYED
size_t __wrap_gx_utf8_show(char *out, size_t cap, struct gx_span text, bool keep_newlines);
size_t __wrap_gx_utf8_show(char *out, size_t cap, struct gx_span text, bool keep_newlines)
{
    size_t n = text.n < cap - 1 ? text.n : cap - 1;

    (void)keep_newlines;
    if (n > 0)
        memcpy(out, text.p, n);
    out[n] = 0;
    return strlen(out);
}
#elif WITHOUT == BLANKS
enum gx_err __real_gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port);
enum gx_err __wrap_gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port);
enum gx_err __wrap_gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port)
{
    char head[64] = "";
    size_t n = strlen(text);

    if (n == 0 || n >= sizeof head || text[n - 1] != ' ')
        return __real_gx_addr_parse(out, text, zero_port);
    memcpy(head, text, n - 1);
    return __real_gx_addr_parse(out, head, zero_port);
}
#elif WITHOUT == COMMITTED
bool __wrap_gx_equal_ct(const void *a, const void *b, size_t n);
bool __wrap_gx_equal_ct(const void *a, const void *b, size_t n)
{
    (void)a;
    (void)b;
    (void)n;
    return true;
}
#elif WITHOUT == UNLINKED
enum gx_err __wrap_gx_window_check(struct gx_window *win, const struct gx_log_row *row, const struct gx_group_id *group);
enum gx_err __wrap_gx_window_check(struct gx_window *win, const struct gx_log_row *row, const struct gx_group_id *group)
{
    const struct gx_event_id *prev = &win->prev;

    for (uint32_t i = 0; i < win->n; i++) {
        if (gx_record_decode(&win->events[i], win->records[i], group, &row->id, win->first + i, prev) != GX_OK)
            return GX_E_CORRUPT;
        prev = &win->events[i].id;
    }
    return GX_OK;
}
#elif WITHOUT == PORT
enum gx_err __real_gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port);
enum gx_err __wrap_gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port);
enum gx_err __wrap_gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port)
{
    enum gx_err err = __real_gx_addr_parse(out, text, zero_port);

    out->port ^= 1;
    return err;
}
#elif WITHOUT == LOST
ssize_t __real_recv(int fd, void *bytes, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t n, int flags)
{
    ssize_t got = __real_recv(fd, bytes, n, flags);

    if (got > 1)
        ((char *)bytes)[got - 2] = 'x';
    return got;
}
#elif WITHOUT == TEXT_EVER
bool __wrap_gx_utf8_ok(struct gx_span text);
bool __wrap_gx_utf8_ok(struct gx_span text)
{
    (void)text;
    return true;
}
#elif WITHOUT == SHORT
uint32_t __real_gx_rd_u24(struct gx_rd *r);
uint32_t __wrap_gx_rd_u24(struct gx_rd *r);
uint32_t __wrap_gx_rd_u24(struct gx_rd *r)
{
    return __real_gx_rd_u24(r) & 0xffffu;
}
#elif WITHOUT == LONGER
int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st)
{
    int rc = __real_fstat(fd, st);

    st->st_size *= 2;
    return rc;
}
#elif WITHOUT == BYTE
uint16_t __real_gx_rd_u16(struct gx_rd *r);
uint16_t __wrap_gx_rd_u16(struct gx_rd *r);
uint16_t __wrap_gx_rd_u16(struct gx_rd *r)
{
    return __real_gx_rd_u16(r) & 0xffu;
}
#elif WITHOUT == UNWRITTEN
enum gx_err __wrap_gx_file_replace(const struct gx_home *home, const char *name, uint8_t *bytes, size_t n, void (*prepare)(uint8_t *bytes, size_t n, uint64_t inode));
enum gx_err __wrap_gx_file_replace(const struct gx_home *home, const char *name, uint8_t *bytes, size_t n, void (*prepare)(uint8_t *bytes, size_t n, uint64_t inode))
{
    (void)home;
    (void)name;
    (void)bytes;
    (void)n;
    (void)prepare;
    return GX_OK;
}
#endif

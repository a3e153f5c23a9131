/* What comes over the control socket in pieces of any length, and is read in between: the same lines come out, whole and in order, and an endless one is seen
 * to be endless. */
#include "node/os/control_client.h"
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

/* Lines that are there now; checked against what was sent. */
static size_t take_lines(struct gx_control_client *cl, const uint8_t *sent, size_t at, size_t most)
{
    const char *line;
    size_t n;

    while (most-- > 0 && (n = gx_control_client_line(cl, &line)) > 0) {
        GX_ASSERT(memcmp(line, sent + at, n) == 0 && memchr(line, '\n', n) == line + n - 1);
        gx_control_client_drop(cl, n);
        at += n;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct gx_control_client cl = {.number = 1};
    uint8_t *sent = malloc(size + 1);
    size_t n = 0, at = 0;
    int fds[2];

    GX_ASSERT(sent != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    cl.fd = fds[0];
    while (in.left > 0) {
        uint8_t how = fuzz_u8(&in);
        struct gx_span piece = fuzz_take(&in, how & 63u);

        if (piece.n > 0 && send(fds[1], piece.p, piece.n, MSG_NOSIGNAL) == (ssize_t)piece.n) {
            memcpy(sent + n, piece.p, piece.n);
            n += piece.n;
        }
        if ((how & 64) != 0)
            gx_control_client_read(&cl);
        if ((how & 128) != 0)
            at = take_lines(&cl, sent, at, how % 3u);
    }
    close(fds[1]);
    gx_control_client_read(&cl);
    at = take_lines(&cl, sent, at, SIZE_MAX);
    GX_ASSERT(cl.eof && !cl.gone && !gx_control_client_endless(&cl));
    /* What is left is no line. */
    GX_ASSERT(memchr(sent + at, '\n', n - at) == NULL && cl.in.n - cl.read == n - at && (n == at || memcmp(cl.in.p + cl.read, sent + at, n - at) == 0));
    GX_ASSERT(gx_control_client_over(&cl, true));
    gx_control_client_free(&cl);
    free(sent);
    return 0;
}

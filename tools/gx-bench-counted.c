/* A node that counts the frames it sends, by kind, where gx-bench reads them: in a file named by GX_BENCH_FRAMES, which is there and large enough.  It is the
 * same otherwise.  Linked with --wrap=gx_frame_send. */
#include "tools/bench/counted.h"

#include "node/os/transport_parts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct gx_counted *counted;

void __real_gx_frame_send(struct gx_transport *t, gx_session_id session, struct gx_span bytes);
void __wrap_gx_frame_send(struct gx_transport *t, gx_session_id session, struct gx_span bytes);

/* Before anything is confined. */
__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("GX_BENCH_FRAMES");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    counted = p == MAP_FAILED ? NULL : p;
    if (fd >= 0)
        close(fd);
}

void __wrap_gx_frame_send(struct gx_transport *t, gx_session_id session, struct gx_span bytes)
{
    uint64_t out = t->stats.out_bytes;

    __real_gx_frame_send(t, session, bytes);
    if (counted == NULL || bytes.n == 0 || t->stats.out_bytes == out)
        return;
    counted->frames[bytes.p[0] % GX_COUNTED_KINDS]++;
    counted->bytes[bytes.p[0] % GX_COUNTED_KINDS] += bytes.n;
}

/* A file that is said to be a store, before LMDB maps it.  A file that is called whole has every page that its pages name or count, and looking at it costs
 * no more than reading it a few times, whatever its pages say of each other. */
#include "store/image.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t u64_at(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* What LMDB reads first: the newer meta page, and the page it calls the root of the tables. */
static void has_roots(const uint8_t *data, size_t size)
{
    size_t page = (size_t)data[40] | (size_t)data[41] << 8 | (size_t)data[42] << 16;

    GX_ASSERT(page >= 512 && size >= page + 152);
    uint64_t root = u64_at(u64_at(data + page + 144) > u64_at(data + 144) ? data + page + 128 : data + 128);
    GX_ASSERT(root == UINT64_MAX || (root < size / page && root >= 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int sys_errno = 0, fd = memfd_create("store", MFD_CLOEXEC);

    GX_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum gx_err err = gx_image_check(path, &sys_errno);
    GX_ASSERT(err == GX_OK || err == GX_E_CORRUPT || err == GX_E_VERSION);
    if (err == GX_OK)
        has_roots(data, size);
    close(fd);
    return 0;
}

#include "node/os/confine.h"

#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH 0u            /* no filter there: the child is still a process of its own without descriptors */
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), ANSWER(SECCOMP_RET_ALLOW)

/* Memory, the answer, the end.  All else fails with EPERM, which the decoders take as any other failure. */
static void filter_calls(void)
{
    struct sock_filter rules[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        ALLOW(write),
        ALLOW(brk),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(futex),
        ALLOW(getrandom),
        ALLOW(sigaltstack),             /* by a sanitizer at each exit */
        ALLOW(clock_gettime),
        ALLOW(exit),
        ALLOW(exit_group),
        ANSWER(SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {.len = GX_ARRAY_LEN(rules), .filter = rules};

    /* A kernel without seccomp refuses: the descriptors are gone all the same. */
    if (THIS_ARCH != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* The answer goes to descriptor 1, the only one left. */
static bool confine(int out, unsigned seconds)
{
    struct rlimit no_core = {0, 0}, cpu = {seconds, seconds};

    if (dup2(out, STDOUT_FILENO) != STDOUT_FILENO)
        return false;
    close(STDIN_FILENO);
    /* Standard error too: what a library says as it dies is no news for the person. */
    if (close_range(STDERR_FILENO, UINT_MAX, 0) != 0 || setrlimit(RLIMIT_CORE, &no_core) != 0 ||
        setrlimit(RLIMIT_CPU, &cpu) != 0)
        return false;
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    filter_calls();
    return true;
}

static bool write_all(int fd, const void *p, size_t n)
{
    const uint8_t *at = p;

    while (n > 0) {
        ssize_t done = write(fd, at, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

static bool read_all(int fd, void *p, size_t n)
{
    uint8_t *at = p;

    while (n > 0) {
        ssize_t done = read(fd, at, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

/* The answer: its length, then itself. */
static _Noreturn void child(int out, size_t cap, unsigned seconds, gx_confined_work *work, void *arg)
{
    uint8_t *answer = malloc(cap);
    size_t n;

    if (answer == NULL || !confine(out, seconds))
        _exit(1);
    n = work(answer, cap, arg);
    GX_ASSERT(n <= cap);
    _exit(write_all(STDOUT_FILENO, &n, sizeof n) && write_all(STDOUT_FILENO, answer, n) ? 0 : 1);
}

bool gx_confined(uint8_t *out, size_t *n, size_t cap, unsigned seconds, gx_confined_work *work, void *arg)
{
    int ends[2];
    bool whole;
    pid_t pid;

    *n = 0;
    if (pipe(ends) != 0)
        return false;
    pid = fork();
    if (pid == 0)
        child(ends[1], cap, seconds, work, arg);
    close(ends[1]);
    whole = pid > 0 && read_all(ends[0], n, sizeof *n) && *n <= cap && read_all(ends[0], out, *n);
    close(ends[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (!whole)
        *n = 0;
    return whole;
}

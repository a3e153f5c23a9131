#include "node/os/fence.h"

#include "node/os/log.h"
#include "node/os/system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Builds with sanitizers or coverage write reports and counts outside the home and read programs to name functions, and a search for leaks is done by a process
 * that traces this one.  They are not what anybody runs. */
#ifdef GX_INSTRUMENTED
static const bool instrumented = true;
#else
static const bool instrumented = false;
#endif

/* --- files: Landlock ------------------------------------------------------------------------------------------------------------------ */

/* What the headers of Debian 12 have not.  A right or a scope that the running kernel does not know is left out: it would refuse the whole. */
#define ACCESS_TRUNCATE (1ull << 14)            /* ABI 3 */
#define ACCESS_IOCTL_DEV (1ull << 15)           /* ABI 5 */
#define SCOPE_ABSTRACT_UNIX (1ull << 0)         /* ABI 6 */
#define SCOPE_SIGNAL (1ull << 1)
#define ACCESS_ABI_1 (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)

struct ruleset {
    uint64_t files, ports, scopes;              /* ports: none are refused, a node may meet anybody anywhere */
};

#define HOME_ACCESS                                                                                                                        \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |              \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | ACCESS_TRUNCATE)

static struct ruleset all_of(long abi)
{
    struct ruleset all = {.files = ACCESS_ABI_1};

    all.files |= abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
    all.files |= abi >= 3 ? ACCESS_TRUNCATE : 0;
    all.files |= abi >= 5 ? ACCESS_IOCTL_DEV : 0;
    all.scopes = abi >= 6 ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0;
    return all;
}

static bool allow_below(int rules, const char *dir, uint64_t access)
{
    struct landlock_path_beneath_attr below = {.allowed_access = access, .parent_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    bool ok = below.parent_fd >= 0 && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;

    if (below.parent_fd >= 0)
        close(below.parent_fd);
    return ok;
}

static bool close_files(const struct gx_home *home)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset all = all_of(abi);
    int rules = abi < 1 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);

    if (rules < 0)
        return false;
    bool ok = allow_below(rules, home->data, HOME_ACCESS & all.files) && allow_below(rules, home->socket_dir, LANDLOCK_ACCESS_FS_REMOVE_FILE) &&
              (!instrumented || allow_below(rules, "/", all.files & ~LANDLOCK_ACCESS_FS_EXECUTE)) && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return ok;
}

/* --- calls: seccomp ------------------------------------------------------------------------------------------------------------------- */

#define CALL(name) SCMP_SYS(name)

/* Whatever they are called with.  Which files may be opened is Landlock's to say. */
static const int free_calls[] = {
    /* memory */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mlock), CALL(munlock), CALL(msync),
    /* threads and signals of this process */
    CALL(futex), CALL(set_robust_list), CALL(rseq), CALL(exit), CALL(exit_group), CALL(sched_yield), CALL(sched_getaffinity), CALL(sched_getscheduler),
    CALL(sched_getparam), CALL(getcpu), CALL(membarrier), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigaltstack),
    CALL(restart_syscall), CALL(getpid), CALL(gettid), CALL(geteuid),
    /* time and chance */
    CALL(clock_gettime), CALL(gettimeofday), CALL(time), CALL(clock_nanosleep), CALL(nanosleep), CALL(getrandom),
    /* what there is */
    CALL(uname), CALL(sysinfo), CALL(getrusage), CALL(getrlimit),
    /* files */
    CALL(open), CALL(openat), CALL(close), CALL(read), CALL(write), CALL(writev), CALL(pread64), CALL(pwrite64), CALL(pwritev),
    CALL(lseek), CALL(stat), CALL(lstat), CALL(fstat), CALL(newfstatat), CALL(statx), CALL(statfs), CALL(fstatfs), CALL(access), CALL(faccessat),
    CALL(faccessat2), CALL(flock), CALL(fsync), CALL(fdatasync), CALL(ftruncate), CALL(fallocate), CALL(fadvise64),
    CALL(rename), CALL(renameat), CALL(renameat2), CALL(unlink), CALL(unlinkat), CALL(dup2), CALL(dup3),
    /* waiting */
    CALL(poll), CALL(ppoll), CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(eventfd2),
    /* sockets that are there, or were made by one of the rules below */
    CALL(bind), CALL(listen), CALL(accept), CALL(accept4), CALL(connect), CALL(shutdown), CALL(getsockname), CALL(getpeername), CALL(getsockopt),
    CALL(setsockopt), CALL(sendto), CALL(recvfrom), CALL(sendmsg), CALL(recvmsg), CALL(recvmmsg),
};

/* Only where these bits of these arguments are this; more than one line of a call: one or the other. */
#define INT UINT32_MAX          /* of a register with an int in it */
static const struct {
    int call;
    struct {
        unsigned arg;
        uint64_t mask, is;
    } when[2];
} bound_calls[] = {
    /* nothing new is executed: neither memory that was written, nor another process */
    {CALL(mmap), {{2, PROT_EXEC, 0}}},
    {CALL(mprotect), {{2, PROT_EXEC, 0}}},
    {CALL(clone), {{0, CLONE_THREAD, CLONE_THREAD}}},
    {CALL(prctl), {{0, INT, PR_SET_NAME}}},
    {CALL(prlimit64), {{0, INT, 0}, {2, UINT64_MAX, 0}}},           /* own limits, looked at */
    {CALL(sched_setscheduler), {{1, INT, SCHED_OTHER}}},
    /* flags and locks; to whom a descriptor belongs is a way to have any signal sent to any process of this user */
    {CALL(fcntl), {{1, INT, F_DUPFD}}},
    {CALL(fcntl), {{1, INT, F_DUPFD_CLOEXEC}}},
    {CALL(fcntl), {{1, INT, F_GETFD}}},
    {CALL(fcntl), {{1, INT, F_SETFD}}},
    {CALL(fcntl), {{1, INT, F_GETFL}}},
    {CALL(fcntl), {{1, INT, F_SETFL}}},
    {CALL(fcntl), {{1, INT, F_GETLK}}},
    {CALL(fcntl), {{1, INT, F_SETLK}}},
    {CALL(fcntl), {{1, INT, F_SETLKW}}},
    /* peers, the local net, and what the own addresses are; no local service, no raw packets */
    {CALL(socket), {{0, INT, AF_INET}, {1, 0xf, SOCK_STREAM}}},
    {CALL(socket), {{0, INT, AF_INET}, {1, 0xf, SOCK_DGRAM}}},
    {CALL(socket), {{0, INT, AF_INET6}, {1, 0xf, SOCK_STREAM}}},
    {CALL(socket), {{0, INT, AF_INET6}, {1, 0xf, SOCK_DGRAM}}},
    {CALL(socket), {{0, INT, AF_NETLINK}, {2, INT, NETLINK_ROUTE}}},
    /* bytes that wait in a socket; the names and numbers of interfaces */
    {CALL(ioctl), {{1, INT, FIONREAD}}},
    {CALL(ioctl), {{1, INT, SIOCOUTQ}}},
    {CALL(ioctl), {{1, INT, FIONBIO}}},
    {CALL(ioctl), {{1, INT, SIOCGIFNAME}}},
    {CALL(ioctl), {{1, INT, SIOCGIFINDEX}}},
};

/* No part of this program nor of a library does these: who does has taken it over, and goes no further.  The kernel's log has it, and the keeper's. */
static const int deadly_calls[] = {
    CALL(execve), CALL(execveat), CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot),
    CALL(setns), CALL(unshare), CALL(bpf), CALL(perf_event_open), CALL(init_module), CALL(finit_module), CALL(delete_module), CALL(kexec_load),
    CALL(kexec_file_load), CALL(reboot), CALL(swapon), CALL(swapoff), CALL(userfaultfd), CALL(io_uring_setup), CALL(keyctl), CALL(add_key),
    CALL(request_key),
};

static bool add_rules(scmp_filter_ctx rules)
{
    int rc = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(free_calls) && rc == 0; i++)
        rc = seccomp_rule_add(rules, SCMP_ACT_ALLOW, free_calls[i], 0);
    for (size_t i = 0; i < GX_ARRAY_LEN(bound_calls) && rc == 0; i++) {
        struct scmp_arg_cmp when[2];
        unsigned n = 0;

        for (size_t k = 0; k < 2; k++)
            if (bound_calls[i].when[k].mask != 0)
                when[n++] = SCMP_CMP(bound_calls[i].when[k].arg, SCMP_CMP_MASKED_EQ, bound_calls[i].when[k].mask, bound_calls[i].when[k].is);
        rc = seccomp_rule_add_array(rules, SCMP_ACT_ALLOW, bound_calls[i].call, n, when);
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(deadly_calls) && rc == 0 && !instrumented; i++)
        rc = seccomp_rule_add(rules, SCMP_ACT_KILL_PROCESS, deadly_calls[i], 0);
    return rc == 0 && (instrumented || seccomp_rule_add(rules, SCMP_ACT_ALLOW, CALL(tgkill), 1, SCMP_CMP32(0, SCMP_CMP_EQ, (uint32_t)getpid())) == 0);
}

/* What the instrument calls, at its reports and at the end. */
static bool add_instrument(scmp_filter_ctx rules)
{
    static const int calls[] = {
        CALL(clone), CALL(ptrace), CALL(wait4), CALL(prctl), CALL(tgkill), CALL(kill), CALL(getppid), CALL(arch_prctl), CALL(readlink), CALL(readlinkat),
        CALL(mkdir), CALL(mkdirat), CALL(getcwd), CALL(chdir), CALL(pipe), CALL(ioctl), CALL(prlimit64), CALL(setrlimit), CALL(process_vm_readv),
        CALL(umask), CALL(chmod), CALL(fchmod), CALL(getdents), CALL(getdents64), CALL(fcntl),
    };
    int rc = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(calls) && rc == 0; i++)
        rc = seccomp_rule_add(rules, SCMP_ACT_ALLOW, calls[i], 0);
    return rc == 0;
}

/* A call that is on no list is one that this kernel has not: libraries try newer ones first, and know what to do without. */
static bool close_calls(void)
{
    scmp_filter_ctx rules = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    bool ok = rules != NULL && seccomp_attr_set(rules, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
              seccomp_attr_set(rules, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && add_rules(rules) && (!instrumented || add_instrument(rules)) &&
              seccomp_load(rules) == 0;

    seccomp_release(rules);
    return ok;
}

/* --- all ------------------------------------------------------------------------------------------------------------------------------ */

static void say(const struct gx_fence *f)
{
    gx_log("confined:%s%s%s%s", f->landlock ? " landlock" : "", f->seccomp ? " seccomp" : "", f->no_new_privs ? " no_new_privs" : "",
           f->no_core ? " no_core" : "");
    if (!f->landlock)
        gx_log("this kernel has no Landlock: files are not closed off");
    if (!f->seccomp)
        gx_log("this kernel has no seccomp filters: its calls are not closed off");
}

void gx_fence_close(struct gx_fence *out, const struct gx_home *home)
{
    struct rlimit core;

    /* What is read once, and would be looked for later. */
    tzset();
    (void)gx_rss_bytes();
    out->no_core = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
    out->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    out->landlock = out->no_new_privs && close_files(home);
    out->seccomp = out->no_new_privs && close_calls();
    say(out);
}

#include "tests/unit/os/homes.h"

#include "node/os/fence.h"
#include "node/os/log.h"
#include "node/os/system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* A process closed in as a node is: what it may still do, and what not; and that the same is done by one that is not closed in. */
static struct gx_home home;
static char inside[GX_PATH_MAX + 32], outside[GX_PATH_MAX + 32];

static void write_file(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs("tea", f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make(void **state)
{
    (void)state;
    home_make(&home);
    snprintf(inside, sizeof inside, "%s/inside", home.data);
    snprintf(outside, sizeof outside, "%s", home.data);
    snprintf(strrchr(outside, '/'), 16, "/outside");
    write_file(inside);
    write_file(outside);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    home_remove(&home);
    return 0;
}

/* --- a child, closed in or not -------------------------------------------------------------------------------------------------------- */

struct told {
    struct gx_fence fence;
    char done[64];              /* a character for each thing that was tried: 1 if it was done */
};

/* What it tells; how it ended. */
static int in_child(struct told *told, bool closed, void (*before)(void), void (*work)(char *done))
{
    struct told *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;

    assert_true(shared != MAP_FAILED);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        gx_harden();
        if (before != NULL)
            before();
        if (closed && gx_log_to_file(&home, NULL))
            gx_fence_close(&shared->fence, &home);
        if (work != NULL)
            work(shared->done);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    *told = *shared;
    assert_int_equal(munmap(shared, sizeof *shared), 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void need(bool part)
{
    if (!part)
        skip();
}

static struct gx_fence what_holds(void)
{
    struct told told;

    assert_int_equal(in_child(&told, true, NULL, NULL), 0);
    return told.fence;
}

static void note(char **at, bool done)
{
    *(*at)++ = done ? '1' : '0';
}

/* --- files ---------------------------------------------------------------------------------------------------------------------------- */

/* With room for an instrument there is room for others. */
#ifndef GX_INSTRUMENTED
static void use_files_outside(char *done)
{
    char other[GX_PATH_MAX + 48], moved[GX_PATH_MAX + 48];

    snprintf(other, sizeof other, "%s.other", outside);
    snprintf(moved, sizeof moved, "%s.moved", outside);
    note(&done, open(outside, O_RDONLY) >= 0);
    note(&done, open(outside, O_WRONLY) >= 0);
    note(&done, open("/etc", O_RDONLY | O_DIRECTORY) >= 0);
    note(&done, open("/etc/passwd", O_RDONLY) >= 0);
    note(&done, open("/proc/self/environ", O_RDONLY) >= 0);
    note(&done, open(other, O_WRONLY | O_CREAT, 0600) >= 0);
    note(&done, rename(inside, moved) == 0);
    note(&done, unlink(outside) == 0);
}

static void test_of_files_it_has_those_of_its_home(void **state)
{
    struct told told;
    (void)state;

    need(what_holds().landlock);
    assert_int_equal(in_child(&told, true, NULL, use_files_outside), 0);
    assert_string_equal(told.done, "00000000");
    assert_int_equal(access(inside, F_OK), 0);
    assert_int_equal(access(outside, F_OK), 0);
    assert_int_equal(in_child(&told, false, NULL, use_files_outside), 0);
    assert_string_equal(told.done, "11111111");
}
#endif

static void use_files_inside(char *done)
{
    char other[GX_PATH_MAX + 48];
    uint8_t bytes[8];
    size_t n;

    snprintf(other, sizeof other, "%s.other", inside);
    note(&done, gx_file_read(bytes, &n, sizeof bytes, &home, "inside") == GX_OK && n == 3);
    note(&done, gx_file_replace(&home, "inside", (uint8_t[]){1, 2}, 2, NULL) == GX_OK);
    note(&done, rename(inside, other) == 0);
    int fd = open(other, O_RDWR | O_CLOEXEC);
    note(&done, fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, "tea", 3, 0) == 3 && fsync(fd) == 0);
    note(&done, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
    note(&done, unlink(other) == 0);
    gx_log("it goes on");
    note(&done, gx_rss_bytes() > 0);
}

static void test_in_its_home_it_does_what_it_did(void **state)
{
    struct told told;
    (void)state;

    assert_int_equal(in_child(&told, true, NULL, use_files_inside), 0);
    assert_string_equal(told.done, "1111111");
}

/* --- calls ---------------------------------------------------------------------------------------------------------------------------- */

#ifndef GX_INSTRUMENTED
static void do_what_is_for_others(char *done)
{
    int ends[2];
    char linked[GX_PATH_MAX + 48];
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();

    snprintf(linked, sizeof linked, "%s.linked", inside);

    if (child == 0)
        _exit(0);
    note(&done, child > 0);
    note(&done, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
    note(&done, socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    note(&done, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC) >= 0);
    note(&done, mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
    note(&done, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    note(&done, memfd_create("tea", 0) >= 0);
    note(&done, symlink("inside", linked) == 0);
    note(&done, chmod(inside, 0666) == 0);
    note(&done, setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}) == 0);
    note(&done, setpriority(PRIO_PROCESS, 0, 19) == 0);
    note(&done, kill(getpid(), 0) == 0);
}

static void test_of_calls_it_has_those_a_node_makes(void **state)
{
    struct told told;
    (void)state;

    need(what_holds().seccomp);
    assert_int_equal(in_child(&told, true, NULL, do_what_is_for_others), 0);
    assert_string_equal(told.done, "000000000000");
    assert_int_equal(in_child(&told, false, NULL, do_what_is_for_others), 0);
    assert_string_equal(told.done, "111111111111");
}

/* The kernel sends any signal to whom a descriptor is said to belong, when something comes there. */
static void have_signals_sent(char *done)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = getppid()};

    note(&done, fcntl(fd, F_SETOWN, getppid()) == 0);
    note(&done, fcntl(fd, F_SETOWN_EX, &owner) == 0);
    note(&done, fcntl(fd, F_SETSIG, SIGKILL) == 0);
    note(&done, fcntl(open(inside, O_RDONLY), F_SETLEASE, F_RDLCK) == 0);
    note(&done, ioctl(fd, FIOSETOWN, &(int){getppid()}) == 0);
    note(&done, fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0);      /* these it needs */
}

static void test_no_signal_leaves_it_by_a_descriptor_either(void **state)
{
    struct told told;
    (void)state;

    need(what_holds().seccomp);
    assert_int_equal(in_child(&told, true, NULL, have_signals_sent), 0);
    assert_string_equal(told.done, "000000");
    assert_int_equal(in_child(&told, false, NULL, have_signals_sent), 0);
    assert_string_equal(told.done, "111110");
}

static void execute(char *done)
{
    char *argv[] = {(char[]){"true"}, NULL};

    (void)done;
    (void)execv("/bin/true", argv);
    _exit(1);
}

static void be_traced(char *done)
{
    note(&done, ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
}

static void read_memory(char *done)
{
    struct iovec to = {&(uint8_t){0}, 1}, from = {&(uint8_t){1}, 1};

    note(&done, process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1);
}

static void leave_namespace(char *done)
{
    note(&done, syscall(SYS_unshare, 0) == 0);
}

static void load_program(char *done)
{
    note(&done, syscall(SYS_bpf, 0, NULL, 0) != 0 && errno != ENOSYS);
}

/* It would be a node that somebody else is at the wheel of. */
static void test_what_only_a_node_that_was_taken_over_does_ends_it(void **state)
{
    static void (*const deeds[])(char *done) = {execute, be_traced, read_memory, leave_namespace, load_program};
    struct told told;
    (void)state;

    need(what_holds().seccomp);
    for (size_t i = 0; i < GX_ARRAY_LEN(deeds); i++) {
        assert_int_equal(in_child(&told, true, NULL, deeds[i]), -SIGSYS);
        assert_string_equal(told.done, "");
        assert_int_equal(in_child(&told, false, NULL, deeds[i]), 0);
        assert_string_equal(told.done, deeds[i] == execute ? "" : "1");
    }
}
#endif

/* A call that no list has: what a library tries first and can do without. */
static void call_what_is_unknown(char *done)
{
    note(&done, syscall(1000) == -1 && errno == ENOSYS);
}

static void test_an_unknown_call_is_one_that_the_kernel_has_not(void **state)
{
    struct told told;
    (void)state;

    assert_int_equal(in_child(&told, true, NULL, call_what_is_unknown), 0);
    assert_string_equal(told.done, "1");
}

/* --- the net -------------------------------------------------------------------------------------------------------------------------- */

static void *work(void *arg)
{
    *(bool *)arg = true;
    return NULL;
}

static void use_the_net(char *done)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xefff0001), .imr_address.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_nl routes = {.nl_family = AF_NETLINK, .nl_groups = 1};
    socklen_t n = sizeof at;
    struct ifaddrs *all = NULL;
    bool ran = false;
    pthread_t thread;
    int one = 1;
    char c;

    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), way = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    note(&done, bind(door, (const struct sockaddr *)&at, sizeof at) == 0 && listen(door, 4) == 0 && getsockname(door, (struct sockaddr *)&at, &n) == 0);
    note(&done, connect(way, (const struct sockaddr *)&at, sizeof at) == 0 && accept4(door, NULL, NULL, SOCK_CLOEXEC) >= 0);
    at.sin_port = 0;
    int beacon = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    note(&done, setsockopt(beacon, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 && setsockopt(beacon, SOL_SOCKET, SO_BROADCAST, &one, sizeof one) == 0);
    note(&done, bind(beacon, (const struct sockaddr *)&at, sizeof at) == 0 && getsockname(beacon, (struct sockaddr *)&at, &n) == 0);
    /* There is nobody to hear it where no interface carries multicast. */
    note(&done, setsockopt(beacon, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0 || errno == ENODEV);
    note(&done, sendto(beacon, "x", 1, 0, (const struct sockaddr *)&at, sizeof at) == 1 && recv(beacon, &c, 1, 0) == 1);
    int six = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    note(&done, six >= 0 || errno == EAFNOSUPPORT);
    int changes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    note(&done, changes >= 0 && bind(changes, (const struct sockaddr *)&routes, sizeof routes) == 0);
    note(&done, getifaddrs(&all) == 0);
    freeifaddrs(all);
    note(&done, pthread_create(&thread, NULL, work, &ran) == 0 && pthread_join(thread, NULL) == 0 && ran);
}

static void test_peers_the_local_net_and_threads_are_there(void **state)
{
    struct told told;
    (void)state;

    assert_int_equal(in_child(&told, true, NULL, use_the_net), 0);
    assert_string_equal(told.done, "1111111111");
}

/* --- what holds ----------------------------------------------------------------------------------------------------------------------- */

/* As a kernel that has not these calls. */
static void lack(const int *calls, size_t n)
{
    scmp_filter_ctx rules = seccomp_init(SCMP_ACT_ALLOW);

    for (size_t i = 0; i < n; i++)
        if (seccomp_rule_add(rules, SCMP_ACT_ERRNO(ENOSYS), calls[i], 0) != 0)
            _exit(9);
    if (seccomp_rule_add(rules, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, SCMP_CMP32(0, SCMP_CMP_EQ, n > 1 ? PR_SET_SECCOMP : INT32_MAX)) != 0 ||
        seccomp_load(rules) != 0)
        _exit(9);
    seccomp_release(rules);
}

static void lack_landlock(void)
{
    lack((const int[]){SCMP_SYS(landlock_create_ruleset)}, 1);
}

static void lack_both(void)
{
    lack((const int[]){SCMP_SYS(landlock_create_ruleset), SCMP_SYS(seccomp)}, 2);
}

static bool log_says(const char *text)
{
    static char all[65536];
    char path[GX_PATH_MAX];

    gx_home_path(path, &home, "log");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    all[fread(all, 1, sizeof all - 1, f)] = 0;
    fclose(f);
    assert_int_equal(unlink(path), 0);
    return strstr(all, text) != NULL;
}

static void test_a_kernel_that_lacks_a_part_gives_the_rest_and_it_is_said(void **state)
{
    struct gx_fence here = what_holds();
    struct told told;
    (void)state;

    assert_false(log_says("this kernel has no seccomp"));
    assert_true(here.no_new_privs);
    need(here.seccomp && here.landlock);
    assert_int_equal(in_child(&told, true, lack_landlock, use_files_inside), 0);
    assert_true(told.fence.seccomp && !told.fence.landlock && told.fence.no_new_privs);
    assert_true(log_says("this kernel has no Landlock"));
    write_file(inside);
    assert_int_equal(in_child(&told, true, lack_both, use_files_inside), 0);
    assert_true(!told.fence.seccomp && !told.fence.landlock && told.fence.no_new_privs);
    assert_string_equal(told.done, "1111111");
    assert_true(log_says("this kernel has no seccomp"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
#ifndef GX_INSTRUMENTED
        T(test_of_files_it_has_those_of_its_home),
        T(test_of_calls_it_has_those_a_node_makes),
        T(test_no_signal_leaves_it_by_a_descriptor_either),
        T(test_what_only_a_node_that_was_taken_over_does_ends_it),
#endif
        T(test_in_its_home_it_does_what_it_did),
        T(test_an_unknown_call_is_one_that_the_kernel_has_not),
        T(test_peers_the_local_net_and_threads_are_there),
        T(test_a_kernel_that_lacks_a_part_gives_the_rest_and_it_is_said),
    };
    return cmocka_run_group_tests_name("os/fence", tests, NULL, NULL);
}

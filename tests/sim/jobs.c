#include "tests/sim/jobs.h"

#include "tests/sim/sim.h"
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AHEAD 4u            /* so many for each processor may have ended before an earlier one has */

struct slot {
    bool used, ended, no_room;
    uint64_t at;                /* from jobs->first on: a last index may be the greatest number there is */
    pid_t pid;
    int status, fd;         /* result and text */
    char dir[40];
};

/* A world is removed whichever of them comes: typed, from a terminal that closes, from a pipe that nobody reads any more. */
static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    stopped = signal;
}

uint32_t gx_sim_jobs_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : (uint32_t)n;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static _Noreturn void child(const struct gx_sim_jobs *jobs, const struct slot *s, pid_t parent)
{
    void *result = calloc(1, jobs->result_bytes + 1);
    FILE *out = fdopen(s->fd, "w");

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < GX_ARRAY_LEN(ends); i++)     /* from a terminal they come to all of them, and no core of each is wanted */
        if (ends[i] == SIGQUIT || signal(ends[i], SIG_DFL) == SIG_IGN)
            signal(ends[i], SIG_IGN);
    if (getppid() != parent || result == NULL || out == NULL)
        _exit(99);
    if (jobs->seconds > 0)
        (void)setrlimit(RLIMIT_CPU, &(struct rlimit){.rlim_cur = jobs->seconds, .rlim_max = jobs->seconds + 1});
    if (fwrite(result, 1, jobs->result_bytes, out) != jobs->result_bytes)
        _exit(99);

    int code = jobs->work(jobs->ctx, jobs->first + s->at, s->dir, result, out);

    if (fflush(out) != 0 || pwrite(s->fd, result, jobs->result_bytes, 0) != (ssize_t)jobs->result_bytes)
        _exit(99);
    _exit(code);
}

static bool begin(const struct gx_sim_jobs *jobs, struct slot *s, uint64_t at)
{
    pid_t self = getpid();

    *s = (struct slot){.at = at, .dir = "/dev/shm/gx-sim-job-XXXXXX"};
    s->fd = memfd_create("gx-sim", MFD_CLOEXEC);
    if (s->fd < 0)
        return false;
    if (mkdtemp(s->dir) == NULL) {
        int err = errno;

        close(s->fd);
        errno = err;
        return false;
    }
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0)
        child(jobs, s, self);
    s->used = s->pid > 0;
    if (!s->used) {
        int err = errno;

        close(s->fd);
        (void)rmdir(s->dir);
        errno = err;
    }
    return s->used;
}

static void end(struct slot *s, int status)
{
    s->ended = true;
    s->status = status;
    s->no_room = !gx_sim_has_room(s->dir);
    (void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool told(const struct gx_sim_jobs *jobs, struct slot *s)
{
    off_t n = lseek(s->fd, 0, SEEK_END);
    size_t bytes = n < (off_t)jobs->result_bytes ? jobs->result_bytes : (size_t)n;
    char *text = calloc(1, bytes + 1);
    bool more = false;

    GX_ASSERT(text != NULL && (n <= 0 || pread(s->fd, text, (size_t)n, 0) == n));
    more = jobs->done(jobs->ctx, &(struct gx_sim_job){.index = jobs->first + s->at, .signal = WIFSIGNALED(s->status) ? WTERMSIG(s->status) : 0,
                      .code = WIFEXITED(s->status) ? WEXITSTATUS(s->status) : 0, .no_room = s->no_room, .text = text + jobs->result_bytes, .result = text});
    free(text);
    close(s->fd);
    s->used = false;
    return more;
}

static void wait_one(struct slot *slots, uint32_t n)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);

    for (uint32_t i = 0; pid > 0 && i < n; i++)
        if (slots[i].used && !slots[i].ended && slots[i].pid == pid)
            end(&slots[i], status);
}

static uint32_t running(const struct slot *slots, uint32_t n)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++)
        found += slots[i].used && !slots[i].ended;
    return found;
}

static struct slot *empty(struct slot *slots, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!slots[i].used)
            return &slots[i];
    return NULL;
}

static struct slot *of(struct slot *slots, uint32_t n, uint64_t at)
{
    for (uint32_t i = 0; i < n; i++)
        if (slots[i].used && slots[i].ended && slots[i].at == at)
            return &slots[i];
    return NULL;
}

static void end_all(struct slot *slots, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (slots[i].used && !slots[i].ended)
            (void)kill(slots[i].pid, SIGKILL);
    while (running(slots, n) > 0)
        wait_one(slots, n);
    for (uint32_t i = 0; i < n; i++)
        if (slots[i].used)
            close(slots[i].fd);
}

int gx_sim_jobs_run(const struct gx_sim_jobs *jobs)
{
    uint32_t at_once = jobs->at_once == 0 ? gx_sim_jobs_processors() : jobs->at_once, n = at_once * AHEAD;
    struct slot *slots = calloc(n, sizeof *slots);
    struct sigaction before[GX_ARRAY_LEN(ends)], on = {.sa_handler = stop};
    uint64_t next = 0, told_to = 0;
    bool more = true, can = slots != NULL;
    int err = ENOMEM;

    stopped = 0;
    for (size_t i = 0; i < GX_ARRAY_LEN(ends); i++) {
        sigaction(ends[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)            /* as nohup wants it */
            sigaction(ends[i], &on, NULL);
    }
    while (can && more && !stopped && told_to < jobs->n) {
        struct slot *s = NULL;

        while (can && next < jobs->n && running(slots, n) < at_once && (s = empty(slots, n)) != NULL) {
            can = begin(jobs, s, next++);
            err = errno;
        }
        while (more && (s = of(slots, n, told_to)) != NULL) {
            more = told(jobs, s);
            told_to++;
        }
        if (can && more && told_to < jobs->n && running(slots, n) > 0 && (next == jobs->n || running(slots, n) >= at_once || empty(slots, n) == NULL))
            wait_one(slots, n);
    }
    if (slots != NULL)
        end_all(slots, n);
    for (size_t i = 0; i < GX_ARRAY_LEN(ends); i++)
        sigaction(ends[i], &before[i], NULL);
    free(slots);
    errno = err;
    return stopped ? stopped : can ? 0 : -1;
}

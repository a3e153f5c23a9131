#include "node/os/keeper.h"

#include "node/os/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its end, as this program's own: whoever started it sees what it always saw. */
static int take_over_end(int status, char *const *again, const sigset_t *before)
{
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (sig == 0 && WEXITSTATUS(status) != GX_KEEPER_AGAIN)
        return WEXITSTATUS(status);
    gx_log_again();
    if (sig == 0) {
        gx_log("locked");
        /* Who told this one to stop meanwhile is heard now. */
        (void)sigprocmask(SIG_SETMASK, before, NULL);
        (void)execv("/proc/self/exe", again);
        gx_log("cannot begin again locked, and stop instead: %s", strerror(errno));
        return GX_EXIT_FAILED;
    }
    if (sig == SIGSYS)
        gx_log("the node did what it never does, and was stopped by what it is confined by");
    else
        gx_log("the node was ended by signal %d", sig);
    (void)signal(sig, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, sig);
    (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
    (void)raise(sig);
    return GX_EXIT_FAILED;
}

/* A signal that came before the node was looked at is still there: they are blocked, and taken one by one. */
static int wait_for(pid_t node, const sigset_t *set)
{
    siginfo_t info;
    int status;

    for (;;) {
        pid_t ended = waitpid(node, &status, WNOHANG);
        if (ended == node)
            return status;
        if (sigwaitinfo(set, &info) == SIGTERM || info.si_signo == SIGINT)
            (void)kill(node, info.si_signo);
    }
}

bool gx_keep(int *code, char *const *again, void (*let_go)(void *ctx), void *ctx)
{
    sigset_t set, before;
    pid_t keeper = getpid();

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    fflush(NULL);
    (void)signal(SIGCHLD, SIG_DFL);         /* whoever started this may ignore the ends of children, and that is inherited */
    (void)sigprocmask(SIG_BLOCK, &set, &before);
    pid_t node = fork();
    if (node == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != keeper)
            _exit(GX_EXIT_FAILED);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return true;
    }
    if (node < 0) {
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        gx_log("cannot start another process: %s", strerror(errno));
        *code = GX_EXIT_STORE;
        return false;
    }
    let_go(ctx);
    *code = take_over_end(wait_for(node, &set), again, &before);
    return false;
}

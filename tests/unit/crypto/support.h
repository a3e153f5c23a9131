/* What the tests of this layer share: cmocka, fixed inputs, and bytes written as hex. */
#ifndef GX_TESTS_UNIT_CRYPTO_SUPPORT_H
#define GX_TESTS_UNIT_CRYPTO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/keys.h"

/* n bytes that count up from `first`: the inputs of tests/vectors/keys.py. */
static inline void run(void *out, uint8_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)(first + i);
}

/* Hex of exactly n bytes. */
static inline void unhex(void *out, size_t n, const char *hex)
{
    size_t got = 0;

    assert_int_equal(sodium_hex2bin(out, n, hex, strlen(hex), NULL, &got, NULL), 0);
    assert_int_equal(got, n);
}

static inline bool all_zero(const void *p, size_t n)
{
    return sodium_is_zero(p, n) == 1;
}

/* Does `mistake` stop the program?  In a child, without a core file and without its last words on the terminal. */
static inline bool aborts(void (*mistake)(void))
{
    const pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        const int nowhere = open("/dev/null", O_WRONLY);

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        mistake();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif

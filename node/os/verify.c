#include "node/os/verify.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS_MAX 16u
/* Jobs a worker takes at a time: a lock costs a thousandth of that many verifications, and the last to finish is never far behind. */
#define BATCH_MAX 16u
/* Of gx_verifier_each: waking a worker costs as much as some signatures. */
#define EACH_MIN 4u
#define EACH_SHARE 2u
#define STACK_BYTES (256u * 1024u)
static_assert((GX_VERIFIES_MAX & (GX_VERIFIES_MAX - 1)) == 0, "the ring wraps by a mask");

struct job {
    uint64_t ticket;
    enum gx_domain domain;
    struct gx_span bytes;
    const struct gx_sign_pk *pk;
    const struct gx_sig *sig;
    bool done, ok;
};

/* What gx_verifier_each was asked to do. */
struct each {
    void (*work)(void *ctx, size_t i);
    void *ctx;
    size_t next, n, n_done;
};

/* Four marks that only grow chase each other round the ring: head <= next <= shared <= added, at most GX_VERIFIES_MAX apart. */
struct gx_verifier {
    struct job jobs[GX_VERIFIES_MAX];
    uint64_t head;          /* first not handed back */
    uint64_t added;         /* the caller's own: not under the lock */
    uint64_t last_ticket;
    int event_fd;
    unsigned n_threads;
    pthread_t threads[THREADS_MAX];

    pthread_mutex_t lock;   /* for what follows, and for done and ok of jobs below `shared` */
    pthread_cond_t work;
    uint64_t next;          /* first that no worker has taken */
    uint64_t shared;        /* first that workers may not see */
    uint64_t n_done;
    struct each each;       /* goes before verifications: the loop waits for it */
    pthread_cond_t each_done;
    bool stop;
};

static struct job *job_at(struct gx_verifier *v, uint64_t i)
{
    return &v->jobs[i & (GX_VERIFIES_MAX - 1)];
}

static void verify(struct job *j)
{
    j->ok = gx_verify(j->pk, j->domain, j->bytes, j->sig);
}

static void signal_results(struct gx_verifier *v)
{
    uint64_t one = 1;
    /* It can only fail when it is readable already. */
    ssize_t rc = write(v->event_fd, &one, sizeof one);
    (void)rc;
}

static uint64_t share_of(const struct gx_verifier *v)
{
    uint64_t n = (v->shared - v->next + v->n_threads - 1) / v->n_threads;
    return n < BATCH_MAX ? n : BATCH_MAX;
}

/* Under the lock, which is open while the work is done. */
static void take_each(struct gx_verifier *v)
{
    size_t first = v->each.next, left = v->each.n - first, n = left < EACH_SHARE ? left : EACH_SHARE;

    v->each.next += n;
    pthread_mutex_unlock(&v->lock);
    for (size_t i = first; i < first + n; i++)
        v->each.work(v->each.ctx, i);
    pthread_mutex_lock(&v->lock);
    v->each.n_done += n;
    if (v->each.n_done == v->each.n)
        pthread_cond_signal(&v->each_done);
}

void gx_verifier_each(void *verifier, void (*work)(void *ctx, size_t i), void *ctx, size_t n)
{
    struct gx_verifier *v = verifier;

    if (n < EACH_MIN) {
        for (size_t i = 0; i < n; i++)
            work(ctx, i);
        return;
    }
    pthread_mutex_lock(&v->lock);
    v->each = (struct each){.work = work, .ctx = ctx, .n = n};
    pthread_cond_broadcast(&v->work);
    while (v->each.next < v->each.n)
        take_each(v);
    while (v->each.n_done < v->each.n)
        pthread_cond_wait(&v->each_done, &v->lock);
    pthread_mutex_unlock(&v->lock);
}

static void *work(void *arg)
{
    struct gx_verifier *v = arg;

    pthread_mutex_lock(&v->lock);
    for (;;) {
        while (!v->stop && v->next == v->shared && v->each.next == v->each.n)
            pthread_cond_wait(&v->work, &v->lock);
        if (v->stop)
            break;
        if (v->each.next < v->each.n) {
            take_each(v);
            continue;
        }
        uint64_t first = v->next, n = share_of(v);
        v->next += n;
        pthread_mutex_unlock(&v->lock);
        for (uint64_t i = first; i < first + n; i++)
            verify(job_at(v, i));
        pthread_mutex_lock(&v->lock);
        for (uint64_t i = first; i < first + n; i++)
            job_at(v, i)->done = true;
        v->n_done += n;
        signal_results(v);
    }
    pthread_mutex_unlock(&v->lock);
    return NULL;
}

/* Signals are for the loop's thread. */
static bool start_threads(struct gx_verifier *v, unsigned n)
{
    sigset_t all, before;
    pthread_attr_t attr;
    int rc = 0;

    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (v->n_threads < n && rc == 0) {
        rc = pthread_create(&v->threads[v->n_threads], &attr, work, v);
        /* Workers read it. */
        pthread_mutex_lock(&v->lock);
        v->n_threads += rc == 0;
        pthread_mutex_unlock(&v->lock);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0;
}

enum gx_err gx_verifier_open(struct gx_verifier **out, unsigned n_threads)
{
    struct gx_verifier *v = calloc(1, sizeof *v);

    GX_ASSERT(n_threads >= 1 && n_threads <= THREADS_MAX);
    *out = NULL;
    if (v == NULL)
        return GX_E_MEMORY;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->work, NULL);
    pthread_cond_init(&v->each_done, NULL);
    v->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (v->event_fd < 0 || !start_threads(v, n_threads)) {
        gx_verifier_close(v);
        return GX_E_MEMORY;
    }
    *out = v;
    return GX_OK;
}

void gx_verifier_close(struct gx_verifier *v)
{
    if (v == NULL)
        return;
    pthread_mutex_lock(&v->lock);
    v->stop = true;
    pthread_cond_broadcast(&v->work);
    pthread_mutex_unlock(&v->lock);
    for (unsigned i = 0; i < v->n_threads; i++)
        pthread_join(v->threads[i], NULL);
    if (v->event_fd >= 0)
        close(v->event_fd);
    pthread_cond_destroy(&v->work);
    pthread_cond_destroy(&v->each_done);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

void gx_verifier_add(struct gx_verifier *v, const struct gx_effect *effect)
{
    GX_ASSERT(effect->kind == GX_OUT_VERIFY && v->added - v->head < GX_VERIFIES_MAX);
    GX_ASSERT(effect->ticket > v->last_ticket || v->added == 0);
    v->last_ticket = effect->ticket;
    /* Between `shared` and `added`: no worker looks there. */
    *job_at(v, v->added++) = (struct job){.ticket = effect->ticket,
                                          .domain = effect->domain,
                                          .bytes = effect->bytes,
                                          .pk = effect->pk,
                                          .sig = effect->sig};
}

void gx_verifier_flush(struct gx_verifier *v)
{
    pthread_mutex_lock(&v->lock);
    if (v->added > v->shared && v->added - v->n_done <= GX_VERIFY_INLINE && v->next == v->shared) {
        /* Nothing waits for a worker, so none looks at these while the lock is open. */
        uint64_t first = v->shared, n = v->added - first;
        pthread_mutex_unlock(&v->lock);
        for (uint64_t i = first; i < first + n; i++) {
            verify(job_at(v, i));
            job_at(v, i)->done = true;
        }
        pthread_mutex_lock(&v->lock);
        v->next = v->shared = v->added;
        v->n_done += n;
        signal_results(v);
    } else if (v->added > v->shared) {
        v->shared = v->added;
        pthread_cond_broadcast(&v->work);
    }
    pthread_mutex_unlock(&v->lock);
}

int gx_verifier_fd(const struct gx_verifier *v)
{
    return v->event_fd;
}

size_t gx_verifier_take(struct gx_verifier *v, struct gx_input *inputs, size_t cap, struct gx_time now)
{
    uint64_t count;
    size_t n = 0;

    pthread_mutex_lock(&v->lock);
    /* Before looking: what is done after it makes it readable again. */
    ssize_t rc = read(v->event_fd, &count, sizeof count);
    (void)rc;
    for (; n < cap && v->head < v->shared && job_at(v, v->head)->done; v->head++) {
        const struct job *j = job_at(v, v->head);
        inputs[n++] = (struct gx_input){.kind = GX_IN_VERIFIED, .now = now, .ticket = j->ticket, .ok = j->ok};
    }
    if (v->head < v->shared && job_at(v, v->head)->done)
        signal_results(v);
    pthread_mutex_unlock(&v->lock);
    return n;
}

bool gx_verifier_ready(struct gx_verifier *v)
{
    if (v->head == v->added)
        return false;
    pthread_mutex_lock(&v->lock);
    bool ready = v->head < v->shared && job_at(v, v->head)->done;
    pthread_mutex_unlock(&v->lock);
    return ready;
}

size_t gx_verifier_pending(const struct gx_verifier *v)
{
    return (size_t)(v->added - v->head);
}

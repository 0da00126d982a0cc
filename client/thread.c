#include "client/thread.h"

#include <stdlib.h>
#include <string.h>

#include "client/letter.h"
#include "proto/packet_type.h"

static const struct {
    const char *name, *task;
} states[THREAD_STATES] = {
    [THREAD_NONE] = {"", ""},
    [THREAD_SEALED] = {"sealed", "ready"},
    [THREAD_STORED] = {"stored", "requested"},
    [THREAD_DELIVERED] = {"delivered", "received"},
    [THREAD_ACKNOWLEDGED] = {"acknowledged", "accepted"},
    [THREAD_REJECTED] = {"rejected", "rejected"},
    [THREAD_REDIRECTED] = {"redirected", "rejected"},
    [THREAD_CLOSED] = {"closed", "completed"},
    [THREAD_WITHDRAWN] = {"withdrawn", "cancelled"},
    [THREAD_EXPIRED] = {"expired", "failed"},
    [THREAD_REFUSED] = {"refused", "failed"},
};

const char *
thread_state_name(enum thread_state s)
{
    return (unsigned)s < THREAD_STATES ? states[s].name : "";
}

const char *
thread_state_task(enum thread_state s)
{
    return (unsigned)s < THREAD_STATES ? states[s].task : "";
}

/* ---- what may follow what ---- */

#define FROM(s) (1u << (s))
#define OVER                                                                   \
    (FROM(THREAD_REJECTED) | FROM(THREAD_REDIRECTED) |                         \
     FROM(THREAD_WITHDRAWN) | FROM(THREAD_EXPIRED) | FROM(THREAD_REFUSED))
/* An answer counts from all of these: see the header. */
#define UNANSWERED                                                             \
    (FROM(THREAD_STORED) | FROM(THREAD_DELIVERED) | FROM(THREAD_EXPIRED) |     \
     FROM(THREAD_REFUSED))

/* Bits of the states that each state may come after. */
static const unsigned comes_after[THREAD_STATES] = {
    /* a case that ended may be sent again */
    [THREAD_SEALED] = FROM(THREAD_NONE) | OVER,
    [THREAD_STORED] = FROM(THREAD_SEALED),
    [THREAD_DELIVERED] = FROM(THREAD_STORED),
    [THREAD_ACKNOWLEDGED] = UNANSWERED,
    [THREAD_REJECTED] = UNANSWERED,
    [THREAD_REDIRECTED] = UNANSWERED,
    [THREAD_CLOSED] = UNANSWERED,
    [THREAD_WITHDRAWN] = FROM(THREAD_SEALED) | FROM(THREAD_STORED),
    [THREAD_EXPIRED] = FROM(THREAD_SEALED) | FROM(THREAD_STORED),
    [THREAD_REFUSED] = FROM(THREAD_STORED),
};

/* ---- packets as steps ---- */

struct step {
    uint64_t ms; /* by the relay's clock; UINT64_MAX: still to come */
    enum thread_state to;
    const struct mail *m;
};
struct steps {
    struct step *items; /* owned */
    size_t n;
};
enum { STEPS_EACH = 3 };

static const enum thread_state after_delivery[MAIL_STATES] = {
    [MAIL_HANDED_OVER] = THREAD_DELIVERED,
    [MAIL_REFUSED] = THREAD_REFUSED,
    [MAIL_WITHDRAWN] = THREAD_WITHDRAWN,
    [MAIL_EXPIRED] = THREAD_EXPIRED,
};

bool
thread_opens(const struct mail *m)
{
    return m->type == PACKET_TYPE_REFERRAL ||
           m->type == PACKET_TYPE_DUTY_TO_NOTIFY ||
           m->type == PACKET_TYPE_SUPPORT_REQUEST;
}

static bool
is_answer(const struct mail *m)
{
    return m->type == PACKET_TYPE_ACKNOWLEDGEMENT ||
           m->type == PACKET_TYPE_REJECTION;
}

static bool
is_ours(const struct mail *m)
{
    return m->direction != INDEX_IN;
}

static uint64_t
when(const struct mail *m)
{
    return m->stored_ms != 0 ? m->stored_ms : UINT64_MAX;
}

static void
add(struct steps *s, uint64_t ms, enum thread_state to, const struct mail *m)
{
    s->items[s->n++] = (struct step){ms, to, m};
}

/* A packet that came was sealed and stored, and we have it, whatever the log
 * has been told yet. */
static void
add_opening(struct steps *s, const struct mail *m)
{
    enum thread_state end = (unsigned)m->state < MAIL_STATES
                                ? after_delivery[m->state]
                                : THREAD_NONE;
    uint64_t stored = when(m);

    if (!is_ours(m) && end == THREAD_NONE)
        end = THREAD_DELIVERED;
    add(s, stored, THREAD_SEALED, m);
    if (m->stored_ms != 0)
        add(s, stored, THREAD_STORED, m);
    if (end != THREAD_NONE)
        add(s, m->final_ms > stored ? m->final_ms : stored, end, m);
}

/* Our own answer counts from when it is written, unless it did not arrive. */
static void
add_answer(struct steps *s, const struct mail *m)
{
    if (is_ours(m) && (m->state == MAIL_WITHDRAWN || m->state == MAIL_EXPIRED ||
                       m->state == MAIL_REFUSED))
        return;
    add(s, when(m),
        m->type == PACKET_TYPE_REJECTION ? THREAD_REJECTED
                                         : THREAD_ACKNOWLEDGED,
        m);
}

static int
by_time(const void *a, const void *b)
{
    const struct step *x = a, *y = b;

    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    return (int)x->to - (int)y->to;
}

/* ---- from the first step to the last ---- */

struct fold {
    thread_redirects_fn *redirects;
    void *arg;
    enum thread_state now;
    const struct mail *opening; /* that the next answer is about */
};

static void
take(struct fold *f, const struct step *s)
{
    enum thread_state to = s->to;

    if (is_answer(s->m)) {
        if (f->opening == NULL || is_ours(f->opening) == is_ours(s->m))
            return;
        if (to == THREAD_ACKNOWLEDGED &&
            f->opening->type == PACKET_TYPE_DUTY_TO_NOTIFY)
            to = THREAD_CLOSED;
        if (to == THREAD_REJECTED && f->redirects != NULL &&
            f->redirects(f->arg, s->m))
            to = THREAD_REDIRECTED;
    } else if (to != THREAD_SEALED && s->m != f->opening) {
        return;
    }
    if ((comes_after[to] & FROM(f->now)) == 0)
        return;
    f->now = to;
    if (to == THREAD_SEALED)
        f->opening = s->m;
}

static bool
belongs(const struct mail *m, const struct thread_id *id,
        const struct agency_id *peer)
{
    return id_eq(&m->thread, id) && id_eq(&m->peer_agency, peer) &&
           !mail_is_own_copy(m);
}

enum thread_state
thread_state(const struct mails *mails, const struct thread_id *id,
             const struct agency_id *peer, thread_redirects_fn *redirects,
             void *arg)
{
    struct fold f = {.redirects = redirects, .arg = arg};
    struct steps s = {0};
    size_t n = 0;

    for (size_t i = 0; i < mails->n; i++)
        if (belongs(&mails->items[i], id, peer))
            n++;
    s.items = calloc(n * STEPS_EACH + 1, sizeof(*s.items));
    if (s.items == NULL)
        return THREAD_NONE;
    for (size_t i = 0; i < mails->n; i++) {
        const struct mail *m = &mails->items[i];

        if (!belongs(m, id, peer))
            continue;
        if (thread_opens(m))
            add_opening(&s, m);
        else if (is_answer(m))
            add_answer(&s, m);
    }
    qsort(s.items, s.n, sizeof(*s.items), by_time);
    for (size_t i = 0; i < s.n; i++)
        take(&f, &s.items[i]);
    free(s.items);
    return f.now;
}

/* ---- with what the vault knows ---- */

/* "wrong hub" and "no trafficking, redirected" name another way. */
static bool
redirects(void *app, const struct mail *rejection)
{
    struct problem none = {0};
    struct letter l = {0};
    bool yes = false;

    if (letter_load(app, rejection, &l, &none) == ERR_OK) {
        const char *reason = json_get_str(l.meta, "reason");

        yes = strcmp(reason, "wrong_hub") == 0 ||
              strcmp(reason, "not_trafficking_redirected") == 0;
    }
    letter_clear(&l);
    return yes;
}

enum thread_state
thread_of(struct app *app, const struct mails *mails, const struct mail *m)
{
    return thread_state(mails, &m->thread, &m->peer_agency, redirects, app);
}

#include "client/account.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"

#define DAY_MS UINT64_C(86400000)

/* One event as it was given. */
struct given {
    uint64_t index;
    struct hash opening; /* its hash */
};

struct account {
    struct account_options o;
    struct balance *balance;
    struct given *given; /* ascending */
    size_t n_given, cap_given;
    uint64_t receipts;
    struct account_mismatch *found; /* room for ACCOUNT_MISMATCHES_MAX */
    uint64_t n_found;               /* all, the list may hold fewer */
    struct account_day *days;
    size_t n_days, cap_days;
    struct account_day total;
    enum err rc; /* of counting */
};

/* ---- what does not fit ---- */

static void find(struct account *a, const char *code, uint64_t index,
                 const struct packet_id *packet, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void
find(struct account *a, const char *code, uint64_t index,
     const struct packet_id *packet, const char *fmt, ...)
{
    struct account_mismatch *m;
    va_list ap;

    if (a->n_found++ >= ACCOUNT_MISMATCHES_MAX)
        return;
    m = &a->found[a->n_found - 1];
    (void)snprintf(m->code, sizeof(m->code), "%s", code);
    va_start(ap, fmt);
    (void)vsnprintf(m->text, sizeof(m->text), fmt, ap);
    va_end(ap);
    m->packet = *packet;
    m->index = index;
}

/* What a balance finds, in words. */
static const struct {
    const char *code, *text;
} words[FINDING_KINDS] = {
    [FINDING_SEQUENCE] = {"sequence", "this event may not follow there"},
    [FINDING_STORED_TWICE] = {"stored_twice", "it was stored a second time"},
    [FINDING_CONFLICT] = {"conflict", "two packets go by this name"},
    [FINDING_NO_EVIDENCE] = {"no_evidence",
                             "its end is the relay's word and nobody else's"},
    [FINDING_BAD_REF] = {"bad_ref", "its end points at another entry"},
    [FINDING_EARLY] = {"expired_early", "it expired before its last day"},
    [FINDING_OVERDUE] = {"not_ended",
                         "it is past its end, and was not settled in time"},
    [FINDING_ORDER] = {"order", "the entry is out of order"},
    [FINDING_UNOPENED] = {"unopened", "the entry was not opened"},
    [FINDING_ERASED_EARLY] = {"erased_early", "it was erased too early"},
};

static void
on_finding(void *arg, const struct finding *f)
{
    struct account *a = arg;
    const struct event_info *info = event_info(f->type);
    bool is_final = info != NULL && info->is_final;

    if (f->kind == FINDING_SEQUENCE && f->state == PACKET_UNSEEN)
        find(a, "opening_missing", f->index, &f->packet,
             "\"%s\" is there, but the relay does not show that it was stored",
             event_name(f->type));
    else if (f->kind == FINDING_SEQUENCE && is_final)
        find(a, "ended_twice", f->index, &f->packet,
             "it is %s already, and \"%s\" ends it again",
             packet_state_name(f->state), event_name(f->type));
    else
        find(a, words[f->kind].code, f->index, &f->packet, "%s",
             words[f->kind].text);
}

/* ---- life ---- */

static bool
is_own_copy(void *arg, const struct mailbox_id *to,
            const struct agency_id *sender)
{
    const struct account *a = arg;
    const struct dir_mailbox *m = directory_mailbox(a->o.dir, to);

    return m != NULL && id_eq(&m->agency->id, sender);
}

struct account *
account_new(const struct account_options *options)
{
    struct account *a = calloc(1, sizeof(*a));
    struct balance_options b = {
        .erasable_end = UINT64_MAX,
        .grace_s = ACCOUNT_GRACE_S,
        .is_own = is_own_copy,
        .found = on_finding,
        .arg = a,
    };

    if (a == NULL)
        return NULL;
    a->o = *options;
    memcpy(b.seed, options->seed, sizeof(b.seed));
    a->balance = balance_new(&b);
    a->found = calloc(ACCOUNT_MISMATCHES_MAX, sizeof(*a->found));
    if (a->balance == NULL || a->found == NULL) {
        account_free(a);
        return NULL;
    }
    return a;
}

void
account_free(struct account *a)
{
    if (a == NULL)
        return;
    balance_free(a->balance);
    free(a->given);
    free(a->found);
    free(a->days);
    free(a);
}

static void *
more(void *items, size_t n, size_t *cap, size_t size)
{
    void **at = items;
    size_t wanted = *cap == 0 ? 64 : 2 * *cap;
    void *grown;

    if (n < *cap)
        return *at;
    grown = realloc(*at, wanted * size);
    if (grown == NULL)
        return NULL;
    *at = grown;
    *cap = wanted;
    return grown;
}

/* ---- events and receipts ---- */

enum err
account_event(struct account *a, uint64_t index,
              const uint8_t opening[OPENING_LEN], const struct event *ev)
{
    struct given *g;

    if (more(&a->given, a->n_given, &a->cap_given, sizeof(*a->given)) == NULL)
        return ERR_NOMEM;
    g = &a->given[a->n_given++];
    g->index = index;
    sha256(&g->opening, opening, OPENING_LEN);
    return balance_event(a->balance, index, ev);
}

static int
by_index(const void *x, const void *y)
{
    const struct given *a = x;
    const struct given *b = y;

    return a->index < b->index ? -1 : a->index > b->index;
}

void
account_receipt(struct account *a, uint64_t index,
                const uint8_t opening[OPENING_LEN], const struct event *ev)
{
    const struct given key = {.index = index};
    const struct given *g = NULL;
    struct hash h;

    if (a->n_given > 0)
        g = bsearch(&key, a->given, a->n_given, sizeof(key), by_index);
    a->receipts++;
    sha256(&h, opening, OPENING_LEN);
    if (g == NULL && index < a->o.reach)
        find(a, "receipt_without_leaf", index, &ev->packet,
             "we hold the relay's receipt for \"%s\", and its list of events "
             "leaves it out",
             event_name(ev->type));
    else if (g != NULL && !id_eq(&g->opening, &h))
        find(a, "other_event", index, &ev->packet,
             "the relay's list says something else than the receipt that it "
             "gave us for \"%s\"",
             event_name(ev->type));
}

/* ---- days ---- */

static struct account_day *
day_of(struct account *a, uint32_t day)
{
    size_t lo = 0, hi = a->n_days;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (a->days[mid].day < day)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < a->n_days && a->days[lo].day == day)
        return &a->days[lo];
    if (more(&a->days, a->n_days, &a->cap_days, sizeof(*a->days)) == NULL)
        return NULL;
    memmove(&a->days[lo + 1], &a->days[lo],
            (a->n_days - lo) * sizeof(*a->days));
    memset(&a->days[lo], 0, sizeof(*a->days));
    a->days[lo].day = day;
    a->n_days++;
    return &a->days[lo];
}

static bool
on_packet(void *arg, const struct balance_packet *p)
{
    struct account *a = arg;
    bool is_sent = id_eq(&p->sender, &a->o.self);
    uint64_t day = p->stored_ms / DAY_MS;
    struct balance_fate f;
    struct account_day *d;

    if (!balance_fate(p, a->o.from_ms, a->o.to_ms, &f))
        return true;
    d = day_of(a, f.is_carried       ? 0
                  : day > UINT32_MAX ? UINT32_MAX
                                     : (uint32_t)day);
    if (d == NULL) {
        a->rc = ERR_NOMEM;
        return false;
    }
    /* A copy to a colleague is both; it stands among what was sent. */
    balance_tell(is_sent ? &d->sent : &d->received, p, &f);
    balance_tell(is_sent ? &a->total.sent : &a->total.received, p, &f);
    return true;
}

enum err
account_close(struct account *a)
{
    balance_finish(a->balance, a->o.now_ms);
    balance_each(a->balance, on_packet, a);
    return a->rc;
}

/* ---- results ---- */

const struct account_day *
account_days(const struct account *a, size_t *n)
{
    *n = a->n_days;
    return a->days;
}

struct account_day
account_total(const struct account *a)
{
    return a->total;
}

const struct account_mismatch *
account_mismatch_at(const struct account *a, size_t i)
{
    return i < a->n_found && i < ACCOUNT_MISMATCHES_MAX ? &a->found[i] : NULL;
}

uint64_t
account_mismatches(const struct account *a)
{
    return a->n_found;
}

uint64_t
account_events(const struct account *a)
{
    return a->n_given;
}

uint64_t
account_receipts(const struct account *a)
{
    return a->receipts;
}

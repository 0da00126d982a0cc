/*
 * audit_view_make.c - packets into groups: total, class, agency, day.
 */
#include "client/audit_view_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { LAST_DAY = 2932896 /* 9999-12-31 */ };

/* ---- small things ---- */

void *
view_more(struct view_maker *m, void *items, size_t *n, size_t *cap,
          size_t size)
{
    void **at = items;

    if (m->rc != ERR_OK)
        return NULL;
    if (*n == *cap) {
        size_t wanted = *cap == 0 ? 16 : 2 * *cap;
        void *more = realloc(*at, wanted * size);

        if (more == NULL) {
            m->rc = ERR_NOMEM;
            return NULL;
        }
        *at = more;
        *cap = wanted;
    }
    memset((uint8_t *)*at + *n * size, 0, size);
    return (uint8_t *)*at + (*n)++ * size;
}

size_t
view_place(const struct view_maker *m, const struct agency_id *id)
{
    const void *at = map_find(&m->places, id);

    return at == NULL ? SIZE_MAX : (size_t)(uintptr_t)at - 1;
}

struct agency_id
view_agency_of(const struct view_maker *m, const struct mailbox_id *id)
{
    static const struct agency_id nobody;
    const struct dir_mailbox *box = directory_mailbox(m->dir, id);

    return box == NULL ? nobody : box->agency->id;
}

bool
view_is_in_period(const struct view_maker *m, uint64_t time_ms)
{
    return time_ms >= m->choice->from_ms && time_ms < m->choice->to_ms;
}

bool
view_is_chosen(const struct view_maker *m, const struct agency_id *sender,
               const struct agency_id *recipient, uint8_t class)
{
    const struct audit_choice *c = m->choice;

    if (c->has_class && c->class != class)
        return false;
    return c->agency == NULL || id_eq(c->agency, sender) ||
           id_eq(c->agency, recipient);
}

uint32_t
view_day_of(uint64_t time_ms)
{
    uint64_t day = time_ms / VIEW_DAY_MS;

    return day > LAST_DAY ? LAST_DAY : (uint32_t)day;
}

void
view_day_text(char out[11], uint32_t day)
{
    char text[CLOCK_TEXT_MAX];

    clock_format_rfc3339(text, day * VIEW_DAY_MS);
    (void)snprintf(out, 11, "%.10s", text);
}

/* ---- where a packet counts ---- */

static void
name_agency(const struct view_maker *m, struct view_agency *v)
{
    const struct dir_agency *d = directory_agency(m->dir, &v->id);

    if (d == NULL)
        return;
    memcpy(v->name, d->name, sizeof(v->name));
    memcpy(v->country, d->country, sizeof(v->country));
    v->class = d->class;
}

static size_t
add_agency(struct view_maker *m, const struct agency_id *id)
{
    size_t at = view_place(m, id);
    struct view_agency *v;

    if (at != SIZE_MAX)
        return at;
    v = view_more(m, &m->v.agencies, &m->v.n_agencies, &m->cap_agencies,
                  sizeof(*v));
    if (v == NULL)
        return SIZE_MAX;
    v->id = *id;
    name_agency(m, v);
    m->rc = map_insert(&m->places, id, (void *)(uintptr_t)m->v.n_agencies);
    return m->rc == ERR_OK ? m->v.n_agencies - 1 : SIZE_MAX;
}

struct cell_key {
    uint64_t agency, day;
};

/* NULL: M->rc. */
static struct view_agency_day *
cell(struct view_maker *m, size_t agency, uint32_t day)
{
    struct cell_key key = {agency, day};
    void *at = map_find(&m->cells, &key);
    struct view_agency_day *c;

    if (at != NULL)
        return &m->v.agency_days[(size_t)(uintptr_t)at - 1];
    c = view_more(m, &m->v.agency_days, &m->v.n_agency_days,
                  &m->cap_agency_days, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->agency = agency;
    c->day = day;
    m->rc = map_insert(&m->cells, &key, (void *)(uintptr_t)m->v.n_agency_days);
    return m->rc == ERR_OK ? c : NULL;
}

/* ---- one packet ---- */

static void
count_group(const struct view_maker *m, struct view_group *g,
            const struct balance_packet *p, const struct balance_fate *f)
{
    struct view_deadlines *d = &g->deadlines;
    bool is_expired = f->state == PACKET_EXPIRED;

    balance_tell(&g->counts, p, f);
    if (p->is_own)
        return;
    d->warned += p->is_warned;
    d->rescued += p->is_warned && f->state == PACKET_HANDED_OVER;
    d->expired += is_expired;
    d->unserved += is_expired && p->reason == 0;
    d->overdue += balance_is_overdue(p->not_after, AUDIT_GRACE_S,
                                     f->has_ended ? p->end_ms : m->end_ms);
    d->late += p->is_late;
}

static void
keep_delay(struct view_maker *m, const struct balance_packet *p, size_t sender,
           size_t recipient)
{
    struct view_delay *d =
        view_more(m, &m->delays, &m->n_delays, &m->cap_delays, sizeof(*d));

    if (d == NULL)
        return;
    d->ms = p->end_ms > p->stored_ms ? p->end_ms - p->stored_ms : 0;
    d->sender = sender;
    d->recipient = recipient;
    d->class = p->class;
}

static bool
on_packet(void *arg, const struct balance_packet *p)
{
    struct view_maker *m = arg;
    struct agency_id to = view_agency_of(m, &p->recipient);
    struct view_agency_day *c;
    size_t sender, recipient;
    struct balance_fate f;

    if (!balance_fate(p, m->choice->from_ms, m->choice->to_ms, &f) ||
        !view_is_chosen(m, &p->sender, &to, p->class))
        return true;
    sender = add_agency(m, &p->sender);
    recipient = add_agency(m, &to);
    c = m->rc != ERR_OK
            ? NULL
            : cell(m, sender, f.is_carried ? 0 : view_day_of(p->stored_ms));
    if (c == NULL)
        return false;
    balance_tell(&c->counts, p, &f);
    count_group(m, &m->v.total, p, &f);
    count_group(m, &m->v.by_class[p->class % VIEW_CLASSES], p, &f);
    count_group(m, &m->v.agencies[sender].sent, p, &f);
    count_group(m, &m->v.agencies[recipient].received, p, &f);
    if (!p->is_own && f.has_ended && f.state == PACKET_HANDED_OVER &&
        p->stored_ms != 0)
        keep_delay(m, p, sender, recipient);
    return m->rc == ERR_OK;
}

/* ---- days ---- */

static int
by_agency_and_day(const void *x, const void *y)
{
    const struct view_agency_day *a = x;
    const struct view_agency_day *b = y;

    if (a->agency != b->agency)
        return a->agency < b->agency ? -1 : 1;
    return a->day < b->day ? -1 : a->day > b->day;
}

static int
by_day(const void *x, const void *y)
{
    const struct view_day *a = x;
    const struct view_day *b = y;

    return a->day < b->day ? -1 : a->day > b->day;
}

static void
add_counts(struct balance_counts *to, const struct balance_counts *c)
{
    uint64_t *sum = (uint64_t *)(void *)to;
    const uint64_t *more = (const uint64_t *)(const void *)c;

    for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
        sum[i] += more[i];
}

/* A day for each cell first; they are added up once they are sorted. */
static void
add_days(struct view_maker *m)
{
    struct audit_view *v = &m->v;
    size_t n = 0;

    if (v->n_agency_days == 0)
        return;
    v->days = calloc(v->n_agency_days, sizeof(*v->days));
    if (v->days == NULL) {
        m->rc = ERR_NOMEM;
        return;
    }
    for (size_t i = 0; i < v->n_agency_days; i++) {
        v->days[i].day = v->agency_days[i].day;
        v->days[i].counts = v->agency_days[i].counts;
    }
    qsort(v->days, v->n_agency_days, sizeof(*v->days), by_day);
    for (size_t i = 1; i < v->n_agency_days; i++)
        if (v->days[i].day == v->days[n].day)
            add_counts(&v->days[n].counts, &v->days[i].counts);
        else
            v->days[++n] = v->days[i];
    v->n_days = n + 1;
}

static void
day_or_before(char out[11], uint32_t day)
{
    if (day == 0)
        memcpy(out, "before", sizeof("before"));
    else
        view_day_text(out, day);
}

static void
name_days(struct audit_view *v)
{
    for (size_t i = 0; i < v->n_days; i++)
        day_or_before(v->days[i].text, v->days[i].day);
    for (size_t i = 0; i < v->n_agency_days; i++)
        day_or_before(v->agency_days[i].text, v->agency_days[i].day);
    for (size_t i = 0; i < v->n_days; i++) {
        if (v->days[i].day == 0)
            continue;
        if (v->first_day[0] == '\0')
            memcpy(v->first_day, v->days[i].text, sizeof(v->first_day));
        memcpy(v->last_day, v->days[i].text, sizeof(v->last_day));
    }
}

/* ---- agencies in the order of the directory ---- */

struct order {
    uint64_t admitted;
    size_t was;
};

static int
by_admission(const void *x, const void *y)
{
    const struct order *a = x;
    const struct order *b = y;

    if (a->admitted != b->admitted)
        return a->admitted < b->admitted ? -1 : 1;
    return a->was < b->was ? -1 : a->was > b->was;
}

/* Places were given in the order of the log; NOW[i] is the new one of I. */
static void
move_places(struct view_maker *m, const size_t *now)
{
    for (size_t i = 0; i < m->v.n_agency_days; i++)
        m->v.agency_days[i].agency = now[m->v.agency_days[i].agency];
    for (size_t i = 0; i < m->n_delays; i++) {
        m->delays[i].sender = now[m->delays[i].sender];
        m->delays[i].recipient = now[m->delays[i].recipient];
    }
    map_clear(&m->places);
    map_init(&m->places, sizeof(struct agency_id), audit_options(m->a)->seed);
    for (size_t i = 0; i < m->v.n_agencies && m->rc == ERR_OK; i++)
        m->rc = map_insert(&m->places, &m->v.agencies[i].id,
                           (void *)(uintptr_t)(i + 1));
}

static void
order_agencies(struct view_maker *m)
{
    size_t n = m->v.n_agencies;
    struct order *order = calloc(n + 1, sizeof(*order));
    struct view_agency *sorted = calloc(n + 1, sizeof(*sorted));
    size_t *now = calloc(n + 1, sizeof(*now));

    if (order == NULL || sorted == NULL || now == NULL) {
        free(sorted);
        m->rc = ERR_NOMEM;
    } else {
        for (size_t i = 0; i < n; i++) {
            const struct dir_agency *d =
                directory_agency(m->dir, &m->v.agencies[i].id);

            order[i].admitted = d == NULL ? UINT64_MAX : d->admitted_index;
            order[i].was = i;
        }
        qsort(order, n, sizeof(*order), by_admission);
        for (size_t i = 0; i < n; i++) {
            sorted[i] = m->v.agencies[order[i].was];
            now[order[i].was] = i;
        }
        free(m->v.agencies);
        m->v.agencies = sorted;
        move_places(m, now);
    }
    free(order);
    free(now);
}

/* ---- the whole ---- */

static void
name_choice(struct view_maker *m)
{
    const struct audit_choice *c = m->choice;
    const struct dir_agency *d;

    m->v.from_ms = c->from_ms;
    m->v.to_ms = c->to_ms;
    if (c->from_ms != 0)
        view_day_text(m->v.from, view_day_of(c->from_ms));
    if (c->to_ms != UINT64_MAX)
        view_day_text(m->v.to, view_day_of(c->to_ms - 1));
    m->v.has_class = c->has_class;
    m->v.class = c->class;
    m->v.has_agency = c->agency != NULL;
    d = c->agency == NULL ? NULL : directory_agency(m->dir, c->agency);
    if (d != NULL)
        memcpy(m->v.agency, d->name, sizeof(m->v.agency));
}

static void
fill_checked(struct view_maker *m)
{
    struct audit_sum s;

    audit_result(m->a, &s);
    m->v.checked = (struct view_checked){
        .entries = s.entries,
        .opened = s.opened,
        .unseen = s.unseen,
        .erased = s.erased,
        .evidence = s.evidence,
        .heads = s.heads,
        .receipts = s.receipts,
        .reads = s.reads,
        .quota = s.quota,
        .known_before = s.before,
    };
}

static void
fill_who(struct view_maker *m, const char *relay, const struct head *head)
{
    const struct audit_options *o = audit_options(m->a);
    struct audit_view *v = &m->v;

    (void)snprintf(v->relay, sizeof(v->relay), "%s", relay);
    memcpy(v->auditor, o->self->name, sizeof(v->auditor));
    v->is_auditor = o->self->class == CLASS_AUDITOR;
    (void)snprintf(v->services, sizeof(v->services), "%s", o->self->services);
    v->retention_s = o->retention_s;
    v->made_ms = o->now_ms;
    v->delivery.size = head->size;
    v->delivery.root = head->root;
    v->directory.size = directory_size(m->dir);
    (void)directory_root_at(m->dir, v->directory.size, &v->directory.root);
}

static void
make(struct view_maker *m)
{
    if (audit_balance(m->a) != NULL)
        balance_each(audit_balance(m->a), on_packet, m);
    if (m->rc == ERR_OK)
        order_agencies(m);
    if (m->rc != ERR_OK)
        return;
    if (m->v.n_agency_days > 0)
        qsort(m->v.agency_days, m->v.n_agency_days, sizeof(*m->v.agency_days),
              by_agency_and_day);
    add_days(m);
    name_days(&m->v);
    view_add_times(m);
    view_add_reasons(m);
    view_add_exceptions(m);
    view_add_readers(m);
    view_add_scopes(m);
}

enum err
audit_view_make(const struct audit *a, const struct audit_choice *choice,
                const char *relay, const struct head *head,
                struct audit_view *out)
{
    const struct audit_options *o = audit_options(a);
    struct view_maker m = {.a = a, .choice = choice, .dir = o->dir};

    m.end_ms = choice->to_ms < o->now_ms ? choice->to_ms : o->now_ms;
    map_init(&m.places, sizeof(struct agency_id), o->seed);
    map_init(&m.cells, sizeof(struct cell_key), o->seed);
    name_choice(&m);
    fill_checked(&m);
    fill_who(&m, relay, head);
    make(&m);
    map_clear(&m.places);
    map_clear(&m.cells);
    free(m.delays);
    if (m.rc != ERR_OK)
        audit_view_clear(&m.v);
    else
        *out = m.v;
    return m.rc;
}

#include "proto/balance.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"

enum { GROUP_SENDER = 's', GROUP_MAILBOX = 'm' };

/* Counts of one sender or of one mailbox. */
struct group_key {
    uint8_t kind;
    uint8_t id[16];
};
struct group {
    struct group *next;
    struct balance_counts counts;
};

struct row_key {
    uint8_t sender[16];
    uint8_t packet[16];
};
struct row {
    struct row *next;
    struct balance_packet p;
    struct group *sender;
    struct group *mailbox;
    /* Of a carried packet in state UNSEEN: it ended before the range, we do
     * not know how. */
    bool is_over;
};

/* A sealed leaf nobody opened for us. */
struct leaf {
    uint64_t index;
    bool is_erased;
};

struct balance {
    struct balance_options options;
    struct map rows, groups;
    struct row *first_row, *last_row;
    struct group *first_group;
    struct leaf *leaves; /* ascending by index */
    size_t n_leaves, cap_leaves;
    uint64_t next_index; /* the least that may come next */
    struct balance_counts total;
    uint64_t findings[FINDING_KINDS];
};

static const char *const finding_names[FINDING_KINDS] = {
    [FINDING_SEQUENCE] = "illegal sequence",
    [FINDING_STORED_TWICE] = "stored twice",
    [FINDING_CONFLICT] = "same name, other packet",
    [FINDING_NO_EVIDENCE] = "no foreign evidence",
    [FINDING_BAD_REF] = "wrong reference",
    [FINDING_EARLY] = "expired too early",
    [FINDING_OVERDUE] = "overdue",
    [FINDING_ORDER] = "out of order",
    [FINDING_UNOPENED] = "neither opened nor erased",
    [FINDING_ERASED_EARLY] = "erased too early",
};

/* Where a tally counts the packets in a state. */
static const size_t tally_field[PACKET_STATES] = {
    [PACKET_PENDING] = offsetof(struct tally, pending),
    [PACKET_HANDED_OVER] = offsetof(struct tally, handed_over),
    [PACKET_REFUSED] = offsetof(struct tally, refused),
    [PACKET_WITHDRAWN] = offsetof(struct tally, withdrawn),
    [PACKET_EXPIRED] = offsetof(struct tally, expired),
};

const char *
finding_name(enum finding_kind kind)
{
    return kind < FINDING_KINDS ? finding_names[kind] : "unknown";
}

/* ---- life ---- */

struct balance *
balance_new(const struct balance_options *options)
{
    struct balance *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->options = *options;
    map_init(&b->rows, sizeof(struct row_key), options->seed);
    map_init(&b->groups, sizeof(struct group_key), options->seed);
    return b;
}

void
balance_free(struct balance *b)
{
    if (b == NULL)
        return;
    while (b->first_row != NULL) {
        struct row *row = b->first_row;

        b->first_row = row->next;
        free(row);
    }
    while (b->first_group != NULL) {
        struct group *group = b->first_group;

        b->first_group = group->next;
        free(group);
    }
    map_clear(&b->rows);
    map_clear(&b->groups);
    free(b->leaves);
    free(b);
}

/* ---- findings ---- */

static void
report(struct balance *b, const struct finding *finding)
{
    b->findings[finding->kind]++;
    if (b->options.found != NULL)
        b->options.found(b->options.arg, finding);
}

/* About the event at INDEX; ROW is NULL when its packet is not known. */
static void
report_event(struct balance *b, enum finding_kind kind, uint64_t index,
             const struct event *ev, const struct row *row)
{
    struct finding finding = {
        .kind = kind,
        .index = index,
        .type = ev->type,
        .state = row == NULL ? PACKET_UNSEEN : row->p.state,
        .packet = ev->packet,
        .sender = ev->sender,
    };

    report(b, &finding);
}

/* ---- counting ---- */

static uint64_t *
counter(struct tally *t, enum packet_state state)
{
    return (uint64_t *)(void *)((char *)t + tally_field[state]);
}

static void
count_move(struct balance_counts *counts, const struct row *row,
           enum packet_state next)
{
    struct tally *t = row->p.is_own ? &counts->own_copies : &counts->packets;

    if (row->p.state == PACKET_PENDING)
        t->pending--;
    else if (row->p.is_carried)
        t->carried++;
    else
        t->stored++;
    ++*counter(t, next);
}

static void
move(struct balance *b, struct row *row, enum packet_state next)
{
    if (row->p.state == next)
        return;
    count_move(&b->total, row, next);
    count_move(&row->sender->counts, row, next);
    count_move(&row->mailbox->counts, row, next);
    row->p.state = next;
}

bool
tally_conserved(const struct tally *t)
{
    return t->stored + t->carried ==
           t->handed_over + t->refused + t->expired + t->withdrawn + t->pending;
}

/* ---- rows and groups ---- */

static struct group *
find_group(const struct balance *b, uint8_t kind, const uint8_t id[16])
{
    struct group_key key = {.kind = kind};

    memcpy(key.id, id, sizeof(key.id));
    return map_find(&b->groups, &key);
}

static struct group *
get_group(struct balance *b, uint8_t kind, const uint8_t id[16])
{
    struct group *group = find_group(b, kind, id);
    struct group_key key = {.kind = kind};

    if (group != NULL)
        return group;
    group = calloc(1, sizeof(*group));
    if (group == NULL)
        return NULL;
    memcpy(key.id, id, sizeof(key.id));
    if (map_insert(&b->groups, &key, group) != ERR_OK) {
        free(group);
        return NULL;
    }
    group->next = b->first_group;
    b->first_group = group;
    return group;
}

static struct row_key
row_key(const struct agency_id *sender, const struct packet_id *packet)
{
    struct row_key key;

    memcpy(key.sender, sender->b, sizeof(key.sender));
    memcpy(key.packet, packet->b, sizeof(key.packet));
    return key;
}

static void
append_row(struct balance *b, struct row *row)
{
    if (b->last_row == NULL)
        b->first_row = row;
    else
        b->last_row->next = row;
    b->last_row = row;
}

/* A row in state UNSEEN for the packet of EV, or NULL: no memory. */
static struct row *
add_row(struct balance *b, const struct event *ev)
{
    struct row_key key = row_key(&ev->sender, &ev->packet);
    struct row *row = calloc(1, sizeof(*row));

    if (row == NULL)
        return NULL;
    row->p.packet = ev->packet;
    row->p.sender = ev->sender;
    row->p.recipient = ev->recipient;
    row->p.pkt_digest = ev->pkt_digest;
    row->p.not_after = ev->not_after;
    row->sender = get_group(b, GROUP_SENDER, ev->sender.b);
    row->mailbox = get_group(b, GROUP_MAILBOX, ev->recipient.b);
    if (row->sender == NULL || row->mailbox == NULL ||
        map_insert(&b->rows, &key, row) != ERR_OK) {
        free(row);
        return NULL;
    }
    if (b->options.is_own != NULL)
        row->p.is_own =
            b->options.is_own(b->options.arg, &ev->recipient, &ev->sender);
    append_row(b, row);
    return row;
}

static bool
is_same_packet(const struct row *row, const struct event *ev)
{
    return id_eq(&row->p.recipient, &ev->recipient) &&
           id_eq(&row->p.pkt_digest, &ev->pkt_digest) &&
           row->p.not_after == ev->not_after;
}

/* ---- leaves without opening ---- */

static struct leaf *
find_leaf(const struct balance *b, uint64_t index)
{
    size_t lo = 0, hi = b->n_leaves;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (b->leaves[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < b->n_leaves && b->leaves[lo].index == index ? &b->leaves[lo]
                                                            : NULL;
}

/* False, and a finding, when INDEX does not come after the one before. */
static bool
take_index(struct balance *b, uint64_t index, uint8_t type)
{
    struct finding finding = {
        .kind = FINDING_ORDER, .index = index, .type = type};

    if (index < b->next_index) {
        report(b, &finding);
        return false;
    }
    b->next_index = index + 1;
    return true;
}

enum err
balance_unopened(struct balance *b, uint64_t index)
{
    if (!take_index(b, index, 0))
        return ERR_OK;
    if (b->n_leaves == b->cap_leaves) {
        size_t cap = b->cap_leaves == 0 ? 64 : 2 * b->cap_leaves;
        struct leaf *leaves = realloc(b->leaves, cap * sizeof(*leaves));

        if (leaves == NULL)
            return ERR_NOMEM;
        b->leaves = leaves;
        b->cap_leaves = cap;
    }
    b->leaves[b->n_leaves++] = (struct leaf){.index = index};
    return ERR_OK;
}

static void
fold_erased(struct balance *b, uint64_t index, const struct event *ev)
{
    struct leaf *leaf = find_leaf(b, ev->ref);

    if (leaf != NULL)
        leaf->is_erased = true;
    if (ev->ref >= index)
        report_event(b, FINDING_BAD_REF, index, ev, NULL);
    else if (ev->ref >= b->options.erasable_end)
        report_event(b, FINDING_ERASED_EARLY, index, ev, NULL);
}

/* ---- folding ---- */

/* Seconds, without wrapping: not_after is the sender's word. */
static uint64_t
after(uint64_t not_after, uint64_t s)
{
    return not_after > UINT64_MAX - s ? UINT64_MAX : not_after + s;
}

static bool
is_overdue(const struct balance *b, uint64_t not_after, uint64_t now_ms)
{
    uint64_t end = after(after(not_after, EVENT_SWEEP_S), b->options.grace_s);

    return now_ms / 1000 > end;
}

/* Was this packet, which we do not know, stored where we cannot see it: before
 * the range, or in a leaf whose opening is gone? */
static bool
may_be_carried(const struct balance *b, const struct event_info *info,
               const struct event *ev)
{
    if (!info->refs_stored)
        return b->options.first_index > 0 || b->n_leaves > 0;
    return ev->ref < b->options.first_index || find_leaf(b, ev->ref) != NULL;
}

/* event_next(), and what it means for a carried packet whose state at the
 * start of the range is not known: any end it may still come to is legal once,
 * and what only follows an end tells that it has come to one. */
static enum err
next_state(struct row *row, unsigned type, enum packet_state *next)
{
    enum packet_state to;

    if (!row->p.is_carried || row->p.state != PACKET_UNSEEN)
        return event_next(row->p.state, type, next);
    if (!row->is_over && event_next(PACKET_PENDING, type, &to) == ERR_OK) {
        *next = to == PACKET_PENDING ? PACKET_UNSEEN : to;
        return ERR_OK;
    }
    if (event_next(PACKET_EXPIRED, type, &to) != ERR_OK)
        return ERR_STATE;
    row->is_over = true;
    *next = PACKET_UNSEEN;
    return ERR_OK;
}

/* What must hold of an event that may follow. */
static void
check_event(struct balance *b, const struct event_info *info, uint64_t index,
            const struct event *ev, const struct row *row)
{
    static const struct hash none;
    uint64_t due = after(ev->not_after, EVENT_SWEEP_S);

    if (info->needs_evidence && id_eq(&ev->evidence, &none))
        report_event(b, FINDING_NO_EVIDENCE, index, ev, row);
    if (info->refs_stored && row->p.stored_index != UINT64_MAX &&
        ev->ref != row->p.stored_index)
        report_event(b, FINDING_BAD_REF, index, ev, row);
    if (ev->type == EVENT_EXPIRED && ev->time_ms / 1000 < due)
        report_event(b, FINDING_EARLY, index, ev, row);
    if (info->is_final && is_overdue(b, ev->not_after, ev->time_ms))
        report_event(b, FINDING_OVERDUE, index, ev, row);
}

static void
fold_known(struct balance *b, const struct event_info *info, uint64_t index,
           const struct event *ev, struct row *row)
{
    enum packet_state next;

    if (!is_same_packet(row, ev)) {
        report_event(b, FINDING_CONFLICT, index, ev, row);
        return;
    }
    if (next_state(row, ev->type, &next) != ERR_OK) {
        report_event(b,
                     ev->type == EVENT_STORED ? FINDING_STORED_TWICE
                                              : FINDING_SEQUENCE,
                     index, ev, row);
        return;
    }
    check_event(b, info, index, ev, row);
    move(b, row, next);
}

static enum err
fold_unknown(struct balance *b, const struct event_info *info, uint64_t index,
             const struct event *ev)
{
    bool is_stored = ev->type == EVENT_STORED;
    struct row *row;

    if (!is_stored && !may_be_carried(b, info, ev)) {
        report_event(b, FINDING_SEQUENCE, index, ev, NULL);
        return ERR_OK;
    }
    row = add_row(b, ev);
    if (row == NULL)
        return ERR_NOMEM;
    row->p.is_carried = !is_stored;
    row->p.stored_index = is_stored           ? index
                          : info->refs_stored ? ev->ref
                                              : UINT64_MAX;
    fold_known(b, info, index, ev, row);
    return ERR_OK;
}

enum err
balance_event(struct balance *b, uint64_t index, const struct event *ev)
{
    const struct event_info *info = event_info(ev->type);
    struct row_key key = row_key(&ev->sender, &ev->packet);
    struct row *row;

    if (!take_index(b, index, ev->type))
        return ERR_OK;
    if (info == NULL) {
        report_event(b, FINDING_SEQUENCE, index, ev, NULL);
        return ERR_OK;
    }
    if (ev->type == EVENT_ERASED)
        fold_erased(b, index, ev);
    if (!info->is_packet)
        return ERR_OK;
    row = map_find(&b->rows, &key);
    if (row == NULL)
        return fold_unknown(b, info, index, ev);
    fold_known(b, info, index, ev, row);
    return ERR_OK;
}

void
balance_finish(struct balance *b, uint64_t now_ms)
{
    for (const struct row *row = b->first_row; row != NULL; row = row->next) {
        struct finding finding = {
            .kind = FINDING_OVERDUE,
            .index = row->p.stored_index,
            .state = row->p.state,
            .packet = row->p.packet,
            .sender = row->p.sender,
        };

        if (row->p.state == PACKET_PENDING &&
            is_overdue(b, row->p.not_after, now_ms))
            report(b, &finding);
    }
    for (size_t i = 0; i < b->n_leaves; i++) {
        struct finding finding = {.kind = FINDING_UNOPENED,
                                  .index = b->leaves[i].index};

        if (!b->leaves[i].is_erased)
            report(b, &finding);
    }
}

/* ---- results ---- */

struct balance_counts
balance_total(const struct balance *b)
{
    return b->total;
}

static struct balance_counts
counts_of(const struct balance *b, uint8_t kind, const uint8_t id[16])
{
    static const struct balance_counts none;
    const struct group *group = find_group(b, kind, id);

    return group == NULL ? none : group->counts;
}

struct balance_counts
balance_of_sender(const struct balance *b, const struct agency_id *sender)
{
    return counts_of(b, GROUP_SENDER, sender->b);
}

struct balance_counts
balance_of_mailbox(const struct balance *b, const struct mailbox_id *to)
{
    return counts_of(b, GROUP_MAILBOX, to->b);
}

uint64_t
balance_findings(const struct balance *b, enum finding_kind kind)
{
    return b->findings[kind];
}

static bool
counts_conserved(const struct balance_counts *counts)
{
    return tally_conserved(&counts->packets) &&
           tally_conserved(&counts->own_copies);
}

/* The total, counted again from the packets themselves. */
static struct balance_counts
recount(const struct balance *b)
{
    struct balance_counts counts = {0};

    for (const struct row *row = b->first_row; row != NULL; row = row->next) {
        struct tally *t = row->p.is_own ? &counts.own_copies : &counts.packets;

        if (row->p.state == PACKET_UNSEEN)
            continue;
        ++*(row->p.is_carried ? &t->carried : &t->stored);
        ++*counter(t, row->p.state);
    }
    return counts;
}

bool
balance_conserved(const struct balance *b)
{
    struct balance_counts again = recount(b);

    if (memcmp(&again, &b->total, sizeof(again)) != 0 ||
        !counts_conserved(&b->total))
        return false;
    for (const struct group *g = b->first_group; g != NULL; g = g->next)
        if (!counts_conserved(&g->counts))
            return false;
    return true;
}

enum err
balance_packet(const struct balance *b, const struct agency_id *sender,
               const struct packet_id *packet, struct balance_packet *out)
{
    struct row_key key = row_key(sender, packet);
    const struct row *row = map_find(&b->rows, &key);

    if (row == NULL)
        return ERR_NOTFOUND;
    *out = row->p;
    return ERR_OK;
}

void
balance_each(const struct balance *b,
             bool (*each)(void *arg, const struct balance_packet *p), void *arg)
{
    for (const struct row *row = b->first_row; row != NULL; row = row->next)
        if (!each(arg, &row->p))
            return;
}

#include "proto/balance_inside.h"

#include <stdlib.h>
#include <string.h>

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
    memcpy(b->rows.seed, options->seed, sizeof(b->rows.seed));
    map_init(&b->groups, sizeof(struct group_key), options->seed);
    return b;
}

void
balance_free(struct balance *b)
{
    if (b == NULL)
        return;
    while (b->first_group != NULL) {
        struct group *group = b->first_group;

        b->first_group = group->next;
        free(group);
    }
    rows_clear(&b->rows);
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
        .state = row == NULL ? PACKET_UNSEEN : (enum packet_state)row->state,
        .packet = ev->packet,
        .sender = ev->sender,
    };

    report(b, &finding);
}

/* ---- packets ---- */

static void
move(struct balance *b, struct row *row, enum packet_state next)
{
    if (row->state == next)
        return;
    if (row->state != PACKET_UNSEEN)
        balance_count(b, row, -1);
    row->state = (uint8_t)next;
    balance_count(b, row, 1);
}

/* A row in state UNSEEN for the packet of EV, or NULL: no memory. */
static struct row *
add_row(struct balance *b, const struct event *ev)
{
    struct group *sender = balance_group(b, GROUP_SENDER, ev->sender.b);
    struct group *mailbox = balance_group(b, GROUP_MAILBOX, ev->recipient.b);
    struct row *row = NULL;

    if (sender != NULL && mailbox != NULL)
        row = rows_add(&b->rows, sender, &ev->packet);
    if (row == NULL)
        return NULL;
    row->mailbox = mailbox;
    row->pkt_digest = ev->pkt_digest;
    row->not_after = ev->not_after;
    row->class = ev->class;
    row->is_own =
        b->options.is_own != NULL &&
        b->options.is_own(b->options.arg, &ev->recipient, &ev->sender);
    return row;
}

static bool
is_same_packet(const struct row *row, const struct event *ev)
{
    return memcmp(row->mailbox->id, ev->recipient.b, 16) == 0 &&
           id_eq(&row->pkt_digest, &ev->pkt_digest) &&
           row->not_after == ev->not_after;
}

/* ---- leaves without opening ---- */

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
    struct leaf *leaf = balance_leaf(b, ev->ref);

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

bool
balance_is_overdue(uint64_t not_after, uint64_t grace_s, uint64_t now_ms)
{
    return now_ms / 1000 > after(after(not_after, EVENT_SWEEP_S), grace_s);
}

/* Was this packet, which we do not know, stored where we cannot see it: before
 * the range, or in a leaf whose opening is gone? */
static bool
may_be_carried(const struct balance *b, const struct event_info *info,
               const struct event *ev)
{
    if (!info->refs_stored)
        return b->options.first_index > 0 || b->n_leaves > 0;
    return ev->ref < b->options.first_index || balance_leaf(b, ev->ref) != NULL;
}

/* event_next(), and what it means for a carried packet whose state at the
 * start of the range is not known: any end it may still come to is legal once,
 * and what only follows an end tells that it has come to one. */
static enum err
next_state(struct row *row, unsigned type, enum packet_state *next)
{
    enum packet_state to;

    if (!row->is_carried || row->state != PACKET_UNSEEN)
        return event_next((enum packet_state)row->state, type, next);
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
    if (info->refs_stored && row->stored_index != UINT64_MAX &&
        ev->ref != row->stored_index)
        report_event(b, FINDING_BAD_REF, index, ev, row);
    if (ev->type == EVENT_EXPIRED && ev->time_ms / 1000 < due)
        report_event(b, FINDING_EARLY, index, ev, row);
    if (info->is_final &&
        balance_is_overdue(ev->not_after, b->options.grace_s, ev->time_ms))
        report_event(b, FINDING_OVERDUE, index, ev, row);
}

/* What is told of a packet beside its state. */
static void
note(struct row *row, const struct event_info *info, const struct event *ev)
{
    if (ev->type == EVENT_STORED)
        row->stored_ms = ev->time_ms;
    row->is_warned |= ev->type == EVENT_WARNED;
    row->is_late |= ev->type == EVENT_LATE_RECEIPT;
    if (info->is_final) {
        row->end_ms = ev->time_ms;
        row->reason = ev->reason;
    }
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
    note(row, info, ev);
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
    row->is_carried = !is_stored;
    b->rows.n_carried += !is_stored;
    row->stored_index = is_stored           ? index
                        : info->refs_stored ? ev->ref
                                            : UINT64_MAX;
    fold_known(b, info, index, ev, row);
    return ERR_OK;
}

enum err
balance_event(struct balance *b, uint64_t index, const struct event *ev)
{
    const struct event_info *info = event_info(ev->type);
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
    row = rows_find(&b->rows, &ev->sender, &ev->packet);
    if (row == NULL)
        return fold_unknown(b, info, index, ev);
    fold_known(b, info, index, ev, row);
    return ERR_OK;
}

static void
finish_row(struct balance *b, const struct row *row, uint64_t now_ms)
{
    struct finding finding = {
        .kind = FINDING_OVERDUE,
        .index = row->stored_index,
        .state = (enum packet_state)row->state,
        .packet = row->packet,
    };

    memcpy(finding.sender.b, row->sender->id, sizeof(finding.sender.b));
    if (!row->is_gone && row->state == PACKET_PENDING &&
        balance_is_overdue(row->not_after, b->options.grace_s, now_ms))
        report(b, &finding);
}

void
balance_finish(struct balance *b, uint64_t now_ms)
{
    for (size_t i = 0; i < b->rows.n; i++)
        finish_row(b, rows_nth(&b->rows, i), now_ms);
    for (size_t i = 0; i < b->n_leaves; i++) {
        struct finding finding = {.kind = FINDING_UNOPENED,
                                  .index = b->leaves[i].index};

        if (!b->leaves[i].is_erased)
            report(b, &finding);
    }
}

#include "proto/event.h"

#include <string.h>

#include "common/bytes.h"
#include "proto/crypto.h"
#include "proto/merkle.h"

enum {
    EVENT_VERSION = 1,
    ENTRY_VERSION = 1,
    CLASS_MAX = 1,
    SIZE_MAX_LOG2 = 63
};

/* The three places in the story of a packet, and what a type is. */
enum { BEFORE = 1, WAITING = 2, ENDED = 4 };
enum { PACKET = 1, FINAL = 2, EVIDENCE = 4, REF = 8, PUBLIC = 16 };

/* PROTOCOL.md section 14.4: type, name, letter, what it is, the places where it
 * may stand (0: in no story), the state it moves to (UNSEEN: it stays). */
#define RULES(X)                                                               \
    X(STORED, "stored", 'S', PACKET, BEFORE, PENDING)                          \
    X(HANDED_OVER, "handed_over", 'H', ENDS | EVIDENCE, WAITING, HANDED_OVER)  \
    X(REFUSED, "refused", 'R', ENDS | EVIDENCE, WAITING, REFUSED)              \
    X(WITHDRAWN, "withdrawn", 'W', ENDS | EVIDENCE, WAITING, WITHDRAWN)        \
    X(EXPIRED, "expired", 'X', ENDS, WAITING, EXPIRED)                         \
    X(DEVICE_RECEIPT, "device_receipt", 'd', TELLS | EVIDENCE, ENDED, UNSEEN)  \
    X(DEVICE_REFUSED, "device_refused", 'r', TELLS | EVIDENCE,                 \
      WAITING | ENDED, UNSEEN)                                                 \
    X(LATE_RECEIPT, "late_receipt", 'l', TELLS | EVIDENCE, ENDED, UNSEEN)      \
    X(WARNED, "warned", 'w', TELLS, WAITING, UNSEEN)                           \
    X(READDRESSED, "readdressed", 'a', PACKET, ENDED, UNSEEN)                  \
    X(QUOTA_REFUSED, "quota_refused", 'Q', 0, 0, UNSEEN)                       \
    X(AUDITOR_READ, "auditor_read", 'A', 0, 0, UNSEEN)                         \
    X(ADMIN, "admin", 'M', 0, 0, UNSEEN)                                       \
    X(ERASED, "erased", 'E', PUBLIC, 0, UNSEEN)
enum { TELLS = PACKET | REF, ENDS = TELLS | FINAL };

struct rule {
    struct event_info info;
    unsigned legal_in;
    enum packet_state moves;
};

static const struct rule rules[] = {
#define RULE(symbol, text, initial, is, places, state)                         \
    {.info = {.type = EVENT_##symbol,                                          \
              .name = text,                                                    \
              .letter = initial,                                               \
              .is_packet = ((is)&PACKET) != 0,                                 \
              .is_final = ((is)&FINAL) != 0,                                   \
              .is_public = ((is)&PUBLIC) != 0,                                 \
              .needs_evidence = ((is)&EVIDENCE) != 0,                          \
              .refs_stored = ((is)&REF) != 0},                                 \
     .legal_in = (places),                                                     \
     .moves = PACKET_##state},
    RULES(RULE)
#undef RULE
};

static const unsigned place_of[PACKET_STATES] = {
    [PACKET_UNSEEN] = BEFORE,     [PACKET_PENDING] = WAITING,
    [PACKET_HANDED_OVER] = ENDED, [PACKET_REFUSED] = ENDED,
    [PACKET_WITHDRAWN] = ENDED,   [PACKET_EXPIRED] = ENDED,
};

static const char *const state_names[PACKET_STATES] = {
    [PACKET_UNSEEN] = "unseen",           [PACKET_PENDING] = "pending",
    [PACKET_HANDED_OVER] = "handed_over", [PACKET_REFUSED] = "refused",
    [PACKET_WITHDRAWN] = "withdrawn",     [PACKET_EXPIRED] = "expired",
};

static const struct rule *
find_rule(unsigned type)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].info.type == type)
            return &rules[i];
    return NULL;
}

const struct event_info *
event_info(unsigned type)
{
    const struct rule *rule = find_rule(type);

    return rule == NULL ? NULL : &rule->info;
}

const char *
event_name(unsigned type)
{
    const struct rule *rule = find_rule(type);

    return rule == NULL ? "unknown" : rule->info.name;
}

const struct event_info *
event_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].info.name, name) == 0)
            return &rules[i].info;
    return NULL;
}

const char *
packet_state_name(enum packet_state state)
{
    return state < PACKET_STATES ? state_names[state] : "unknown";
}

enum err
event_next(enum packet_state state, unsigned type, enum packet_state *next)
{
    const struct rule *rule = find_rule(type);

    if (rule == NULL || state >= PACKET_STATES)
        return ERR_STATE;
    if ((rule->legal_in & place_of[state]) == 0)
        return ERR_STATE;
    *next = rule->moves == PACKET_UNSEEN ? state : rule->moves;
    return ERR_OK;
}

bool
event_same_packet(const struct event *a, const struct event *b)
{
    return id_eq(&a->packet, &b->packet) && id_eq(&a->sender, &b->sender) &&
           id_eq(&a->recipient, &b->recipient) &&
           id_eq(&a->pkt_digest, &b->pkt_digest) &&
           a->not_after == b->not_after;
}

enum err
event_check_sequence(const struct event *events, size_t n,
                     enum packet_state *end)
{
    enum packet_state state = PACKET_UNSEEN;

    for (size_t i = 0; i < n; i++) {
        enum err rc = event_next(state, events[i].type, &state);

        if (rc != ERR_OK)
            return rc;
        if (!event_same_packet(&events[0], &events[i]))
            return ERR_CONFLICT;
    }
    if (end != NULL)
        *end = state;
    return ERR_OK;
}

void
event_encode(const struct event *ev, uint8_t out[EVENT_LEN])
{
    memset(out, 0, EVENT_LEN);
    out[0] = EVENT_VERSION;
    out[1] = ev->type;
    out[2] = ev->class;
    out[3] = ev->size_class;
    put_u16(out + 4, ev->reason);
    put_u64(out + 8, ev->time_ms);
    memcpy(out + 16, ev->packet.b, 16);
    memcpy(out + 32, ev->sender.b, 16);
    memcpy(out + 48, ev->recipient.b, 16);
    memcpy(out + 64, ev->actor.b, 16);
    memcpy(out + 80, ev->pkt_digest.b, 32);
    put_u64(out + 112, ev->not_after);
    put_u64(out + 120, ev->ref);
    memcpy(out + 128, ev->evidence.b, 32);
}

static enum err
check_fields(const struct event *ev, uint16_t reserved)
{
    if (find_rule(ev->type) == NULL || reserved != 0)
        return ERR_MALFORMED;
    if (ev->class > CLASS_MAX || ev->size_class > SIZE_MAX_LOG2)
        return ERR_MALFORMED;
    return ERR_OK;
}

enum err
event_decode(const uint8_t bytes[EVENT_LEN], struct event *out)
{
    struct rd r = rd_from(bytes, EVENT_LEN);
    struct event ev;
    uint16_t reserved;

    if (rd_u8(&r) != EVENT_VERSION)
        return ERR_VERSION;
    ev.type = rd_u8(&r);
    ev.class = rd_u8(&r);
    ev.size_class = rd_u8(&r);
    ev.reason = rd_u16(&r);
    reserved = rd_u16(&r);
    ev.time_ms = rd_u64(&r);
    rd_copy(&r, ev.packet.b, sizeof(ev.packet.b));
    rd_copy(&r, ev.sender.b, sizeof(ev.sender.b));
    rd_copy(&r, ev.recipient.b, sizeof(ev.recipient.b));
    rd_copy(&r, ev.actor.b, sizeof(ev.actor.b));
    rd_copy(&r, ev.pkt_digest.b, sizeof(ev.pkt_digest.b));
    ev.not_after = rd_u64(&r);
    ev.ref = rd_u64(&r);
    rd_copy(&r, ev.evidence.b, sizeof(ev.evidence.b));
    if (rd_end(&r) != ERR_OK || check_fields(&ev, reserved) != ERR_OK)
        return ERR_MALFORMED;
    *out = ev;
    return ERR_OK;
}

void
opening_make(const uint8_t salt[32], const struct event *ev,
             uint8_t out[OPENING_LEN])
{
    memcpy(out, salt, 32);
    event_encode(ev, out + 32);
}

enum err
opening_decode(const void *bytes, size_t len, struct event *out)
{
    if (len != OPENING_LEN)
        return ERR_MALFORMED;
    return event_decode((const uint8_t *)bytes + 32, out);
}

void
sealed_entry(const uint8_t opening[OPENING_LEN], uint8_t out[SEALED_ENTRY_LEN])
{
    struct span part = {opening, OPENING_LEN};
    struct hash h;

    domain_hash(&h, "sealpost/1/event", &part, 1);
    out[0] = ENTRY_VERSION;
    out[1] = ENTRY_SEALED;
    memcpy(out + 2, h.b, sizeof(h.b));
}

enum err
opening_verify(const void *entry, size_t entry_len, const void *opening,
               size_t opening_len, struct event *out)
{
    uint8_t expect[SEALED_ENTRY_LEN];
    struct event ev;
    enum err rc = opening_decode(opening, opening_len, &ev);

    if (rc != ERR_OK)
        return rc;
    sealed_entry(opening, expect);
    if (entry_len != sizeof(expect) || memcmp(entry, expect, entry_len) != 0)
        return ERR_VERIFY;
    *out = ev;
    return ERR_OK;
}

void
opening_leaf(const uint8_t opening[OPENING_LEN], struct hash *leaf)
{
    uint8_t entry[SEALED_ENTRY_LEN];

    sealed_entry(opening, entry);
    merkle_leaf(entry, sizeof(entry), leaf);
}

void
erased_entry(uint64_t time_ms, uint64_t index, uint8_t out[PUBLIC_EVENT_LEN])
{
    struct event ev = {.type = EVENT_ERASED, .time_ms = time_ms, .ref = index};

    out[0] = ENTRY_VERSION;
    out[1] = ENTRY_EVENT;
    event_encode(&ev, out + 2);
}

/* A public event says type, time and index, and nothing about a packet. */
static enum err
decode_public(const uint8_t *bytes, size_t len, struct event *out)
{
    uint8_t expect[PUBLIC_EVENT_LEN];
    struct event ev;

    if (len != PUBLIC_EVENT_LEN)
        return ERR_MALFORMED;
    if (event_decode(bytes + 2, &ev) != ERR_OK || ev.type != EVENT_ERASED)
        return ERR_MALFORMED;
    erased_entry(ev.time_ms, ev.ref, expect);
    if (memcmp(bytes, expect, len) != 0)
        return ERR_MALFORMED;
    *out = ev;
    return ERR_OK;
}

enum err
entry_decode(const void *bytes, size_t len, struct entry *out)
{
    const uint8_t *p = bytes;
    struct entry entry = {0};

    if (len < 2)
        return ERR_MALFORMED;
    if (p[0] != ENTRY_VERSION)
        return ERR_VERSION;
    entry.kind = (enum entry_kind)p[1];
    switch (p[1]) {
    case ENTRY_SEALED:
        if (len != SEALED_ENTRY_LEN)
            return ERR_MALFORMED;
        memcpy(entry.commitment.b, p + 2, 32);
        break;
    case ENTRY_EVENT:
        if (decode_public(p, len, &entry.event) != ERR_OK)
            return ERR_MALFORMED;
        break;
    case ENTRY_STATEMENT:
        if (len == 2)
            return ERR_MALFORMED;
        entry.statement = p + 2;
        entry.statement_len = len - 2;
        break;
    default:
        return ERR_MALFORMED;
    }
    *out = entry;
    return ERR_OK;
}

uint8_t
event_size_class(uint64_t bytes)
{
    uint8_t log2 = 0;

    while (bytes >>= 1)
        log2++;
    return log2;
}

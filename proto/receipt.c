#include "proto/receipt.h"

#include <string.h>

#include "common/bytes.h"
#include "proto/statement.h"

static const char rcpt_domain[] = "sealpost/1/rcpt"; /* zero byte counts */
static const char wdrw_domain[] = "sealpost/1/wdrw";
enum { SIG_LEN = sizeof(struct sig) };

static const char *const outcomes[] = {
    [OUTCOME_OPENED] = "opened",
    [OUTCOME_QUARANTINED] = "quarantined",
    [OUTCOME_CANNOT_OPEN] = "cannot_open",
    [OUTCOME_GONE] = "gone",
};
enum { OUTCOME_COUNT = sizeof(outcomes) / sizeof(outcomes[0]) };

static const struct reason {
    uint16_t number;
    const char *name;
    bool in_rcpt;
    bool in_wdrw;
} reasons[] = {
#define REASON_ROW(number, symbol, name, in_rcpt, in_wdrw)                     \
    {number, name, in_rcpt, in_wdrw},
    DELIVERY_REASONS(REASON_ROW)
#undef REASON_ROW
};
enum { REASON_COUNT = sizeof(reasons) / sizeof(reasons[0]) };

static const struct reason *
reason_row(unsigned number)
{
    for (size_t i = 0; i < REASON_COUNT; i++)
        if (reasons[i].number == number)
            return &reasons[i];
    return NULL;
}

const char *
outcome_name(unsigned outcome)
{
    return outcome < OUTCOME_COUNT ? outcomes[outcome] : NULL;
}

const char *
delivery_reason_name(unsigned reason)
{
    const struct reason *row = reason_row(reason);

    return row != NULL ? row->name : NULL;
}

bool
delivery_reason_in_rcpt(unsigned reason)
{
    const struct reason *row = reason_row(reason);

    return row != NULL && row->in_rcpt;
}

bool
delivery_reason_in_wdrw(unsigned reason)
{
    const struct reason *row = reason_row(reason);

    return row != NULL && row->in_wdrw;
}

enum err
delivery_reason_by_name(const char *name, uint16_t *out)
{
    for (size_t i = 0; i < REASON_COUNT; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            *out = reasons[i].number;
            return ERR_OK;
        }
    }
    return ERR_NOTFOUND;
}

/* A reason exactly when something went wrong, and the proof of reading exactly
 * where there was something to read. */
static enum err
rcpt_check(const struct rcpt *r)
{
    static const struct hash unread = {{0}};
    bool is_unread = id_eq(&r->opened, &unread);

    if (outcome_name(r->outcome) == NULL || !delivery_reason_in_rcpt(r->reason))
        return ERR_MALFORMED;
    if ((r->outcome == OUTCOME_OPENED) != (r->reason == REASON_NONE))
        return ERR_MALFORMED;
    if (r->outcome == OUTCOME_OPENED && is_unread)
        return ERR_MALFORMED;
    if (r->outcome >= OUTCOME_CANNOT_OPEN && !is_unread)
        return ERR_MALFORMED;
    return ERR_OK;
}

static enum err
wdrw_check(const struct wdrw *w)
{
    return delivery_reason_in_wdrw(w->reason) ? ERR_OK : ERR_MALFORMED;
}

/* A fixed layout, written through a cursor. */
static void
put(uint8_t **at, const void *bytes, size_t len)
{
    memcpy(*at, bytes, len);
    *at += len;
}

static void
put_number(uint8_t **at, uint64_t v)
{
    put_u64(*at, v);
    *at += 8;
}

/* Both objects begin with their own domain and end with the signature over
 * everything before it. */
static void
sign_tail(uint8_t *bytes, size_t len, const struct sign_secret *key)
{
    struct sig sig;

    sign_raw(&sig, key, bytes, len - SIG_LEN);
    memcpy(bytes + len - SIG_LEN, sig.b, SIG_LEN);
}

static enum err
verify_tail(const uint8_t *bytes, size_t len, const struct sign_key *key)
{
    struct sig sig;

    memcpy(sig.b, bytes + len - SIG_LEN, SIG_LEN);
    return verify_raw(&sig, key, bytes, len - SIG_LEN);
}

enum err
rcpt_sign(uint8_t out[RCPT_LEN], const struct rcpt *r,
          const struct sign_secret *key)
{
    uint8_t head[HEAD_LEN], small[4];
    uint8_t *at = out;

    if (rcpt_check(r) != ERR_OK)
        return ERR_MALFORMED;
    small[0] = r->outcome;
    small[1] = 0;
    put_u16(small + 2, r->reason);
    head_encode(&r->dlv, head);
    put(&at, rcpt_domain, sizeof(rcpt_domain));
    put(&at, small, sizeof(small));
    put(&at, r->packet.b, sizeof(r->packet.b));
    put(&at, r->pkt_digest.b, sizeof(r->pkt_digest.b));
    put(&at, r->agency.b, sizeof(r->agency.b));
    put(&at, r->device.b, sizeof(r->device.b));
    put(&at, r->prekey.b, sizeof(r->prekey.b));
    put(&at, r->opened.b, sizeof(r->opened.b));
    put_number(&at, r->time_ms);
    put_number(&at, r->stored_index);
    put(&at, head, sizeof(head));
    sign_tail(out, RCPT_LEN, key);
    return ERR_OK;
}

enum err
rcpt_parse(struct rcpt *out, const void *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    struct rcpt made;
    const uint8_t *head;
    uint8_t zero;

    rd_expect(&r, rcpt_domain, sizeof(rcpt_domain));
    made.outcome = rd_u8(&r);
    zero = rd_u8(&r);
    made.reason = rd_u16(&r);
    rd_copy(&r, made.packet.b, sizeof(made.packet.b));
    rd_copy(&r, made.pkt_digest.b, sizeof(made.pkt_digest.b));
    rd_copy(&r, made.agency.b, sizeof(made.agency.b));
    rd_copy(&r, made.device.b, sizeof(made.device.b));
    rd_copy(&r, made.prekey.b, sizeof(made.prekey.b));
    rd_copy(&r, made.opened.b, sizeof(made.opened.b));
    made.time_ms = rd_u64(&r);
    made.stored_index = rd_u64(&r);
    head = rd_ref(&r, HEAD_LEN);
    rd_copy(&r, made.sig.b, sizeof(made.sig.b));
    if (rd_end(&r) != ERR_OK || zero != 0 || rcpt_check(&made) != ERR_OK)
        return ERR_MALFORMED;
    head_decode(head, &made.dlv);
    *out = made;
    return ERR_OK;
}

enum err
rcpt_verify(const uint8_t bytes[RCPT_LEN], const struct sign_key *key)
{
    return verify_tail(bytes, RCPT_LEN, key);
}

enum err
wdrw_sign(uint8_t out[WDRW_LEN], const struct wdrw *w,
          const struct sign_secret *key)
{
    uint8_t reason[2];
    uint8_t *at = out;

    if (wdrw_check(w) != ERR_OK)
        return ERR_MALFORMED;
    put_u16(reason, w->reason);
    put(&at, wdrw_domain, sizeof(wdrw_domain));
    put(&at, reason, sizeof(reason));
    put(&at, w->packet.b, sizeof(w->packet.b));
    put(&at, w->pkt_digest.b, sizeof(w->pkt_digest.b));
    put(&at, w->sender.b, sizeof(w->sender.b));
    put(&at, w->device.b, sizeof(w->device.b));
    put_number(&at, w->time_ms);
    sign_tail(out, WDRW_LEN, key);
    return ERR_OK;
}

enum err
wdrw_parse(struct wdrw *out, const void *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    struct wdrw made;

    rd_expect(&r, wdrw_domain, sizeof(wdrw_domain));
    made.reason = rd_u16(&r);
    rd_copy(&r, made.packet.b, sizeof(made.packet.b));
    rd_copy(&r, made.pkt_digest.b, sizeof(made.pkt_digest.b));
    rd_copy(&r, made.sender.b, sizeof(made.sender.b));
    rd_copy(&r, made.device.b, sizeof(made.device.b));
    made.time_ms = rd_u64(&r);
    rd_copy(&r, made.sig.b, sizeof(made.sig.b));
    if (rd_end(&r) != ERR_OK || wdrw_check(&made) != ERR_OK)
        return ERR_MALFORMED;
    *out = made;
    return ERR_OK;
}

enum err
wdrw_verify(const uint8_t bytes[WDRW_LEN], const struct sign_key *key)
{
    return verify_tail(bytes, WDRW_LEN, key);
}

void
evidence_hash(struct hash *out, const void *bytes, size_t len)
{
    sha256(out, bytes, len);
}

bool
statement_ends_device(struct span statement, const struct mailbox_id *recipient,
                      uint64_t time_ms, struct device_id *device)
{
    struct statement st;

    if (stmt_parse(&st, statement.p, statement.len) != ERR_OK)
        return false;
    *device = (struct device_id){{0}};
    switch (st.kind) {
    case STMT_REVOKE:
        *device = st.body.revoke.device;
        return true;
    case STMT_STOP_DEVICE:
        *device = st.body.stop_device.device;
        return true;
    case STMT_DEVICE:
        device_id_of(device, &st.body.device.sign_key);
        return st.body.device.not_after_s <= time_ms / 1000;
    case STMT_MAILBOX:
        return id_eq(&st.body.mailbox.mailbox, recipient);
    default:
        return false;
    }
}

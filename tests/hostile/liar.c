/*
 * liar.c - the relay with the operator's hand in it: the real program, keys and
 * store, and a few of its functions wrapped by the linker, so that what it says
 * or writes is false.  One lie at a time, named in DIR/lie:
 *
 *   NAME|AGENCY|NUMBER
 *
 * told to devices of AGENCY only (its name; !NAME: to all but those; * or
 * nothing: to all), read anew at each message.
 * No such file: the honest relay.  LIES.md says what each lie is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/os.h"
#include "proto/event.h"
#include "proto/proof.h"
#include "proto/receipt.h"
#include "server/relay.h"
#include "server/session.h"
#include "server/store_inside.h"

struct lie {
    char name[40];
    char agency[80];
    uint64_t number;
};

/* ---- which lie ---- */

/* The relay is started with DIR in its environment as LIAR_DIR. */
static void
read_lie(struct lie *out)
{
    char path[OS_PATH_MAX];
    char line[160] = "";
    char *at = line;
    FILE *f;

    memset(out, 0, sizeof(*out));
    (void)snprintf(path, sizeof(path), "%s/lie", getenv("LIAR_DIR"));
    f = fopen(path, "r");
    if (f == NULL)
        return;
    if (fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    (void)fclose(f);
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(out->name, sizeof(out->name), "%.39s",
                   (at = strtok(line, "|")) == NULL ? "" : at);
    if ((at = strtok(NULL, "|")) != NULL)
        (void)snprintf(out->agency, sizeof(out->agency), "%.79s", at);
    if ((at = strtok(NULL, "|")) != NULL)
        out->number = strtoull(at, NULL, 10);
}

static bool
is_meant(const struct lie *l, const struct dir_device *d)
{
    bool is_all_but = l->agency[0] == '!';

    if (l->agency[0] == '\0' || strcmp(l->agency, "*") == 0)
        return true;
    return is_all_but !=
           (d != NULL && strcmp(d->agency->name, l->agency + is_all_but) == 0);
}

/* The lie of now is NAME, and for who is behind S (NULL: for anybody). */
static bool
lies_to(struct session *s, const char *name, uint64_t *number)
{
    const struct dir_device *d = s == NULL ? NULL : session_device(s);
    struct lie l;

    read_lie(&l);
    if (strcmp(l.name, name) != 0)
        return false;
    if (number != NULL)
        *number = l.number;
    return s == NULL || is_meant(&l, d);
}

static bool
lies(const char *name)
{
    return lies_to(NULL, name, NULL);
}

/* ---- what it says ---- */

enum { FIELDS_MAX = 8, ROWS_MAX = 512, KEEP_MAX = 16384 };

/* Bytes said once and said again. */
static uint8_t kept[KEEP_MAX];
static size_t kept_len;

static struct msg_field
keep_or_repeat(const struct msg_field *f)
{
    if (kept_len == 0 && f->len <= KEEP_MAX) {
        memcpy(kept, f->p, f->len);
        kept_len = f->len;
    }
    return msg_bin(kept, kept_len);
}

/* A copy of F with the byte at AT changed; as many small ones as a message has
 * rows, one large one. */
static struct msg_field
flipped(const struct msg_field *f, size_t at)
{
    enum { SMALL = 2048, SMALLS = 512 };
    static uint8_t small[SMALLS][SMALL];
    static uint8_t large[LIMIT_MSG_LEN];
    static unsigned next;
    uint8_t *copy = f->len <= SMALL ? small[next++ % SMALLS] : large;

    memcpy(copy, f->p, f->len);
    if (at < f->len)
        copy[at] ^= 1;
    return msg_bin(copy, f->len);
}

static uint8_t
type_of(const struct msg_field *row)
{
    return row->items[EVENTS_ROW_OPENING].p[32 + 1];
}

static void
lie_in_row(struct session *s, struct msg_field *row, size_t at)
{
    static struct msg_field all[ROWS_MAX][4];
    struct msg_field *items = all[at];
    uint64_t type;

    memcpy(items, row->items, sizeof(all[at]));
    if (lies_to(s, "opening-time", &type) && type_of(row) == type)
        items[EVENTS_ROW_OPENING] =
            flipped(&items[EVENTS_ROW_OPENING], 32 + 8 + 6);
    else if (lies_to(s, "opening-actor", &type) && type_of(row) == type)
        items[EVENTS_ROW_OPENING] =
            flipped(&items[EVENTS_ROW_OPENING], 32 + 64);
    else if (lies_to(s, "opening-type", &type) && type_of(row) == type)
        items[EVENTS_ROW_OPENING] = flipped(&items[EVENTS_ROW_OPENING], 32 + 1);
    else if (lies_to(s, "evidence-flip", &type) && type_of(row) == type)
        items[EVENTS_ROW_EVIDENCE] = flipped(&items[EVENTS_ROW_EVIDENCE], 100);
    else if (lies_to(s, "evidence-gone", &type) && type_of(row) == type)
        items[EVENTS_ROW_EVIDENCE] = msg_bin(NULL, 0);
    else
        return;
    row->items = items;
}

static void
lie_in_rows(struct session *s, struct msg_field *list)
{
    static struct msg_field rows[ROWS_MAX];
    size_t n = 0;
    uint64_t type = 0;

    for (size_t i = 0; i < list->len && i < ROWS_MAX; i++) {
        if (lies_to(s, "hide-events", &type) &&
            (type == 0 || type_of(&list->items[i]) == type))
            continue;
        rows[n] = list->items[i];
        lie_in_row(s, &rows[n], n);
        n++;
    }
    if (lies_to(s, "rows-reversed", NULL))
        for (size_t i = 0; i < n / 2; i++) {
            struct msg_field x = rows[i];

            rows[i] = rows[n - 1 - i];
            rows[n - 1 - i] = x;
        }
    if (lies_to(s, "rows-twice", NULL) && n > 0 && n < ROWS_MAX) {
        rows[n] = rows[n - 1];
        n++;
    }
    *list = msg_list(rows, n);
}

/* What goes out of message TYPE; false: nothing does. */
static bool
lie_in(struct session *s, enum msg_type type, struct msg_field *f, bool *twice)
{
    uint64_t number = 0;

    switch (type) {
    case MSG_DELIVER:
        *twice = lies_to(s, "deliver-twice", NULL);
        if (lies_to(s, "deliver-other-proof", NULL))
            f[DELIVER_STORED_PROOF] = keep_or_repeat(&f[DELIVER_STORED_PROOF]);
        if (lies_to(s, "deliver-flip-body", NULL))
            f[DELIVER_BODY] = flipped(&f[DELIVER_BODY], 2000);
        if (lies_to(s, "deliver-flip-wrap", NULL))
            f[DELIVER_WRAP] = flipped(&f[DELIVER_WRAP], 500);
        if (lies_to(s, "deliver-other-sender", NULL))
            f[DELIVER_SENDER] = flipped(&f[DELIVER_SENDER], 3);
        return !lies_to(s, "drop-deliver", NULL);
    case MSG_LOGGED:
        if (lies_to(s, "receipt-flip", &number))
            f[LOGGED_PROOF] = flipped(&f[LOGGED_PROOF], number);
        if (lies_to(s, "receipt-repeat", NULL))
            f[LOGGED_PROOF] = keep_or_repeat(&f[LOGGED_PROOF]);
        return true;
    case MSG_PREKEYS:
        if (lies_to(s, "prekey-flip", &number) && f[PREKEYS_STMTS].len > 0) {
            static struct msg_field stmt;

            stmt = flipped(&f[PREKEYS_STMTS].items[0], number);
            f[PREKEYS_STMTS] = msg_list(&stmt, 1);
        }
        if (lies_to(s, "prekeys-none", NULL))
            f[PREKEYS_STMTS] = msg_list(NULL, 0);
        if (lies_to(s, "freeze-directory", &number) && number > 0)
            f[PREKEYS_DIR_SIZE] = msg_u(number);
        return true;
    case MSG_EVENTS:
        lie_in_rows(s, &f[EVENTS_ROWS]);
        return true;
    case MSG_DIR:
        if (lies_to(s, "leaf-flip", NULL) && f[DIR_LEAVES].len > 0) {
            static struct msg_field leaves[ROWS_MAX];

            memcpy(leaves, f[DIR_LEAVES].items,
                   f[DIR_LEAVES].len * sizeof(leaves[0]));
            leaves[f[DIR_LEAVES].len - 1] =
                flipped(&leaves[f[DIR_LEAVES].len - 1], 90);
            f[DIR_LEAVES] = msg_list(leaves, f[DIR_LEAVES].len);
        }
        return true;
    case MSG_TILE:
        if (lies_to(s, "tile-flip", NULL))
            f[TILE_BYTES] = flipped(&f[TILE_BYTES], 40);
        return true;
    case MSG_PROOF:
        if (lies_to(s, "proof-flip", NULL) && f[PROOF_HASHES].len > 0) {
            static struct msg_field hashes[MERKLE_PATH_MAX];

            memcpy(hashes, f[PROOF_HASHES].items,
                   f[PROOF_HASHES].len * sizeof(hashes[0]));
            hashes[0] = flipped(&hashes[0], 7);
            f[PROOF_HASHES] = msg_list(hashes, f[PROOF_HASHES].len);
        }
        return true;
    default:
        return true;
    }
}

void __real_session_send(struct session *s, enum msg_type type, uint32_t req,
                         const struct msg_field *f, unsigned n);
void __wrap_session_send(struct session *s, enum msg_type type, uint32_t req,
                         const struct msg_field *f, unsigned n);
void
__wrap_session_send(struct session *s, enum msg_type type, uint32_t req,
                    const struct msg_field *f, unsigned n)
{
    struct msg_field mine[FIELDS_MAX] = {{0}};
    bool twice = false;

    if (n > FIELDS_MAX)
        abort();
    memcpy(mine, f, n * sizeof(mine[0]));
    if (!lie_in(s, type, mine, &twice))
        return;
    __real_session_send(s, type, req, mine, n);
    if (twice)
        __real_session_send(s, type, req, mine, n);
}

void __real_session_push(struct session *s, enum msg_type type,
                         const struct msg_field *f, unsigned n);
void __wrap_session_push(struct session *s, enum msg_type type,
                         const struct msg_field *f, unsigned n);
void
__wrap_session_push(struct session *s, enum msg_type type,
                    const struct msg_field *f, unsigned n)
{
    struct msg_field mine[FIELDS_MAX] = {{0}};
    bool twice = false;

    if (n > FIELDS_MAX)
        abort();
    memcpy(mine, f, n * sizeof(mine[0]));
    if (type == MSG_DIR && lies_to(s, "freeze-directory", NULL))
        return;
    if (lie_in(s, type, mine, &twice))
        __real_session_push(s, type, mine, n);
}

/* ---- what it writes into its log ---- */

void __real_opening_make(const uint8_t salt[32], const struct event *ev,
                         uint8_t out[OPENING_LEN]);
void __wrap_opening_make(const uint8_t salt[32], const struct event *ev,
                         uint8_t out[OPENING_LEN]);
void
__wrap_opening_make(const uint8_t salt[32], const struct event *ev,
                    uint8_t out[OPENING_LEN])
{
    struct event e = *ev;
    uint64_t number = 0;

    if (lies_to(NULL, "log-backdate", &number) && e.type == number)
        e.time_ms -= UINT64_C(3) * 86400 * 1000;
    if (lies_to(NULL, "log-postdate", &number) && e.type == number)
        e.time_ms += UINT64_C(3) * 86400 * 1000;
    if (lies_to(NULL, "log-digest", &number) && e.type == number)
        e.pkt_digest.b[0] ^= 1;
    if (lies_to(NULL, "log-actor", &number) && e.type == number)
        e.actor.b[0] ^= 1;
    if (lies_to(NULL, "log-mailbox", &number) && e.type == number)
        e.recipient.b[0] ^= 1;
    if (lies_to(NULL, "log-no-evidence", &number) && e.type == number)
        memset(&e.evidence, 0, sizeof(e.evidence));
    if (lies_to(NULL, "log-ref", &number) && e.type == number)
        e.ref++;
    if (lies_to(NULL, "log-as-handed-over", &number) && e.type == number)
        e.type = EVENT_HANDED_OVER;
    if (lies_to(NULL, "log-as-expired", &number) && e.type == number) {
        e.type = EVENT_EXPIRED;
        memset(&e.evidence, 0, sizeof(e.evidence));
        memset(&e.actor, 0, sizeof(e.actor));
    }
    if (lies_to(NULL, "log-as-stored", &number) && e.type == number) {
        e.type = EVENT_STORED;
        e.ref = 0;
    }
    __real_opening_make(salt, &e, out);
}

/* ---- what it leaves undone ---- */

enum err __real_relay_sweep(struct relay *r);
enum err __wrap_relay_sweep(struct relay *r);
enum err
__wrap_relay_sweep(struct relay *r)
{
    return lies("never-sweep") ? ERR_OK : __real_relay_sweep(r);
}

/* An honest relay stops when a client shows it a head that it does not have;
 * one that lies ("shameless": in nothing else) goes on. */
bool __real_welcome_take(struct session *s, const struct msg *m);
bool __wrap_welcome_take(struct session *s, const struct msg *m);
bool
__wrap_welcome_take(struct session *s, const struct msg *m)
{
    struct lie l;

    read_lie(&l);
    return l.name[0] != '\0' ? true : __real_welcome_take(s, m);
}

/* The directory as it was when it had NUMBER leaves. */
static struct session *listener; /* to whom it is speaking of the directory */

static bool
lies_now(const char *name, uint64_t *number)
{
    struct lie l;

    read_lie(&l);
    if (listener != NULL)
        return lies_to(listener, name, number);
    /* To witnesses and to the public. */
    return lies_to(NULL, name, number) && is_meant(&l, NULL);
}

static bool
is_frozen(enum store_log log, uint64_t *size)
{
    return log == STORE_DIRECTORY && lies_now("freeze-directory", size) &&
           *size > 0;
}

/* A head that our key signs and that never was. */
static void
invent(struct head *h, uint64_t size, enum store_log log)
{
    struct relay_keys *keys;

    h->size = size;
    memset(h->root.b, 0x5a, sizeof(h->root.b));
    if (keys_load(getenv("LIAR_DIR"), &keys) != ERR_OK ||
        head_sign(h,
                  log == STORE_DIRECTORY ? keys->directory_origin
                                         : keys->delivery_origin,
                  &keys->log) != ERR_OK)
        abort();
    keys_free(keys);
}

/* What it shows as the newest head of LOG. */
static enum err
bend(struct store_reader *rd, enum store_log log, struct head *h)
{
    uint64_t size = 0;

    if (is_frozen(log, &size))
        return store_head_at(rd, log, size, h);
    if (lies_now("head-invented", &size) && log == STORE_DELIVERY)
        invent(h, size, log);
    if (lies_now("directory-invented", &size) && log == STORE_DIRECTORY)
        invent(h, size, log);
    if (lies_now("head-forged", &size) && log == STORE_DELIVERY)
        h->sig.b[9] ^= 1;
    return ERR_OK;
}

enum err __real_store_head(struct store_reader *rd, enum store_log log,
                           struct head *out);
enum err __wrap_store_head(struct store_reader *rd, enum store_log log,
                           struct head *out);
enum err
__wrap_store_head(struct store_reader *rd, enum store_log log, struct head *out)
{
    enum err rc = __real_store_head(rd, log, out);

    return rc == ERR_OK ? bend(rd, log, out) : rc;
}

void __real_store_heads(struct store *st, struct head heads[STORE_LOGS]);
void __wrap_store_heads(struct store *st, struct head heads[STORE_LOGS]);
void
__wrap_store_heads(struct store *st, struct head heads[STORE_LOGS])
{
    struct store_reader *rd = NULL;

    __real_store_heads(st, heads);
    if (store_reader_open(st, &rd) != ERR_OK ||
        bend(rd, STORE_DIRECTORY, &heads[STORE_DIRECTORY]) != ERR_OK ||
        bend(rd, STORE_DELIVERY, &heads[STORE_DELIVERY]) != ERR_OK)
        abort();
    store_reader_close(rd);
}

enum err __real_store_leaves(struct store_reader *rd, enum store_log log,
                             uint64_t from, unsigned max, store_bytes_fn *each,
                             void *arg);
enum err __wrap_store_leaves(struct store_reader *rd, enum store_log log,
                             uint64_t from, unsigned max, store_bytes_fn *each,
                             void *arg);
enum err
__wrap_store_leaves(struct store_reader *rd, enum store_log log, uint64_t from,
                    unsigned max, store_bytes_fn *each, void *arg)
{
    uint64_t size;

    if (is_frozen(log, &size)) {
        if (from >= size)
            return ERR_OK;
        if (max > size - from)
            max = (unsigned)(size - from);
    }
    return __real_store_leaves(rd, log, from, max, each, arg);
}

void __real_welcome_send(struct session *s);
void __wrap_welcome_send(struct session *s);
void
__wrap_welcome_send(struct session *s)
{
    listener = s;
    __real_welcome_send(s);
    listener = NULL;
}

handler_fn __real_handle_dir_get, __wrap_handle_dir_get;
void
__wrap_handle_dir_get(struct session *s, const struct msg *m,
                      const uint8_t *bytes, size_t len)
{
    listener = s;
    __real_handle_dir_get(s, m, bytes, len);
    listener = NULL;
}

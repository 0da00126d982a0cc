/*
 * An audit's questions to a relay that answers anything: the truth, the truth
 * with changes (tests/lib/patch.h), an error, or any bytes.  However it goes
 * on, there are few questions, little waits in memory, and what passes is the
 * log under the signed head.  upstream_call() and its kin are ours here
 * (Makefile).
 */
#include <stdlib.h>
#include <string.h>

#include "client/audit_fetch_inside.h"
#include "proto/msg.h"
#include "proto/tile.h"
#include "tests/lib/audit_world.h"
#include "tests/lib/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
enum err __wrap_upstream_call(struct upstream *u, uint8_t type,
                              const struct msg_field *fields, unsigned n,
                              uint8_t want, const struct msg **answer,
                              unsigned *wire_code, struct problem *pb);
enum err __wrap_upstream_ask(struct upstream *u, uint8_t type,
                             const struct msg_field *fields, unsigned n,
                             uint32_t *ticket, struct problem *pb);
enum err __wrap_upstream_answer(struct upstream *u, uint32_t ticket,
                                uint8_t want, const struct msg **answer,
                                unsigned *wire_code, struct problem *pb);
void __wrap_upstream_forget(struct upstream *u, uint32_t ticket);

enum { ANSWER_MAX = 32 * 1024 };
/* EARLY: with openings of entries that it asks to ask for again. */
enum { TRUTH, CHANGED, WIRE_ERROR, BYTES, EARLY, ANSWERS };

static struct world *w;
static struct rd input;
static struct msg heard;
static struct buf said;
static unsigned questions;

static void
make_log(void)
{
    void *state;

    must(crypto_init() == ERR_OK);
    world_setup(&state);
    w = state;
    all_ends(w);
    (void)log_read(w, 2);
    for (unsigned i = 0; i < 260; i++)
        (void)store(w, 100 + i);
}

/* ---- the honest relay ---- */

static void
tell_events(const struct msg_field *q, bool is_early)
{
    static struct audit_row rows[WORLD_MAX];
    static struct msg_field row[WORLD_MAX][4], list[WORLD_MAX];
    uint64_t from = q[AUDIT_GET_FROM].u, to = q[AUDIT_GET_TO].u;
    struct msg_field f[3];
    struct buf note = {0};
    struct head h = head_at(w, w->n);
    size_t n;

    must(from < to && to <= w->n);
    n = rows_of(w, (unsigned)from, (unsigned)to, rows);
    must(head_to_note(&h, &w->key, &note) == ERR_OK);
    for (size_t i = 0; i < n; i++) {
        row[i][EVENTS_ROW_INDEX] = msg_u(rows[i].index);
        row[i][EVENTS_ROW_OPENING] = msg_bin(rows[i].opening, OPENING_LEN);
        row[i][EVENTS_ROW_EVIDENCE] =
            msg_bin(rows[i].evidence.p, rows[i].evidence.len);
        row[i][EVENTS_ROW_LEAF_PROOF] = msg_bin("", 0);
        list[i] = msg_list(row[i], 4);
    }
    f[EVENTS_ROWS] = msg_list(list, n);
    f[EVENTS_NEXT] = msg_u(is_early ? from + 1 : to);
    f[EVENTS_CHECKPOINT] = msg_bin(note.data, note.len);
    must(msg_encode(&said, MSG_FROM_RELAY, MSG_EVENTS, 1, f, 3) == ERR_OK);
    buf_clear(&note);
}

static void
tell_tile(const struct msg_field *q)
{
    char path[TILE_PATH_MAX] = "";
    struct tile tile;
    struct msg_field f;
    struct buf b = {0};
    unsigned from;

    must(q[TILE_GET_PATH].len < sizeof(path));
    memcpy(path, q[TILE_GET_PATH].p, q[TILE_GET_PATH].len);
    must(tile_parse(path, &tile) == ERR_OK && tile.level == TILE_ENTRIES);
    from = (unsigned)tile.index * TILE_WIDTH;
    must(from + tile.width <= w->n);
    bundle_of(w, from, from + tile.width, &b);
    f = msg_bin(b.data, b.len);
    must(msg_encode(&said, MSG_FROM_RELAY, MSG_TILE, 1, &f, 1) == ERR_OK);
    buf_clear(&b);
}

/* ---- the one that is here ---- */

static enum err
turn_down(enum problem_id id, enum err rc, unsigned wire, unsigned *wire_code,
          struct problem *pb)
{
    if (wire_code != NULL)
        *wire_code = wire;
    return problem_set(pb, id, rc, "the relay refused", "as it likes");
}

enum err
__wrap_upstream_call(struct upstream *u, uint8_t type,
                     const struct msg_field *fields, unsigned n, uint8_t want,
                     const struct msg **answer, unsigned *wire_code,
                     struct problem *pb)
{
    unsigned how = rd_u8(&input) % ANSWERS;

    must(u == NULL && n == 2 && ++questions <= 2 * w->n);
    buf_reset(&said);
    if (how == WIRE_ERROR)
        return turn_down(P_NOT_FOUND, ERR_NOTFOUND, PERR_NOTFOUND, wire_code,
                         pb);
    if (how == BYTES) {
        size_t len = rd_u8(&input);

        len = len < input.left ? len : input.left;
        buf_put(&said, rd_ref(&input, len), len);
    } else if (type == MSG_TILE_GET) {
        tell_tile(fields);
    } else {
        must(type == MSG_AUDIT_GET);
        tell_events(fields, how == EARLY);
    }
    if (how == CHANGED)
        (void)patch_step(&input, &said, ANSWER_MAX + said.len);
    msg_clear(&heard);
    if (msg_decode(&heard, MSG_FROM_RELAY, said.data, said.len) != ERR_OK ||
        heard.type != want)
        return turn_down(P_RELAY_ERROR, ERR_MALFORMED, PERR_NONE, wire_code,
                         pb);
    *answer = &heard;
    return ERR_OK;
}

/* Questions asked ahead, by ticket - 1. */
static struct {
    bool is_taken;
    uint8_t type;
    struct msg_field f[2];
    char path[TILE_PATH_MAX];
} asked[UPSTREAM_AHEAD];

enum err
__wrap_upstream_ask(struct upstream *u, uint8_t type,
                    const struct msg_field *fields, unsigned n,
                    uint32_t *ticket, struct problem *pb)
{
    unsigned i = 0;

    (void)pb;
    while (i < UPSTREAM_AHEAD && asked[i].is_taken)
        i++;
    must(u == NULL && n == 2 && i < UPSTREAM_AHEAD);
    asked[i].is_taken = true;
    asked[i].type = type;
    memcpy(asked[i].f, fields, sizeof(asked[i].f));
    if (type == MSG_TILE_GET) {
        must(fields[TILE_GET_PATH].len < TILE_PATH_MAX);
        memcpy(asked[i].path, fields[TILE_GET_PATH].p,
               fields[TILE_GET_PATH].len);
        asked[i].f[TILE_GET_PATH].p = (const uint8_t *)asked[i].path;
    }
    *ticket = i + 1;
    return ERR_OK;
}

enum err
__wrap_upstream_answer(struct upstream *u, uint32_t ticket, uint8_t want,
                       const struct msg **answer, unsigned *wire_code,
                       struct problem *pb)
{
    unsigned i = ticket - 1;

    must(ticket >= 1 && ticket <= UPSTREAM_AHEAD && asked[i].is_taken);
    asked[i].is_taken = false;
    return __wrap_upstream_call(u, asked[i].type, asked[i].f, 2, want, answer,
                                wire_code, pb);
}

void
__wrap_upstream_forget(struct upstream *u, uint32_t ticket)
{
    (void)u;
    must(ticket >= 1 && ticket <= UPSTREAM_AHEAD && asked[ticket - 1].is_taken);
    asked[ticket - 1].is_taken = false;
}

static void
check_log(struct fetch *f)
{
    struct hash leaf, was;

    must(audit_size(f->audit) == w->n);
    for (uint64_t i = 0; i < w->n; i++) {
        must(audit_leaf(f->audit, i, &leaf) == ERR_OK);
        must(logtree_leaf_at(&w->tree, i, &was) == ERR_OK);
        must(id_eq(&leaf, &was));
    }
    must(audit_finish(f->audit) == ERR_OK);
    must(balance_conserved(audit_balance(f->audit)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct audit_row page[TILE_WIDTH];
    struct app app = {.json = true};
    struct office o = {.app = &app};
    struct problem pb = {0};
    struct fetch f = {.o = &o, .is_auditor = true, .page = page};
    struct audit_sum sum;
    enum err rc;

    if (w == NULL)
        make_log();
    input = rd_from(data, size);
    questions = 0;
    f.key = w->key;
    f.head = head_at(w, w->n);
    f.audit = start(w, w->auditor);
    rc = audit_fetch_all(&f, &pb);
    must(f.have.n <= LIMIT_EVENTS_PAGE + w->n);
    if (rc != ERR_OK)
        must(pb.id != P_NONE && pb.why[0] != '\0');
    else if (audit_close(f.audit, &f.head) == ERR_OK)
        check_log(&f);
    audit_result(f.audit, &sum);
    must(sum.entries <= w->n + TILE_WIDTH);
    must(size > 0 || (rc == ERR_OK && audit_finding_count(f.audit) == 0));
    audit_free(f.audit);
    free(f.have.rows);
    buf_clear(&f.have.bytes);
    buf_clear(&f.newest);
    return 0;
}

/* Everything recomputed from its source: entries -> nodes -> heads; openings
 * -> entries; packets -> bodies, slots, tallies; attachments -> files. */
#include "server/store_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/balance.h"

struct check {
    struct store_reader *rd;
    struct store *st;
    void (*say)(void *arg, const char *what);
    void *arg;
    unsigned findings;
};

static void finding(struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
finding(struct check *c, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    c->findings++;
    c->say(c->arg, text);
}

#define num(v) ((unsigned long long)(v))

static const char *const log_names[STORE_LOGS] = {"directory", "delivery"};

/* ---- a log: its entries give its nodes, its heads are on the way ---- */

struct log_walk {
    struct check *c;
    enum store_log log;
    struct merkle_peaks peaks;
    struct head next; /* the next head on the way; size 0: none */
};

static enum err
find_next_head(struct log_walk *w)
{
    struct q q = db_q(&w->c->rd->view.db, SQL_HEAD_ALL);
    uint64_t after = w->next.size;
    enum err rc;

    q_u64(&q, w->log);
    q_u64(&q, after);
    memset(&w->next, 0, sizeof(w->next));
    rc = q_next(&q);
    if (rc == ERR_NOTFOUND)
        return ERR_OK;
    if (rc == ERR_OK) {
        rc = head_of_row(w->c->st, w->log, &q, &w->next);
        q_end(&q);
    }
    return rc;
}

static enum err
check_head(struct log_walk *w)
{
    struct hash root;

    merkle_root(&w->peaks, &root);
    if (!id_eq(&root, &w->next.root) ||
        head_verify(&w->next, era_vkey(w->c->st, w->log, w->next.size)) !=
            ERR_OK)
        finding(w->c,
                "%s log: the head at %llu does not follow from the "
                "entries or is not signed by the log's key",
                log_names[w->log], num(w->next.size));
    return find_next_head(w);
}

static enum err
check_node(void *arg, unsigned level, uint64_t index, const struct hash *hash)
{
    struct log_walk *w = arg;
    struct view_log at = {&w->c->rd->view, w->log};
    struct hash stored;
    enum err rc = view_node(&at, level, index, &stored);

    if (rc == ERR_NOTFOUND || (rc == ERR_OK && !id_eq(&stored, hash))) {
        finding(w->c, "%s log: node %llu of level %u is wrong or missing",
                log_names[w->log], num(index), level);
        return ERR_OK;
    }
    return rc;
}

static enum err
check_opening(struct check *c, uint64_t index, struct span entry)
{
    struct q q = db_q(&c->rd->view.db, SQL_OPENING_GET);
    struct entry e;
    struct event ev;
    struct span opening;
    enum err rc;

    if (entry_decode(entry.p, entry.len, &e) != ERR_OK) {
        finding(c, "delivery log: entry %llu is malformed", num(index));
        q_end(&q);
        return ERR_OK;
    }
    q_u64(&q, index);
    rc = q_next(&q);
    if (rc != ERR_OK) /* erased openings are named by later entries */
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    opening = q_bytes(&q, 1);
    if (opening_verify(entry.p, entry.len, opening.p, opening.len, &ev) !=
        ERR_OK)
        finding(c, "delivery log: the opening of entry %llu does not open it",
                num(index));
    q_end(&q);
    return ERR_OK;
}

static enum err
check_leaf(void *arg, uint64_t index, struct span entry)
{
    struct log_walk *w = arg;
    struct hash leaf;
    enum err rc;

    if (index != w->peaks.size) {
        finding(w->c, "%s log: entry %llu is missing", log_names[w->log],
                num(w->peaks.size));
        return ERR_MALFORMED;
    }
    merkle_leaf(entry.p, entry.len, &leaf);
    rc = merkle_append(&w->peaks, &leaf, check_node, w);
    if (rc == ERR_OK && w->next.size == w->peaks.size)
        rc = check_head(w);
    if (rc == ERR_OK && w->log == STORE_DELIVERY)
        rc = check_opening(w->c, index, entry);
    return rc;
}

static enum err
check_log(struct check *c, enum store_log log)
{
    enum { PAGE = 1024 };
    struct log_walk w = {.c = c, .log = log};
    uint64_t before;
    struct merkle_peaks row;
    struct hash root, sum;
    enum err rc = find_next_head(&w);

    do {
        before = w.peaks.size;
        if (rc == ERR_OK)
            rc = store_leaves(c->rd, log, before, PAGE, check_leaf, &w);
    } while (rc == ERR_OK && w.peaks.size > before);
    if (rc == ERR_MALFORMED)
        return ERR_OK; /* said already */
    if (rc == ERR_OK)
        rc = log_load(&c->rd->view.db, log, &row, &root);
    if (rc != ERR_OK)
        return rc;
    merkle_root(&w.peaks, &sum);
    if (row.size != w.peaks.size || !id_eq(&root, &sum))
        finding(c,
                "%s log: its row says %llu entries, there are %llu, or the "
                "roots differ",
                log_names[log], num(row.size), num(w.peaks.size));
    return ERR_OK;
}

/* ---- packets ---- */

static enum err
check_body(struct check *c, const struct packet_row *p)
{
    struct q q = db_q(&c->rd->view.db, SQL_BODY_GET);
    struct hash digest;
    enum err rc;

    q_u64(&q, p->id);
    rc = q_next(&q);
    if (rc == ERR_NOTFOUND) {
        finding(c, "packet %llu: its body is missing", num(p->id));
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    packet_digest_of(&digest, q_bytes(&q, 0).p, q_bytes(&q, 0).len,
                     q_bytes(&q, 2).p, q_bytes(&q, 2).len / WRAP_LEN,
                     q_bytes(&q, 3).p, q_bytes(&q, 3).len);
    q_end(&q);
    if (!id_eq(&digest, &p->digest))
        finding(c, "packet %llu: its bytes are damaged", num(p->id));
    return ERR_OK;
}

static enum err
check_packet(struct check *c, const struct packet_row *p)
{
    struct q q = db_q(&c->rd->view.db, SQL_SLOT_COUNT);
    uint64_t live;
    enum err rc;

    q_u64(&q, p->id);
    rc = q_number(&q, &live);
    if (rc != ERR_OK)
        return rc;
    if (live != p->live)
        finding(c, "packet %llu: %llu slots wait, its row says %llu",
                num(p->id), num(live), num(p->live));
    if (p->state == PACKET_PENDING && (!p->has_body || live == 0))
        finding(c, "packet %llu: pending, but nobody can get it", num(p->id));
    return p->has_body ? check_body(c, p) : ERR_OK;
}

static enum err
check_packets(struct check *c)
{
    struct packet_row p = {0};
    uint64_t from = 0;
    enum err rc;

    for (;;) {
        struct q q = db_q(&c->rd->view.db, SQL_PACKET_ALL);

        q_u64(&q, from);
        rc = packet_by(&q, &p);
        if (rc == ERR_OK)
            rc = check_packet(c, &p);
        if (rc != ERR_OK)
            return rc == ERR_NOTFOUND ? ERR_OK : rc;
        from = p.id + 1;
    }
}

static enum err
check_tallies(struct check *c)
{
    struct q q = db_q(&c->rd->view.db, SQL_TALLY_RECOUNT);
    struct agency_id agency;
    enum err rc;

    while ((rc = q_next(&q)) == ERR_OK) {
        rc = q_copy_id(&q, 0, &agency);
        if (rc != ERR_OK) {
            q_end(&q);
            return rc;
        }
        finding(c, "the counts of agency %02x%02x%02x%02x are not conserved",
                agency.b[0], agency.b[1], agency.b[2], agency.b[3]);
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- the story that the openings tell ---- */

static void
on_story(void *arg, const struct finding *f)
{
    finding(arg, "delivery log: entry %llu: %s", num(f->index),
            finding_name(f->kind));
}

static enum err
tell(void *arg, const struct store_event_row *row)
{
    struct event ev;
    enum err rc = opening_decode(row->opening, OPENING_LEN, &ev);

    return rc == ERR_OK ? balance_event(arg, row->index, &ev) : ERR_OK;
}

/* Erased packets leave whole, so what is left tells whole stories. */
static enum err
check_story(struct check *c)
{
    const struct store_scope all = {.to_ms = INT64_MAX};
    struct balance_options options = {.erasable_end = UINT64_MAX,
                                      .grace_s = UINT32_MAX,
                                      .found = on_story,
                                      .arg = c};
    struct balance *b;
    enum err rc;

    crypto_random(options.seed, sizeof(options.seed));
    b = balance_new(&options);
    if (b == NULL)
        return ERR_NOMEM;
    rc = store_audit(c->rd, &all, 0, INT64_MAX, tell, b);
    if (rc == ERR_OK && !balance_conserved(b))
        finding(c, "delivery log: the events are not conserved");
    balance_free(b);
    return rc;
}

/* ---- attachments and pages ---- */

static enum err
check_blob(struct check *c, const struct store_blob *blob)
{
    struct hash digest;
    enum err rc;

    if (!blob->complete)
        return ERR_OK;
    rc = blob_file_digest(c->st, blob, &digest);
    if (rc == ERR_NOMEM)
        return rc;
    if (rc != ERR_OK || !id_eq(&digest, &blob->digest))
        finding(c, "attachment %llu: its file is missing or damaged",
                num(blob->blob));
    return ERR_OK;
}

static enum err
check_blobs(struct check *c)
{
    struct store_blob blob = {0};
    enum err rc;

    for (;;) {
        struct q q = db_q(&c->rd->view.db, SQL_BLOB_ALL);

        q_u64(&q, blob.blob);
        rc = blob_by(&q, &blob, NULL);
        if (rc == ERR_OK)
            rc = check_blob(c, &blob);
        if (rc != ERR_OK)
            return rc == ERR_NOTFOUND ? ERR_OK : rc;
    }
}

static enum err
check_pages(struct check *c)
{
    struct q q = db_q(&c->rd->view.db, SQL_INTEGRITY);
    enum err rc;

    while ((rc = q_next(&q)) == ERR_OK) {
        struct span text = q_bytes(&q, 0);

        if (text.len != 2 || memcmp(text.p, "ok", 2) != 0)
            finding(c, "database: %.*s", (int)text.len, (const char *)text.p);
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

enum err
store_check(struct store *st, void (*say)(void *arg, const char *what),
            void *arg, unsigned *findings)
{
    struct check c = {.st = st, .say = say, .arg = arg};
    enum err rc = store_reader_open(st, &c.rd);

    if (rc == ERR_OK)
        rc = check_pages(&c);
    if (rc == ERR_OK)
        rc = check_log(&c, STORE_DIRECTORY);
    if (rc == ERR_OK)
        rc = check_log(&c, STORE_DELIVERY);
    if (rc == ERR_OK)
        rc = check_packets(&c);
    if (rc == ERR_OK)
        rc = check_tallies(&c);
    if (rc == ERR_OK)
        rc = check_story(&c);
    if (rc == ERR_OK)
        rc = check_blobs(&c);
    store_reader_close(c.rd);
    if (rc == ERR_OK)
        *findings = c.findings;
    return rc;
}

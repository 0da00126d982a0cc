/*
 * bench_audit.c - what an audit costs: a log of 50 agencies in a realistic mix
 * is made in memory, then audited from its beginning, kept, taken up again with
 * the last hundredth of it new, and shown.
 *
 *   build/tests/bench/bench_audit [ENTRIES]      default 100000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/audit_book.h"
#include "client/audit_view_make.h"
#include "client/logtree.h"
#include "common/clock.h"
#include "common/os.h"
#include "common/pool.h"
#include "proto/receipt.h"
#include "proto/tile.h"
#include "tests/lib/net.h"

enum { DESKS = 50, LAG_S = 5000, STEP_MS = 2500 };

/* What becomes of a packet, in hundredths. */
enum fate { OPENED, TWICE, WARNED, REFUSED, EXPIRED, WITHDRAWN, LEFT, FATES };
static const unsigned share[FATES] = {70, 12, 6, 4, 4, 2, 2};

struct made {
    uint8_t opening[OPENING_LEN];
    uint8_t entry[SEALED_ENTRY_LEN];
    uint8_t evidence[RCPT_LEN];
    uint16_t evidence_len;
};

struct waiting {
    struct event ev;
    uint64_t index;
    enum fate fate;
};

static struct {
    struct net net;
    struct vkey key;
    struct logtree tree;
    struct made *e;
    size_t n, want;
    uint64_t time_ms, random;
    unsigned second[DESKS]; /* another device of the desk's agency */
    struct waiting *w;      /* from FIRST to LAST */
    size_t first, last;
    uint64_t signatures;
} g;

static void
check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_audit: %s\n", what);
        exit(1);
    }
}

static uint64_t
draw(uint64_t below)
{
    g.random ^= g.random << 13;
    g.random ^= g.random >> 7;
    g.random ^= g.random << 17;
    return g.random % below;
}

/* ---- the log ---- */

static void
make_network(void)
{
    net_init(&g.net);
    for (unsigned i = 0; i < DESKS; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "Agency %u", i);
        (void)net_desk(&g.net, name,
                       i % 5 == 0 ? CLASS_STATUTORY : CLASS_NON_STATUTORY);
        g.second[i] = i;
    }
    for (unsigned i = 0; i < 10; i++)
        g.second[i] = net_device(&g.net, i, "Second laptop");
    check(vkey_make(&g.key, "relay.test/delivery", NOTE_ED25519,
                    &g.net.log_key.pub) == ERR_OK,
          "no key");
}

static void
add(struct event *ev, const uint8_t *evidence, size_t len)
{
    struct made *e = &g.e[g.n];
    uint8_t salt[32] = {0};

    ev->time_ms = g.time_ms;
    if (len > 0) {
        memcpy(e->evidence, evidence, len);
        evidence_hash(&ev->evidence, evidence, len);
        g.signatures++;
    }
    e->evidence_len = (uint16_t)len;
    memcpy(salt, &g.n, sizeof(g.n));
    opening_make(salt, ev, e->opening);
    sealed_entry(e->opening, e->entry);
    check(logtree_append(&g.tree, e->entry, sizeof(e->entry)) == ERR_OK,
          "memory");
    g.n++;
    g.time_ms += STEP_MS;
}

static enum fate
draw_fate(void)
{
    uint64_t at = draw(100);
    unsigned fate = 0;

    while (at >= share[fate])
        at -= share[fate++];
    return (enum fate)fate;
}

static void
store_one(void)
{
    unsigned from = (unsigned)draw(DESKS), to = (unsigned)draw(DESKS);
    struct waiting *w = &g.w[g.last++];
    uint64_t s = g.time_ms / 1000;

    memset(w, 0, sizeof(*w));
    w->fate = draw_fate();
    w->index = g.n;
    w->ev.type = EVENT_STORED;
    w->ev.class = draw(5) == 0;
    memcpy(w->ev.packet.b, &g.n, sizeof(g.n));
    w->ev.sender = g.net.agencies[from].id;
    w->ev.recipient = g.net.mailboxes[to].id;
    w->ev.actor = g.net.devices[from].id;
    memcpy(w->ev.pkt_digest.b, &g.n, sizeof(g.n));
    w->ev.not_after =
        s + (w->fate == EXPIRED ? LAG_S - EVENT_SWEEP_S : 400 * 86400);
    add(&w->ev, NULL, 0);
}

static unsigned
desk_of(const struct mailbox_id *id)
{
    unsigned i = 0;

    while (!id_eq(&g.net.mailboxes[i].id, id))
        i++;
    return i;
}

static void
add_rcpt(const struct waiting *w, uint8_t type, uint8_t outcome,
         unsigned device)
{
    struct event ev = w->ev;
    /* The relay signs a head after each commit, say of four entries. */
    uint64_t seen = g.n > 300 ? (g.n - draw(300)) & ~UINT64_C(3) : g.n;
    struct rcpt r = {
        .outcome = outcome,
        .reason =
            outcome == OUTCOME_OPENED ? REASON_NONE : REASON_UNDECRYPTABLE,
        .packet = ev.packet,
        .pkt_digest = ev.pkt_digest,
        .agency = g.net.agencies[g.net.devices[device].agency].id,
        .device = g.net.devices[device].id,
        .opened = {{outcome == OUTCOME_OPENED}},
        .time_ms = g.time_ms,
        .stored_index = w->index,
        .dlv = {.size = seen},
    };
    uint8_t bytes[RCPT_LEN];

    check(logtree_root_at(&g.tree, seen, &r.dlv.root) == ERR_OK, "root");
    check(rcpt_sign(bytes, &r, &g.net.devices[device].sign) == ERR_OK, "sign");
    ev.type = type;
    ev.ref = w->index;
    ev.reason = r.reason;
    ev.actor = r.device;
    add(&ev, bytes, sizeof(bytes));
}

static void
add_wdrw(const struct waiting *w)
{
    struct event ev = w->ev;
    struct wdrw wd = {
        .reason = REASON_SENT_IN_ERROR,
        .packet = ev.packet,
        .pkt_digest = ev.pkt_digest,
        .sender = ev.sender,
        .device = ev.actor,
        .time_ms = g.time_ms,
    };
    unsigned i = 0;
    uint8_t bytes[WDRW_LEN];

    while (!id_eq(&g.net.devices[i].id, &ev.actor))
        i++;
    check(wdrw_sign(bytes, &wd, &g.net.devices[i].sign) == ERR_OK, "sign");
    ev.type = EVENT_WITHDRAWN;
    ev.ref = w->index;
    ev.reason = wd.reason;
    add(&ev, bytes, sizeof(bytes));
}

static void
add_plain(const struct waiting *w, uint8_t type)
{
    struct event ev = w->ev;

    ev.type = type;
    ev.ref = w->index;
    memset(&ev.actor, 0, sizeof(ev.actor));
    add(&ev, NULL, 0);
}

static void
end_one(const struct waiting *w)
{
    unsigned to = desk_of(&w->ev.recipient);

    if (w->fate == WARNED || w->fate == EXPIRED)
        add_plain(w, EVENT_WARNED);
    if (w->fate == EXPIRED)
        add_plain(w, EVENT_EXPIRED);
    else if (w->fate == REFUSED)
        add_rcpt(w, EVENT_REFUSED, OUTCOME_CANNOT_OPEN, to);
    else if (w->fate == WITHDRAWN)
        add_wdrw(w);
    else if (w->fate != LEFT)
        add_rcpt(w, EVENT_HANDED_OVER, OUTCOME_OPENED, to);
    if (w->fate == TWICE)
        add_rcpt(w, EVENT_DEVICE_RECEIPT, OUTCOME_OPENED, g.second[to]);
}

static void
make_log(size_t want)
{
    g.random = 88172645463325252u;
    g.time_ms = NET_TIME * 1000;
    g.want = want;
    g.e = calloc(want + 8, sizeof(*g.e));
    g.w = calloc(want + 8, sizeof(*g.w));
    check(g.e != NULL && g.w != NULL, "no memory");
    while (g.n < want) {
        const struct waiting *w = &g.w[g.first];

        if (g.first < g.last && g.time_ms >= w->ev.time_ms + LAG_S * 1000)
            end_one(&g.w[g.first++]);
        else if (draw(3) > 0) /* quiet moments, so that ends are in time */
            g.time_ms += STEP_MS;
        else
            store_one();
    }
    free(g.w);
}

/* ---- the audit ---- */

static struct audit_options
options(unsigned helpers, const struct dir_agency *self)
{
    return (struct audit_options){
        .dir = g.net.dir,
        .log = &g.key,
        .self = self,
        .retention_s = 400 * 86400,
        .now_ms = g.time_ms,
        .seed = {1, 2, 3},
        .helpers = helpers,
    };
}

static void
feed(struct audit *a, uint64_t end)
{
    static struct audit_row rows[TILE_WIDTH];
    struct buf b = {0};

    while (audit_size(a) < end) {
        uint64_t at = audit_size(a);
        uint64_t stop = (at / TILE_WIDTH + 1) * TILE_WIDTH;

        stop = stop < end ? stop : end;
        buf_reset(&b);
        for (uint64_t i = at; i < stop; i++) {
            check(bundle_put(&b, g.e[i].entry, sizeof(g.e[i].entry)) == ERR_OK,
                  "bundle");
            rows[i - at] = (struct audit_row){
                i, g.e[i].opening, {g.e[i].evidence, g.e[i].evidence_len}};
        }
        check(audit_page(a, b.data, b.len, (unsigned)(stop - at), rows,
                         stop - at) == ERR_OK,
              "a page");
    }
    buf_clear(&b);
}

static struct head
head_at(uint64_t size)
{
    struct head h = {.size = size};

    check(logtree_root_at(&g.tree, size, &h.root) == ERR_OK, "root");
    return h;
}

static double
seconds_since(uint64_t start_ms)
{
    return (double)(clock_mono_ms() - start_ms + 1) / 1000.0;
}

/* Of all threads. */
static double
processor_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static unsigned long
resident_kib(void)
{
    struct buf b = {0};
    unsigned long kib = 0;
    const char *at;

    if (os_read_file("/proc/self/status", 65536, &b) == ERR_OK) {
        buf_u8(&b, 0);
        at = strstr((const char *)b.data, "VmRSS:");
        kib = at == NULL ? 0 : strtoul(at + 6, NULL, 10);
    }
    buf_clear(&b);
    return kib;
}

static void
row(const char *what, double value, const char *unit)
{
    printf("%-52s %12.2f %s\n", what, value, unit);
    fflush(stdout);
}

static enum err
put(void *arg, const void *bytes, size_t len)
{
    buf_put(arg, bytes, len);
    return buf_status(arg);
}

struct reading {
    const struct buf *b;
    size_t at;
};

static enum err
get(void *arg, void *bytes, size_t len)
{
    struct reading *r = arg;

    if (len > r->b->len - r->at)
        return ERR_MALFORMED;
    memcpy(bytes, r->b->data + r->at, len);
    r->at += len;
    return ERR_OK;
}

static void
finish(struct audit *a, uint64_t size)
{
    struct head h = head_at(size);
    struct audit_sum s;

    check(audit_close(a, &h) == ERR_OK, "close");
    check(audit_finish(a) == ERR_OK, "finish");
    audit_result(a, &s);
    if (s.findings > 0)
        fprintf(stderr, "%s\n", audit_finding_at(a, 0)->text);
    check(s.findings == 0, "an honest log has findings");
}

static void
show(const struct audit *a)
{
    const struct audit_choice all = {.to_ms = UINT64_MAX};
    struct head h = head_at(g.n);
    struct audit_view v;
    uint64_t start = clock_mono_ms();

    check(audit_view_make(a, &all, "relay.test", &h, &v) == ERR_OK, "view");
    row("  the view of it", seconds_since(start), "s");
    audit_view_clear(&v);
}

static void
full(unsigned helpers, const struct dir_agency *self)
{
    struct audit_options o = options(helpers, self);
    unsigned long before = resident_kib();
    double busy = processor_s();
    uint64_t start = clock_mono_ms();
    struct audit *a = audit_new(&o);
    char what[64];

    feed(a, g.n);
    finish(a, g.n);
    (void)snprintf(what, sizeof(what), "full audit, %u thread%s", helpers + 1,
                   helpers == 0 ? "" : "s");
    row(what, seconds_since(start), "s");
    row("  time of all processors together", processor_s() - busy, "s");
    row("  memory", (double)(resident_kib() - before) / 1024.0, "MiB");
    show(a);
    audit_free(a);
}

/* The last hundredth is new. */
static void
incremental(unsigned helpers, const struct dir_agency *self)
{
    struct audit_options o = options(helpers, self);
    uint64_t cut = g.n - g.n / 100, start;
    struct head h = head_at(cut);
    struct audit *a = audit_new(&o);
    struct buf book = {0};
    struct reading r = {.b = &book};
    struct book_source source = {get, &r};
    struct book_sink sink = {put, &book};
    enum book_fit fit;

    feed(a, cut);
    check(audit_close(a, &h) == ERR_OK, "close");
    start = clock_mono_ms();
    check(audit_book_write(a, &h, &sink) == ERR_OK, "book");
    row("to keep it", seconds_since(start), "s");
    row("  its size", (double)book.len / 1048576.0, "MiB");
    audit_free(a);
    start = clock_mono_ms();
    check(audit_book_open(&o, &source, &a, &h, &fit) == ERR_OK, "book");
    row("to take it up again", seconds_since(start), "s");
    feed(a, g.n);
    finish(a, g.n);
    row("  and audit the last hundredth", seconds_since(start), "s");
    audit_free(a);
    buf_clear(&book);
}

/* What the machine can do at best. */
static void
floor_of(unsigned helpers)
{
    enum { N = 2000 };
    uint64_t start = clock_mono_ms();
    struct rcpt r = {.outcome = OUTCOME_OPENED, .opened = {{1}}};
    uint8_t bytes[RCPT_LEN];
    double per_s;

    check(rcpt_sign(bytes, &r, &g.net.devices[0].sign) == ERR_OK, "sign");
    for (unsigned i = 0; i < N; i++)
        check(rcpt_verify(bytes, &g.net.devices[0].sign.pub) == ERR_OK, "bad");
    per_s = N / seconds_since(start);
    row("signatures verified one by one", per_s, "/s and processor");
    row("  so that those of this log take at least",
        (double)g.signatures / per_s / (helpers + 1), "s");
}

int
main(int argc, char **argv)
{
    size_t want = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    unsigned helpers = pool_helpers();
    struct sign_secret root;
    struct statement st;
    struct agency_id id;

    check(crypto_init() == ERR_OK, "crypto");
    make_network();
    net_sign_key(&g.net, &root);
    net_fill_admit(&g.net, &st, &root, "Auditors", CLASS_AUDITOR);
    st.body.admit.services = text_ref("scope agencies=* from=* to=*");
    check(net_log_registrar(&g.net, &st).effect == DIR_APPLIED, "auditor");
    agency_id_of(&id, &root.pub);
    make_log(want);
    row("entries", (double)g.n, "");
    row("  signatures behind them", (double)g.signatures, "");
    floor_of(helpers);
    full(helpers, directory_agency(g.net.dir, &id));
    if (helpers > 0)
        full(0, directory_agency(g.net.dir, &id));
    incremental(helpers, directory_agency(g.net.dir, &id));
    logtree_clear(&g.tree);
    net_clear(&g.net);
    free(g.e);
    return 0;
}

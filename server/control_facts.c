#include "server/control_facts.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "server/cosigning.h"
#include "server/publish.h"
#include "server/relay.h"

/* Facts of one metric stand together; "" as HELP: that of the one before. */
struct fact {
    const char *key;    /* for status */
    const char *metric; /* "sealpost_" is put before it; _total: a counter */
    const char *labels;
    const char *help;
    uint64_t value;
};

typedef void write_fn(struct buf *out, const struct fact *f);

static void
plain(struct buf *out, const struct fact *f)
{
    buf_printf(out, "%s=%" PRIu64 "\n", f->key, f->value);
}

static void
prometheus(struct buf *out, const struct fact *f)
{
    const char *end = strrchr(f->metric, '_');
    bool is_counter = end != NULL && strcmp(end, "_total") == 0;

    if (f->help[0] != '\0')
        buf_printf(out,
                   "# HELP sealpost_%s %s\n"
                   "# TYPE sealpost_%s %s\n",
                   f->metric, f->help, f->metric,
                   is_counter ? "counter" : "gauge");
    buf_printf(out, "sealpost_%s%s %" PRIu64 "\n", f->metric, f->labels,
               f->value);
}

static void
write_all(struct buf *out, write_fn *write, const struct fact *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        write(out, &f[i]);
}

#define WRITE(...)                                                             \
    write_all(out, write, (const struct fact[]){__VA_ARGS__},                  \
              sizeof((const struct fact[]){__VA_ARGS__}) /                     \
                  sizeof(struct fact))

static void
write_packets(const struct store_counts *c, write_fn *write, struct buf *out)
{
    const struct store_tally *p = &c->packets, *own = &c->own_copies;
    static const char m[] = "packets_total", o[] = "own_copies_total";

    WRITE({"stored", m, "{event=\"stored\"}",
           "Packets for another agency, by what became of them.", p->stored},
          {"handed_over", m, "{event=\"handed_over\"}", "", p->handed_over},
          {"refused", m, "{event=\"refused\"}", "", p->refused},
          {"withdrawn", m, "{event=\"withdrawn\"}", "", p->withdrawn},
          {"expired", m, "{event=\"expired\"}", "", p->expired});
    WRITE({"pending", "packets_pending", "",
           "Packets that nothing final has happened to.", p->pending},
          {"pending_bytes", "packets_pending_bytes", "",
           "Ciphertext of packets that are pending.", p->pending_bytes});
    WRITE(
        {"own_stored", o, "{event=\"stored\"}",
         "Copies that agencies sent to themselves, in the same way.",
         own->stored},
        {"own_handed_over", o, "{event=\"handed_over\"}", "", own->handed_over},
        {"own_refused", o, "{event=\"refused\"}", "", own->refused},
        {"own_withdrawn", o, "{event=\"withdrawn\"}", "", own->withdrawn},
        {"own_expired", o, "{event=\"expired\"}", "", own->expired});
    WRITE({"own_pending", "own_copies_pending", "",
           "Own copies that nothing final has happened to.", own->pending});
}

static void
write_store(const struct store_counts *c, const struct store_thread_stats *w,
            write_fn *write, struct buf *out)
{
    WRITE({"delivery_log_size", "log_entries", "{log=\"delivery\"}",
           "Entries in a log.", c->log_size[STORE_DELIVERY]},
          {"directory_log_size", "log_entries", "{log=\"directory\"}", "",
           c->log_size[STORE_DIRECTORY]},
          {"attachments", "attachments", "", "Attachments held.", c->blobs},
          {"attachment_bytes", "attachments_bytes", "",
           "Ciphertext of the attachments held.", c->blob_bytes},
          {"joins_waiting", "joins_waiting", "",
           "Applications that no registrar has decided.", c->joins_waiting},
          {"database_bytes", "database_bytes", "", "Size of the database file.",
           c->database_bytes});
    WRITE({"commits_total", "commits_total", "",
           "Transactions of the writer since start.", w->batches},
          {"operations_total", "operations_total", "",
           "Operations in these transactions.", w->ops},
          {"queue_operations", "queue_operations", "",
           "Operations waiting or under way.", w->waiting},
          {"queue_bytes", "queue_bytes", "", "Their bytes.", w->waiting_bytes},
          {"writer_busy_s", "writer_busy_seconds", "",
           "How long the transaction under way has taken so far.",
           w->busy_ms / 1000},
          {"disk_full", "disk_full", "",
           "1 when the last transaction found no room on the disk.",
           w->is_disk_full});
}

static void
write_network(const struct relay *r, write_fn *write, struct buf *out)
{
    const struct relay_stats *s = &r->stats;

    WRITE({"sessions", "sessions", "", "Connections of clients.",
           r->session_count},
          {"mailbox_sessions", "mailbox_sessions", "",
           "Devices that collect now.", r->mailrooms.count},
          {"accepted_total", "connections_accepted_total", "",
           "Connections taken since start.", s->accepted},
          {"turned_away_total", "connections_turned_away_total", "",
           "Connections above a bound.", s->turned_away},
          {"handshakes_total", "handshakes_total", "",
           "Handshakes that ended well.", s->handshakes},
          {"messages_total", "messages_total", "", "Messages of clients.",
           s->messages},
          {"errors_total", "errors_total", "", "Messages answered by an error.",
           s->errors},
          {"delivered_total", "deliveries_total", "",
           "Packets handed to a device, again and again until receipted.",
           s->delivered},
          {"uptime_s", "uptime_seconds", "", "Since the relay started.",
           (clock_mono_ms() - r->started_ms) / 1000});
}

static void
write_published(const struct relay *r, write_fn *write, struct buf *out)
{
    struct publish_stats p = publish_stats(r->publish);

    WRITE({"publish_behind", "publish_behind_entries", "",
           "Entries that no published checkpoint covers yet.",
           p.behind[STORE_DELIVERY] + p.behind[STORE_DIRECTORY]},
          {"publish_failing", "publish_failing", "",
           "1 when the last attempt to publish failed.", p.is_failing});
}

static uint64_t
age_s(uint64_t time_s)
{
    uint64_t now_s = clock_wall_ms() / 1000;

    return now_s > time_s ? now_s - time_s : 0;
}

/* Nothing without a policy; no age where there was never a quorum. */
static void
write_witnesses(const struct relay *r, write_fn *write, struct buf *out)
{
    static const char m[] = "quorum_age_seconds";
    static const char help[] = "Since the witnesses' quorum on a head.";
    struct cosigning_stats w;
    uint64_t delivery, directory;

    if (!cosigning_stats(r->cosigning, &w))
        return;
    delivery = w.quorum_time_s[STORE_DELIVERY];
    directory = w.quorum_time_s[STORE_DIRECTORY];
    WRITE(
        {"witnesses", "witnesses", "", "Witnesses of the policy.", w.witnesses},
        {"witnesses_reachable", "witnesses_reachable", "",
         "Those heard of lately.", w.reachable},
        {"cosignatures_total", "cosignatures_total", "",
         "Cosignatures taken since start.", w.cosignatures});
    if (directory != 0)
        WRITE({"directory_quorum_age_s", m, "{log=\"directory\"}", help,
               age_s(directory)});
    if (delivery != 0)
        WRITE({"delivery_quorum_age_s", m, "{log=\"delivery\"}",
               directory != 0 ? "" : help, age_s(delivery)});
}

static enum err
write_facts(struct relay *r, write_fn *write, struct buf *out)
{
    struct store_thread_stats w = store_thread_stats(r->writer);
    struct store_counts c;
    enum err rc = store_counts(r->reader, &c);

    if (rc != ERR_OK)
        return rc;
    write_packets(&c, write, out);
    write_store(&c, &w, write, out);
    write_network(r, write, out);
    write_published(r, write, out);
    write_witnesses(r, write, out);
    return buf_status(out);
}

enum err
control_status(struct relay *r, struct buf *out)
{
    return write_facts(r, plain, out);
}

enum err
control_metrics(struct relay *r, struct buf *out)
{
    return write_facts(r, prometheus, out);
}

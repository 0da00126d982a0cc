#include "server/listener.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/stream.h"
#include "server/relay.h"
#include "server/session.h"

enum {
    BACKLOG = 511,
    BURST_MS = 500, /* handshakes saved up at most, as time */
    WRITES_PER_MINUTE = 4,
    WRITERS_MAX = 4096, /* addresses remembered within a minute */
};

/* Counts live in the map's values themselves: pointers that are numbers and
 * never followed. */
static uintptr_t
count_of(const struct map *m, const struct address *a)
{
    return (uintptr_t)map_find(m, a->b);
}

static enum err
set_count(struct map *m, const struct address *a, uintptr_t n)
{
    (void)map_remove(m, a->b);
    return n == 0 ? ERR_OK : map_insert(m, a->b, (void *)n);
}

/* One handshake costs 1000/handshakes_per_s ms of credit; credit grows with
 * time and is bounded, so a quiet relay takes a burst and a busy one a rate. */
static bool
take_handshake(struct relay *r)
{
    uint64_t now = clock_mono_ms();
    uint64_t floor = now > BURST_MS ? now - BURST_MS : 0;
    uint64_t scale = r->conf.handshakes_per_s;

    /* handshake_credit_ms is in units of 1/scale ms. */
    if (r->handshake_credit_ms < floor * scale)
        r->handshake_credit_ms = floor * scale;
    if (r->handshake_credit_ms + 1000 > now * scale)
        return false;
    r->handshake_credit_ms += 1000;
    return true;
}

static void
on_accepted(void *arg, struct stream *st)
{
    struct relay *r = arg;
    struct address a;
    uintptr_t n;

    stream_peer_address(st, a.b);
    n = count_of(&r->addresses, &a);
    if (r->stopping || r->session_count >= r->conf.sessions_max ||
        n >= r->conf.sessions_per_address_max || !take_handshake(r) ||
        set_count(&r->addresses, &a, n + 1) != ERR_OK) {
        r->stats.turned_away++;
        stream_close(st, ERR_REFUSED);
        return;
    }
    r->stats.accepted++;
    if (session_open(r, st) == NULL)
        listener_forget(r, &a);
}

static void
on_failed(void *arg, enum err why)
{
    (void)arg;
    log_warn("accept: %s", err_text(why));
}

static const struct acceptor_events events = {
    .accepted = on_accepted,
    .failed = on_failed,
};

enum err
listener_open(struct relay *r, const char *host, uint16_t port, uint16_t *bound)
{
    enum err rc =
        acceptor_open(&r->acceptor, &r->loop, host, port, BACKLOG, &events, r);

    if (rc == ERR_OK)
        *bound = acceptor_port(r->acceptor);
    return rc;
}

void
listener_close(struct relay *r)
{
    if (r->acceptor != NULL)
        acceptor_close(r->acceptor);
    r->acceptor = NULL;
}

void
listener_forget(struct relay *r, const struct address *a)
{
    uintptr_t n = count_of(&r->addresses, a);

    if (n > 0)
        (void)set_count(&r->addresses, a, n - 1);
}

bool
listener_may_write(struct relay *r, const struct address *a)
{
    uint64_t minute = clock_mono_ms() / 60000;
    uintptr_t n;

    if (minute != r->writers_minute) {
        map_clear(&r->writers);
        r->writers_minute = minute;
    }
    n = count_of(&r->writers, a);
    return n < WRITES_PER_MINUTE && r->writers.count < WRITERS_MAX &&
           set_count(&r->writers, a, n + 1) == ERR_OK;
}

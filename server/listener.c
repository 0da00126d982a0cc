#include "server/listener.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/stream.h"
#include "proto/limits.h"
#include "server/relay.h"
#include "server/session.h"

enum {
    BACKLOG = 511,
    BURST_MS = 500, /* handshakes saved up at most, as time */
    WRITES_PER_MINUTE = 4,
    WRITERS_MAX = 4096, /* addresses remembered within a minute */
};

void
address_of_customer(struct address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (memcmp(a->b, mapped, sizeof(mapped)) != 0)
        memset(a->b + 8, 0, 8);
}

/* Counts live in the map's values themselves: pointers that are numbers and
 * never followed. */
static uintptr_t
count_of(const struct map *m, const uint8_t key[16])
{
    return (uintptr_t)map_find(m, key);
}

static enum err
set_count(struct map *m, const uint8_t key[16], uintptr_t n)
{
    (void)map_remove(m, key);
    return n == 0 ? ERR_OK : map_insert(m, key, (void *)n);
}

static void
one_less(struct map *m, const uint8_t key[16])
{
    uintptr_t n = count_of(m, key);

    if (n > 0)
        (void)set_count(m, key, n - 1);
}

/* One handshake costs 1000/handshakes_per_s ms of credit; credit grows with
 * time and is bounded, so a quiet relay takes a burst and a busy one a rate. */
static bool
take_handshake(struct relay *r)
{
    uint64_t scale = r->conf.handshakes_per_s;
    uint64_t now = clock_mono_ms() * scale;
    uint64_t burst = BURST_MS * scale < 1000 ? 1000 : BURST_MS * scale;

    /* handshake_credit_ms is in units of 1/scale ms. */
    if (now > burst && r->handshake_credit_ms < now - burst)
        r->handshake_credit_ms = now - burst;
    if (r->handshake_credit_ms + 1000 > now)
        return false;
    r->handshake_credit_ms += 1000;
    return true;
}

/* A tenth is for devices alone.  Who they are is known only after a handshake,
 * so the newest connection always gets its chance: the guest that has been
 * here longest makes room for it. */
static bool
find_room(struct relay *r)
{
    uint64_t max = r->conf.sessions_max;
    struct list_node *oldest = list_first(&r->guests);

    if (r->session_count < max && r->guest_count < max - max / 10)
        return true;
    if (oldest == NULL)
        return false;
    r->stats.turned_away++;
    session_drop(session_from_guest(oldest), ERR_REFUSED);
    return true;
}

static void
on_accepted(void *arg, struct stream *st)
{
    struct relay *r = arg;
    struct address a;
    uintptr_t n;

    stream_peer_address(st, a.b);
    address_of_customer(&a);
    n = count_of(&r->addresses, a.b);
    if (r->stopping || n >= r->conf.sessions_per_address_max ||
        !take_handshake(r) || !find_room(r) ||
        set_count(&r->addresses, a.b, n + 1) != ERR_OK) {
        r->stats.turned_away++;
        /* Reset: an end without a word is what a wrong key gets. */
        stream_reset(st, ERR_REFUSED);
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
    one_less(&r->addresses, a->b);
}

bool
listener_take_device(struct relay *r, const struct device_id *id)
{
    uintptr_t n = count_of(&r->devices, id->b);

    return n < LIMIT_DEVICE_SESSIONS &&
           set_count(&r->devices, id->b, n + 1) == ERR_OK;
}

void
listener_leave_device(struct relay *r, const struct device_id *id)
{
    one_less(&r->devices, id->b);
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
    n = count_of(&r->writers, a->b);
    return n < WRITES_PER_MINUTE && r->writers.count < WRITERS_MAX &&
           set_count(&r->writers, a->b, n + 1) == ERR_OK;
}

/*
 * bench_send.c - packets of 4 KiB stored a second by a whole relay, over 1, 16
 * and 64 connections that each send the next one when LOGGED has come.  Relay
 * and clients share a process and a loop, so the figures are for comparing two
 * builds (tests/bench/against.sh), not for boasting.
 *
 *   build/tests/bench/bench_send [PACKETS]     for each, default 4096
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/relay_rig.h"

enum { DEVICES = 32, EACH = 2, CONNECTIONS = DEVICES * EACH };

struct sender {
    struct client *client;
    uint32_t req;
    uint64_t since_ms;
    bool waits;
};

static struct rig rig;
static unsigned next_packet;
static uint64_t *took_ms;

static void
send_one(struct sender *s)
{
    static const unsigned hub[] = {1, 2};
    struct parcel p;

    parcel_make(&rig, &p, next_packet, 1, hub, 2);
    memcpy(p.h.packet.b + 4, &next_packet, sizeof(next_packet));
    parcel_encode(&p, next_packet++);
    s->since_ms = clock_mono_ms();
    s->req = client_say_send(s->client, &p);
    s->waits = true;
    parcel_clear(&p);
}

static int
by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void
measure(struct sender *senders, unsigned n, unsigned packets)
{
    uint64_t start = clock_mono_ms(), ms;
    unsigned sent = 0, done = 0;
    clock_t used = clock();

    while (done < packets) {
        for (unsigned i = 0; i < n; i++) {
            struct sender *s = &senders[i];

            if (s->waits &&
                client_take(s->client, MSG_LOGGED, s->req) != NULL) {
                took_ms[done++] = clock_mono_ms() - s->since_ms;
                s->waits = false;
            }
            if (!s->waits && sent < packets && ++sent > 0)
                send_one(s);
        }
        if (done < packets)
            rig_turn(&rig);
    }
    ms = clock_mono_ms() - start + 1;
    used = clock() - used;
    qsort(took_ms, packets, sizeof(took_ms[0]), by_number);
    printf("packets stored over %2u connections %10.0f /s   p50 %llu ms, "
           "p99 %llu ms, processor %.3f ms each\n",
           n, packets * 1000.0 / (double)ms,
           (unsigned long long)took_ms[packets / 2],
           (unsigned long long)took_ms[packets * 99 / 100],
           (double)used * 1000 / CLOCKS_PER_SEC / packets);
    (void)fflush(stdout);
}

static void
bench(void **state)
{
    unsigned packets = *(unsigned *)*state;
    struct sender senders[CONNECTIONS] = {0};
    unsigned agency, device[DEVICES];

    took_ms = calloc(packets, sizeof(*took_ms));
    rig_init(&rig);
    agency = net_agency(&rig.net, "Busy House", CLASS_NON_STATUTORY);
    for (int i = 0; i < DEVICES; i++)
        device[i] = net_device(&rig.net, agency, "desk");
    rig_start(&rig, "[quota]\npending_packets = 1000000\n"
                    "[log]\nlevel = error\n");
    for (int i = 1; i <= 2; i++) {
        struct client *c = client_greet(&rig, i, 0);

        client_put_prekey(c, (unsigned)i);
        client_close(c);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        senders[i].client = client_greet(&rig, (int)device[i / EACH], 0);
    measure(senders, 1, packets / 16);
    measure(senders, 16, packets);
    measure(senders, 64, packets);
    rig_stop(&rig);
    free(took_ms);
}

int
main(int argc, char **argv)
{
    unsigned packets = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4096;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(bench, &packets),
    };

    if (packets < 64)
        packets = 64;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * bench.c - what things cost, as ratios within one run: against the disk's own
 * sync, against the bare AEAD, against the empty store.  Absolute figures are
 * this machine's and today's; the ratios travel.
 *
 *   build/tests/bench/bench [PACKETS]      default 4096
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/os.h"
#include "proto/chunked.h"
#include "proto/crypto.h"
#include "proto/hpke.h"
#include "tests/lib/store_fixture.h"

static double
seconds_since(uint64_t start_ms)
{
    uint64_t ms = clock_mono_ms() - start_ms;

    return (double)(ms == 0 ? 1 : ms) / 1000.0;
}

static void
row(const char *what, double value, const char *unit, const char *ratio)
{
    printf("%-46s %12.1f %-10s %s\n", what, value, unit, ratio);
}

/* ---- the disk ---- */

static double
bare_syncs_per_s(const char *dir)
{
    enum { SYNCS = 200 };
    char path[OS_PATH_MAX];
    uint8_t page[8192] = {1};
    uint64_t start;
    int fd = -1;

    if (os_path_join(path, sizeof(path), dir, "bare") != ERR_OK ||
        os_create_exclusive(&fd, path, 0600) != ERR_OK)
        abort();
    start = clock_mono_ms();
    for (uint64_t i = 0; i < SYNCS; i++)
        if (os_pwrite(fd, page, sizeof(page), i * sizeof(page)) != ERR_OK ||
            os_fdatasync(fd) != ERR_OK)
            abort();
    os_close(&fd);
    return SYNCS / seconds_since(start);
}

/* ---- the store ---- */

static void
apply_batch(struct fixture *fx, unsigned first, unsigned n)
{
    struct fx_packet *p = calloc(n, sizeof(*p));
    struct store_op *op = calloc(n, sizeof(*op));
    struct store_op **ops = calloc(n, sizeof(*ops));

    if (p == NULL || op == NULL || ops == NULL)
        abort();
    for (unsigned i = 0; i < n; i++) {
        fx_packet_init(fx, &p[i], first + i, 48);
        fx_packet_op(&p[i], &op[i]);
        op[i].now_ms = fx->now_ms;
        ops[i] = &op[i];
    }
    if (store_apply(fx->st, ops, n) != ERR_OK)
        abort();
    for (unsigned i = 0; i < n; i++) {
        if (op[i].result.why != STORE_OK) {
            fprintf(stderr, "packet %u: %s\n", first + i,
                    store_why_text(op[i].result.why));
            abort();
        }
        store_op_clear(&op[i]);
        fx_packet_clear(&p[i]);
    }
    free(p);
    free(op);
    free(ops);
}

static double
stored_per_s(struct fixture *fx, unsigned *next, unsigned total, unsigned batch)
{
    uint64_t start = clock_mono_ms();

    for (unsigned done = 0; done < total; done += batch) {
        apply_batch(fx, *next, batch);
        *next += batch;
    }
    return total / seconds_since(start);
}

static void
bench_store(unsigned packets)
{
    struct fixture fx = {0};
    unsigned next = 1000;
    char ratio[80];
    double syncs, one, many, early, late;
    uint64_t start;

    fx_open(&fx);
    syncs = bare_syncs_per_s(fx.dir);
    row("bare 8 KiB write + fdatasync", syncs, "/s", "1 (the disk)");
    one = stored_per_s(&fx, &next, 200, 1);
    (void)snprintf(ratio, sizeof(ratio), "%.2f of the bare sync", one / syncs);
    row("packets stored, one a commit", one, "/s", ratio);
    many = stored_per_s(&fx, &next, 2048, 64);
    (void)snprintf(ratio, sizeof(ratio), "%.1f times one a commit", many / one);
    row("packets stored, 64 a commit", many, "/s", ratio);
    early = stored_per_s(&fx, &next, 1024, 64);
    (void)stored_per_s(&fx, &next, packets - packets % 64, 64);
    late = stored_per_s(&fx, &next, 1024, 64);
    (void)snprintf(ratio, sizeof(ratio), "%.2f of the rate %u packets ago",
                   late / early, packets);
    row("packets stored, as the store grows", late, "/s", ratio);
    start = clock_mono_ms();
    fx_reopen(&fx);
    (void)snprintf(ratio, sizeof(ratio), "with %u packets waiting",
                   next - 1000);
    row("restart", seconds_since(start) * 1000, "ms", ratio);
    fx_close(&fx);
}

/* ---- sealing ---- */

static void
bench_sealing(void)
{
    enum { LEN = 64 << 20 };
    uint8_t key[32] = {7};
    uint8_t nonce[12] = {0};
    uint8_t *plain = calloc(1, LEN + 64);
    uint8_t *out = malloc(LEN + 64);
    struct chunked c;
    uint8_t header[CHUNKED_HEADER_LEN];
    double bare, ours;
    char ratio[80];
    uint64_t start;

    if (plain == NULL || out == NULL)
        abort();
    aead_seal(out, key, nonce, NULL, 0, plain, LEN); /* touch the memory */
    start = clock_mono_ms();
    aead_seal(out, key, nonce, NULL, 0, plain, LEN);
    bare = LEN / 1e6 / seconds_since(start);
    row("ChaCha20-Poly1305, one piece", bare, "MB/s", "1 (the cipher)");
    start = clock_mono_ms();
    chunked_seal_init(&c, key, "bench", 5, NULL, header);
    for (uint64_t i = 0; i <= LEN / CHUNKED_PLAIN_LEN; i++) {
        size_t at = (size_t)i * CHUNKED_PLAIN_LEN;
        size_t n = LEN - at < CHUNKED_PLAIN_LEN ? LEN - at : CHUNKED_PLAIN_LEN;

        if (chunked_seal_chunk(&c, i, plain + at, n, n < CHUNKED_PLAIN_LEN,
                               out) != ERR_OK)
            abort();
    }
    ours = LEN / 1e6 / seconds_since(start);
    (void)snprintf(ratio, sizeof(ratio), "%.2f of the cipher", ours / bare);
    row("sealing an attachment in chunks", ours, "MB/s", ratio);
    free(plain);
    free(out);
}

static void
bench_wraps(void)
{
    enum { WRAPS = 2000 };
    uint8_t seed[32] = {9};
    uint8_t cek[32] = {1};
    uint8_t wrap[1168];
    struct kem_key pk;
    struct sign_secret sk;
    struct sig sig;
    uint64_t start;
    double wraps;
    double signs;
    char ratio[80];

    kem_keypair(&pk, seed);
    sign_keypair_from_seed(&sk, seed);
    start = clock_mono_ms();
    for (int i = 0; i < WRAPS; i++)
        sign_raw(&sig, &sk, cek, sizeof(cek));
    signs = WRAPS / seconds_since(start);
    row("Ed25519 signatures", signs, "/s", "1 (one signature)");
    start = clock_mono_ms();
    for (int i = 0; i < WRAPS; i++)
        if (hpke_wrap(wrap, &pk, "bench", 5, cek, sizeof(cek)) != ERR_OK)
            abort();
    wraps = WRAPS / seconds_since(start);
    (void)snprintf(ratio, sizeof(ratio), "%.1f signatures each", signs / wraps);
    row("wraps to one device (HPKE, X-Wing)", wraps, "/s", ratio);
}

int
main(int argc, char **argv)
{
    unsigned packets = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4096;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (crypto_init() != ERR_OK)
        return 1;
    bench_sealing();
    bench_wraps();
    bench_store(packets < 64 ? 64 : packets);
    return 0;
}

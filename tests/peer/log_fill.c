/*
 * log_fill.c - makes the delivery log of a relay that does not run as long as a
 * scenario wants it, and publishes it with the relay's own code when asked to.
 *
 *   log_fill DIR SIZE [BATCH [BEAT_MS]]
 *
 * DIR holds the keys (`sealpostd init`).  With BEAT_MS: appends a batch of
 * BATCH entries every 20 ms, publishes on the beat, and ends when the
 * checkpoint file has SIZE entries.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

#include "common/log.h"
#include "common/os.h"
#include "server/keys.h"
#include "server/publish.h"
#include "tests/lib/log_fixture.h"

enum { TICK_MS = 20 };

struct fill {
    struct store *st;
    struct publish *publish;
    char checkpoint[OS_PATH_MAX];
    uint64_t size;
    unsigned batch;
    uv_timer_t tick;
    enum err rc;
};

static int
fail(const char *what, const char *why)
{
    fprintf(stderr, "log_fill: %s: %s\n", what, why);
    return 1;
}

static enum err
open_store(const char *dir, const struct relay_keys *keys, struct store **out)
{
    struct store_config cfg = {
        .dir = dir,
        .log_key = &keys->log,
        .directory_origin = keys->directory_origin,
        .delivery_origin = keys->delivery_origin,
    };
    char why[512];
    enum err rc = store_open(&cfg, out, why, sizeof(why));

    if (rc != ERR_OK)
        (void)fail(dir, why);
    return rc;
}

static bool
is_all_published(const struct fill *f)
{
    struct publish_stats s = publish_stats(f->publish);
    struct head head;

    return publish_head(f->publish, STORE_DELIVERY, &head) &&
           head.size >= f->size && s.behind[STORE_DELIVERY] == 0 &&
           os_exists(f->checkpoint);
}

static void
on_tick(uv_timer_t *t)
{
    struct fill *f = t->data;
    bool is_full = log_fill_size(f->st) >= f->size;

    if (!is_full)
        f->rc = log_fill_batch(f->st, f->size, f->batch);
    if (f->rc == ERR_OK && !(is_full && is_all_published(f)))
        return;
    uv_close((uv_handle_t *)t, NULL);
    publish_close(f->publish);
}

static int
fill_and_publish(struct fill *f, const char *dir, uint64_t beat_ms)
{
    struct publish_options opt = {
        .data_dir = dir,
        .beat_ms = beat_ms,
        .files_of = {[STORE_DELIVERY] = true},
    };
    char why[512];
    uv_loop_t loop;

    if (os_path_join(f->checkpoint, sizeof(f->checkpoint), dir,
                     "public/delivery/checkpoint") != ERR_OK)
        return fail("publish", "path too long");
    (void)uv_loop_init(&loop);
    if (publish_open(&loop, f->st, &opt, &f->publish, why, sizeof(why)) !=
        ERR_OK)
        return fail("publish", why);
    (void)uv_timer_init(&loop, &f->tick);
    f->tick.data = f;
    (void)uv_timer_start(&f->tick, on_tick, TICK_MS, TICK_MS);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return 0;
}

int
main(int argc, char **argv)
{
    struct fill f = {.batch = LOG_FILL_BATCH};
    struct relay_keys *keys;
    int code = 0;

    if (argc < 3)
        return fail("usage", "log_fill DIR SIZE [BATCH [BEAT_MS]]");
    log_open(LOG_LEVEL_INFO, "log_fill");
    os_private_files();
    if (crypto_init() != ERR_OK || keys_load(argv[1], &keys) != ERR_OK)
        return fail(argv[1], "holds no relay");
    f.size = strtoull(argv[2], NULL, 10);
    if (argc > 3)
        f.batch = (unsigned)strtoul(argv[3], NULL, 10);
    if (open_store(argv[1], keys, &f.st) != ERR_OK)
        return 1;
    if (argc > 4)
        code = fill_and_publish(&f, argv[1], strtoull(argv[4], NULL, 10));
    else
        f.rc = log_fill(f.st, f.size, f.batch);
    if (f.rc != ERR_OK)
        code = fail(argv[1], err_text(f.rc));
    printf("%" PRIu64 "\n", log_fill_size(f.st));
    store_close(f.st);
    keys_free(keys);
    return code;
}

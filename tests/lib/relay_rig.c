#include "tests/lib/relay_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/os.h"
#include "server/session.h"
#include "server/statements.h"
#include "tests/lib/relay_client.h"
#include "tests/lib/scratch.h"

enum { NOTHING_HAPPENS_MS = 10000 };

/* ---- a data directory ---- */

static void
auditor_with_scope(struct net *net)
{
    struct statement st;

    net_desk(net, "City Auditor", CLASS_AUDITOR);
    net_fill_admit(net, &st, &net->agencies[AUDITOR].root, "City Auditor",
                   CLASS_AUDITOR);
    st.body.admit.services = text_ref("scope agencies=* from=* to=*");
    assert_int_equal(net_log_registrar(net, &st).effect, DIR_APPLIED);
}

void
rig_init(struct rig *rig)
{
    unsigned hub[2];

    memset(rig, 0, sizeof(*rig));
    net_init(&rig->net);
    rig->net.now_s = clock_wall_ms() / 1000;
    net_desk(&rig->net, "North Shelter", CLASS_NON_STATUTORY);
    net_agency(&rig->net, "City Hub", CLASS_STATUTORY);
    hub[0] = net_device(&rig->net, HUB, "desk 1");
    hub[1] = net_device(&rig->net, HUB, "desk 2");
    net_mailbox(&rig->net, HUB, "intake", hub, 2);
    auditor_with_scope(&rig->net);
    net_desk(&rig->net, "Registry", CLASS_REGISTRAR);
    net_desk(&rig->net, "Old Church", CLASS_PARTNER);
}

static void
write_file(const struct rig *rig, const char *name, const void *bytes,
           size_t len, char path[OS_PATH_MAX])
{
    assert_int_equal(os_path_join(path, OS_PATH_MAX, rig->dir, name), ERR_OK);
    assert_int_equal(os_write_file_atomic(path, bytes, len, 0600), ERR_OK);
}

/* As keys.c writes them, with the keys that the network's policy names. */
static void
write_keys(const struct rig *rig)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};

    buf_str(&b, "SPRELAY1");
    buf_put(&b, rig->net.relay_dh.b, 32);
    buf_put(&b, rig->net.log_key.seed, 32);
    buf_u8(&b, (uint8_t)strlen("relay.test"));
    buf_str(&b, "relay.test");
    write_file(rig, "keys", b.data, b.len, path);
    buf_clear(&b);
}

static void
found_network(const struct rig *rig)
{
    struct store_config cfg = {.dir = rig->dir,
                               .log_key = &rig->net.log_key,
                               .directory_origin = "relay.test/directory",
                               .delivery_origin = "relay.test/delivery"};
    struct directory *dir = directory_new(NULL);
    struct store *store = NULL;
    struct buf bundle = {0};
    char why[400] = "";

    stmt_bundle_start(&bundle);
    for (size_t i = 0; i < rig->net.n_leaves; i++)
        assert_int_equal(stmt_bundle_add(&bundle, rig->net.leaves[i].data,
                                         rig->net.leaves[i].len),
                         ERR_OK);
    assert_int_equal(store_open(&cfg, &store, why, sizeof(why)), ERR_OK);
    if (statements_genesis(store, dir, bundle.data, bundle.len, why,
                           sizeof(why)) != ERR_OK)
        fail_msg("genesis: %s", why);
    store_close(store);
    directory_free(dir);
    buf_clear(&bundle);
}

static void
prepare(struct rig *rig, const char *conf)
{
    char path[OS_PATH_MAX];

    if (rig->dir == NULL) {
        rig->dir = scratch_new();
        write_keys(rig);
        found_network(rig);
    }
    free(rig->config);
    rig->config = NULL;
    if (conf == NULL)
        return;
    write_file(rig, "sealpostd.conf", conf, strlen(conf), path);
    rig->config = strdup(path);
}

/* ---- life ---- */

enum err
rig_open(struct rig *rig, const char *conf, char why[512])
{
    struct relay_options opt = {.listen = "127.0.0.1:0", .ready_fd = -1};
    enum err rc;
    FILE *f;
    char path[OS_PATH_MAX];
    unsigned port = 0;

    prepare(rig, conf);
    opt.data_dir = rig->dir;
    opt.config_path = rig->config;
    rc = relay_open(&rig->relay, &opt, why, 512);
    rig->running = true;
    if (rc != ERR_OK)
        return rc;
    assert_int_equal(os_path_join(path, sizeof(path), rig->dir, "run/address"),
                     ERR_OK);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "127.0.0.1:%u", &port), 1);
    (void)fclose(f);
    rig->port = (uint16_t)port;
    statements_finish_joins(&rig->relay); /* as relay_run does */
    return ERR_OK;
}

void
rig_start(struct rig *rig, const char *conf)
{
    char why[512] = "";

    if (rig_open(rig, conf, why) != ERR_OK)
        fail_msg("relay_open: %s", why);
    rig->turns = 0;
}

void
rig_halt(struct rig *rig)
{
    if (!rig->running)
        return;
    relay_stop(&rig->relay);
    for (int i = 0; i < RIG_CLIENTS; i++)
        client_close(rig->clients[i]);
    while (uv_loop_alive(&rig->relay.loop))
        rig_turn(rig);
    assert_int_equal(rig->relay.session_count, 0);
    assert_int_equal(rig->relay.addresses.count, 0);
    assert_int_equal(rig->relay.devices.count, 0);
    assert_int_equal(rig->relay.mailrooms.count, 0);
    relay_close(&rig->relay);
    rig->running = false;
}

void
rig_stop(struct rig *rig)
{
    rig_halt(rig);
    scratch_free(rig->dir);
    free(rig->config);
    net_clear(&rig->net);
    memset(rig, 0, sizeof(*rig));
}

static void
say(void *arg, const char *what)
{
    (void)arg;
    fprintf(stderr, "check: %s\n", what);
}

void
rig_stop_and_check(struct rig *rig)
{
    struct store_config cfg = {.dir = rig->dir,
                               .log_key = &rig->net.log_key,
                               .directory_origin = "relay.test/directory",
                               .delivery_origin = "relay.test/delivery"};
    struct store *store = NULL;
    unsigned findings = 0;

    rig_halt(rig);
    assert_int_equal(store_open(&cfg, &store, NULL, 0), ERR_OK);
    assert_int_equal(store_check(store, say, NULL, &findings), ERR_OK);
    store_close(store);
    assert_int_equal(findings, 0);
    rig_stop(rig);
}

/* ---- turning ---- */

static int
patience(struct rig *rig)
{
    int ms = uv_backend_timeout(&rig->relay.loop);

    return ms < 0 || ms > NOTHING_HAPPENS_MS ? NOTHING_HAPPENS_MS : ms;
}

void
rig_turn(struct rig *rig)
{
    struct pollfd fds[1 + RIG_CLIENTS];
    struct client *at[1 + RIG_CLIENTS];
    nfds_t n = 1;
    int timeout;

    rig->turns++;
    (void)uv_run(&rig->relay.loop, UV_RUN_NOWAIT);
    fds[0] = (struct pollfd){uv_backend_fd(&rig->relay.loop), POLLIN, 0};
    for (int i = 0; i < RIG_CLIENTS; i++) {
        struct client *c = rig->clients[i];

        if (c == NULL || c->fd < 0)
            continue;
        client_write(c);
        if (c->fd < 0)
            continue;
        fds[n] = (struct pollfd){c->fd, 0, 0};
        fds[n].events =
            (short)((c->is_deaf ? 0 : POLLIN) | (c->out.len > 0 ? POLLOUT : 0));
        at[n++] = c;
    }
    timeout = patience(rig);
    if (poll(fds, n, timeout) == 0 && timeout == NOTHING_HAPPENS_MS)
        fail_msg("nothing happens any more");
    for (nfds_t i = 1; i < n; i++)
        if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
            !at[i]->is_deaf)
            client_read(at[i]);
}

void
rig_log_newest(struct rig *rig, struct client *c)
{
    const struct buf *leaf = &rig->net.leaves[rig->net.n_leaves - 1];
    struct msg_field f[] = {
        [STMT_PUT_STMT] = msg_bin(leaf->data, leaf->len),
    };
    const struct msg *m = client_ask(c, MSG_STMT_PUT, f, 1);

    assert_int_equal(m->f[STMT_INDEX].u, rig->net.n_leaves - 1);
}

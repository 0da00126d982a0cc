/*
 * link_peer.c - one end of a channel on standard input and output, for
 * test_noise_live.py to talk to.  link_peer relay | client-xk | client-nk
 *
 * The relay sends back every message and blob it gets.  The client sends three
 * messages (and one blob over XK), wants each back, and says bye.  Keys and
 * names are fixed; the Python side has the same.  Standard error gets
 * the name of the error that ended the channel; exit status 0: it was bye.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/crypto.h"
#include "proto/link.h"

static const char relay_name[] = "relay.example";
static const struct dh_secret relay_secret = {{0x10, 1, 2, 3}};
static const struct dh_secret client_secret = {{0x20, 4, 5, 6}};

enum { BIG_LEN = 200000, NK_BIG_LEN = 16384, BLOB_LEN = 70000, BYE_CODE = 7 };

struct peer {
    struct link *link;
    bool is_client;
    bool is_nk;
    unsigned answers;
    size_t blob_len;
    bool wrong;
};

static uint8_t pattern[BIG_LEN];

static void
fill_pattern(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)(i * 251 + (i >> 8));
}

static size_t
len_of(const struct peer *p, unsigned i)
{
    return i == 0 ? 1 : i == 1 ? 121 : p->is_nk ? NK_BIG_LEN : BIG_LEN;
}

static void
check(struct peer *p, enum err rc)
{
    p->wrong = p->wrong || rc != ERR_OK;
}

static bool
on_who(void *arg, const struct link_peer *who)
{
    struct dh_key want;

    (void)arg;
    dh_public(&want, &client_secret);
    return id_eq(&who->key, &want) && who->agency.b[0] == 'A' &&
           who->device.b[15] == 'd';
}

static void
on_ready(void *arg)
{
    struct peer *p = arg;

    if (!p->is_client)
        return;
    for (unsigned i = 0; i < 3; i++)
        check(p, link_send_msg(p->link, pattern, len_of(p, i), 0));
    if (!p->is_nk)
        check(p, link_send_blob(p->link, 9, 1000, pattern, BLOB_LEN, 0));
}

static void
end_when_complete(struct peer *p)
{
    if (p->answers == 3 && p->blob_len == (p->is_nk ? 0 : BLOB_LEN))
        link_bye(p->link, BYE_CODE);
}

static void
on_message(void *arg, const uint8_t *bytes, size_t len)
{
    struct peer *p = arg;

    if (!p->is_client) {
        check(p, link_send_msg(p->link, bytes, len, 0));
        return;
    }
    if (p->answers > 2 || len != len_of(p, p->answers) ||
        memcmp(bytes, pattern, len) != 0)
        p->wrong = true;
    p->answers++;
    end_when_complete(p);
}

static void
on_blob(void *arg, uint32_t handle, uint64_t offset, const uint8_t *bytes,
        size_t len)
{
    struct peer *p = arg;

    if (!p->is_client) {
        check(p, link_send_blob(p->link, handle, offset, bytes, len, 0));
        return;
    }
    if (handle != 9 || offset != 1000 + p->blob_len ||
        len > BLOB_LEN - p->blob_len ||
        memcmp(bytes, pattern + p->blob_len, len) != 0)
        p->wrong = true;
    p->blob_len += len;
    end_when_complete(p);
}

static void
on_bye(void *arg, uint16_t code)
{
    struct peer *p = arg;

    p->wrong = p->wrong || code != BYE_CODE;
}

static const struct link_events events = {on_who, on_ready, on_message, on_blob,
                                          on_bye};

static bool
start(struct peer *p, const char *role)
{
    struct dh_key relay_key;
    struct link_relay_config relay = {&relay_secret, relay_name,
                                      1700000000123U};
    struct link_client_config client = {.suite = LINK_XK,
                                        .relay_key = &relay_key,
                                        .relay_name = relay_name,
                                        .agency = {"A"},
                                        .device = {"D23456789012345d"},
                                        .secret = &client_secret};

    dh_public(&relay_key, &relay_secret);
    p->is_client = strcmp(role, "relay") != 0;
    p->is_nk = strcmp(role, "client-nk") == 0;
    if (p->is_nk)
        client.suite = LINK_NK;
    p->link = p->is_client ? link_new_client(&client, &events, p, 0)
                           : link_new_relay(&relay, &events, p, 0);
    return p->link != NULL;
}

static bool
flush(struct link *l)
{
    struct buf *out = link_output(l);

    while (out->len > 0) {
        ssize_t n = write(STDOUT_FILENO, out->data, out->len);

        if (n <= 0)
            return false;
        buf_drop(out, (size_t)n);
    }
    return true;
}

static enum err
run(struct link *l)
{
    uint8_t in[4096];
    enum err rc = ERR_OK;

    while (flush(l) && rc == ERR_OK) {
        ssize_t n = read(STDIN_FILENO, in, sizeof(in));

        if (n <= 0)
            return ERR_IO;
        rc = link_feed(l, in, (size_t)n, 0);
    }
    flush(l);
    return rc;
}

int
main(int argc, char **argv)
{
    struct peer p = {0};
    enum err rc;

    fill_pattern();
    if (argc != 2 || crypto_init() != ERR_OK || !start(&p, argv[1]))
        return 2;
    rc = run(p.link);
    link_free(p.link);
    fprintf(stderr, "%s%s\n", err_name(rc), p.wrong ? " and wrong" : "");
    return rc == ERR_CLOSED && !p.wrong ? 0 : 1;
}

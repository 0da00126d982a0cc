/*
 * Any bytes into a link.  The first byte says which: bit 0 role, bit 1 suite,
 * bit 2 whether the rest is the raw stream of a new link or records of an open
 * one (each: u8 size class, head and bytes, sealed here), bits 3-7 the cut.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/link_priv.h"
#include "proto/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t heard;

static bool
on_who(void *arg, const struct link_peer *peer)
{
    (void)arg;
    return peer->agency.b[0] == 0;
}

static void
on_message(void *arg, const uint8_t *bytes, size_t len)
{
    struct link **l = arg;

    heard += len + bytes[len - 1];
    if (len > LINK_MSG_MAX)
        abort();
    if (len % 7 == 3)
        link_send_msg(*l, bytes, len < 5000 ? len : 5000, 0);
    if (bytes[0] == 'S')
        link_stop(*l);
}

static void
on_blob(void *arg, uint32_t handle, uint64_t offset, const uint8_t *bytes,
        size_t len)
{
    (void)arg;
    heard += handle + offset + bytes[len - 1];
}

static const struct link_events events = {
    .who = on_who, .message = on_message, .blob = on_blob};

static struct link *
make(unsigned flags, struct link **arg)
{
    static const struct dh_secret secret = {{7}};
    struct dh_key key;
    struct link_client_config c = {.suite = flags & 2 ? LINK_NK : LINK_XK,
                                   .relay_key = &key,
                                   .relay_name = "r",
                                   .secret = flags & 2 ? NULL : &secret};
    struct link_relay_config r = {.secret = &secret, .relay_name = "r"};

    dh_public(&key, &secret);
    return flags & 1 ? link_new_client(&c, &events, arg, 0)
                     : link_new_relay(&r, &events, arg, 0);
}

static void
feed(struct link *l, const uint8_t *p, size_t len, size_t cut)
{
    enum err rc = ERR_OK;

    while (len > 0 && rc == ERR_OK) {
        size_t n = len < cut ? len : cut;

        rc = link_feed(l, p, n, 1);
        p += n;
        len -= n;
    }
    if (rc != ERR_OK && link_feed(l, "again", 5, 1) != rc)
        abort();
}

/* Plaintexts of right sizes but any contents, under a key both know. */
static void
feed_records(struct link *l, const uint8_t *p, size_t left, size_t cut)
{
    static const size_t sizes[] = {128, 512, 2048, 8192, 32768, 65519};
    static uint8_t sealed[2 + 65535];
    struct noise_cipher c = {.has_key = true};

    l->state = OPEN;
    l->suite = l->suite == 0 ? LINK_XK : l->suite;
    l->send = l->recv = c;
    while (left > 1 && l->end == ERR_OK) {
        size_t size = sizes[*p % 6];
        size_t n = left - 1 < size ? left - 1 : size;

        memset(sealed, 0, sizeof(sealed));
        memcpy(sealed + 2, p + 1, n < 200 ? n : 200);
        sealed[0] = (uint8_t)((size + 16) >> 8);
        sealed[1] = (uint8_t)(size + 16);
        if (noise_seal(&c, sealed + 2, sealed + 2, size) != ERR_OK)
            abort();
        feed(l, sealed, 2 + size + 16, cut * 100);
        p += 1 + (n < 200 ? n : 200);
        left -= 1 + (n < 200 ? n : 200);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct link *l = NULL;
    size_t cut;

    if (size < 1)
        return 0;
    cut = 1 + (data[0] >> 3);
    l = make(data[0], &l);
    if (l == NULL)
        abort();
    if (data[0] & 4)
        feed_records(l, data + 1, size - 1, cut);
    else
        feed(l, data + 1, size - 1, cut);
    link_free(l);
    return 0;
}

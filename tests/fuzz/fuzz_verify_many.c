/*
 * Many signatures at once, some of them with changes (u8 which, u8 key,
 * signature or bytes, then tests/lib/patch.h): each gets libsodium's answer.
 */
#include <string.h>

#include "proto/crypto.h"
#include "proto/verify_many.h"
#include "tests/lib/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MANY = 26, KEYS = 3, LEN = 64 }; /* a few more than one by one */

static struct item {
    struct sign_key key;
    struct sig sig;
    uint8_t bytes[LEN];
} real[MANY];

static void
make_items(void)
{
    struct sign_secret secret[KEYS];

    must(crypto_init() == ERR_OK);
    for (uint8_t i = 0; i < KEYS; i++) {
        const uint8_t seed[32] = {1, i};

        sign_keypair_from_seed(&secret[i], seed);
    }
    for (size_t i = 0; i < MANY; i++) {
        memset(real[i].bytes, (int)i + 1, LEN);
        real[i].key = secret[i % KEYS].pub;
        sign_raw(&real[i].sig, &secret[i % KEYS], real[i].bytes, LEN);
    }
}

static bool
change(struct rd *in, struct item *items)
{
    struct item *i = &items[rd_u8(in) % MANY];
    unsigned what = rd_u8(in) % 3;
    uint8_t *p = what == 0 ? i->key.b : what == 1 ? i->sig.b : i->bytes;
    size_t len = what == 0 ? sizeof(i->key.b) : LEN;
    struct buf b = {0};
    bool more;

    buf_put(&b, p, len);
    more = patch_step(in, &b, len);
    memset(p, 0, len);
    if (b.len > 0)
        memcpy(p, b.data, b.len);
    buf_clear(&b);
    return more;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd in = rd_from(data, size);
    struct item items[MANY];
    struct signed_bytes all[MANY];

    if (real[0].bytes[0] == 0)
        make_items();
    memcpy(items, real, sizeof(items));
    while (change(&in, items))
        ;
    for (size_t i = 0; i < MANY; i++)
        all[i] = (struct signed_bytes){.sig = items[i].sig.b,
                                       .key = &items[i].key,
                                       .bytes = items[i].bytes,
                                       .len = LEN};
    verify_many(all, MANY);
    for (size_t i = 0; i < MANY; i++)
        must(all[i].holds == (verify_raw(&items[i].sig, &items[i].key,
                                         items[i].bytes, LEN) == ERR_OK));
    return 0;
}

/*
 * Evidence bundles: what parses is written back alike, and nobody is made to
 * have signed what he has not: every signed packet in the corpus is the one of
 * tests/lib/bundle_fixture.c.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/bundle_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
    if (!truth)
        abort();
}

static void
check_bytes(const struct bundle *b, const uint8_t *data, size_t size)
{
    struct buf again = {0};

    require(bundle_format(b, &again) == ERR_OK);
    require(again.len == size && memcmp(again.data, data, size) == 0);
    buf_clear(&again);
}

static void
check_proven(const struct bundle_proven *p)
{
    static const uint8_t zero;
    struct hash packet;

    domain_hash(&packet, "packet", &(struct span){&zero, 1}, 1);
    require(!p->is_signed || memcmp(p->packet.b, packet.b, 16) == 0);
    for (size_t i = 0; i < p->n_fates; i++) {
        require(id_eq(&p->fates[i].event.packet, &p->packet));
        require(p->fates[i].index < p->fates[i].head_size);
    }
    for (size_t i = 0; i < p->who.n_devices; i++)
        require(bundle_who_agency(&p->who, &p->who.devices[i].agency->id) !=
                NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bundle_anchor nothing;
    struct bundle b = {0};
    struct bundle_proven p = {0};
    struct bundle_fault fault = {0};
    enum err rc;

    require(crypto_init() == ERR_OK);
    require(size < sizeof("sealpost/1/evidence") ||
            bundle_is(data, size) ==
                (memcmp(data, "sealpost/1/evidence", 20) == 0));
    if (bundle_parse(&b, data, size, NULL) != ERR_OK)
        return 0;
    check_bytes(&b, data, size);
    rc = bundle_judge(&b, &nothing, &p, &fault);
    if (rc == ERR_OK)
        check_proven(&p);
    else
        require(rc == ERR_VERIFY && fault.why != NULL);
    bundle_proven_clear(&p);
    bundle_clear(&b);
    return 0;
}

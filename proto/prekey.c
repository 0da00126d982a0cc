#include "proto/prekey.h"

#include <string.h>

#include "common/bytes.h"
#include "proto/header.h"

static const char domain[] = "sealpost/1/prekey"; /* zero byte counts */
enum { SIG_LEN = sizeof(struct sig), SIGNED_LEN = PREKEY_LEN - SIG_LEN };

_Static_assert(sizeof(domain) + 2 + 16 + 8 + 8 + 2 + sizeof(struct kem_key) ==
                   SIGNED_LEN,
               "PROTOCOL.md section 11");

static enum err
check(const struct prekey *pk)
{
    if (pk->kind > PREKEY_ONE_TIME || pk->not_after <= pk->not_before)
        return ERR_MALFORMED;
    return pk->not_after - pk->not_before <= PREKEY_VALID_S ? ERR_OK
                                                            : ERR_MALFORMED;
}

enum err
prekey_sign(uint8_t out[PREKEY_LEN], struct prekey *pk,
            const struct sign_secret *key)
{
    uint8_t *at = out + sizeof(domain);
    struct sig sig;

    if (check(pk) != ERR_OK)
        return ERR_MALFORMED;
    memcpy(out, domain, sizeof(domain));
    *at++ = PACKET_SUITE;
    *at++ = pk->kind;
    memcpy(at, pk->device.b, sizeof(pk->device.b));
    at += sizeof(pk->device.b);
    put_u64(at, pk->not_before);
    put_u64(at + 8, pk->not_after);
    put_u16(at + 16, sizeof(pk->key.b));
    memcpy(at + 18, pk->key.b, sizeof(pk->key.b));
    sign_raw(&sig, key, out, SIGNED_LEN);
    memcpy(out + SIGNED_LEN, sig.b, SIG_LEN);
    prekey_id_of(&pk->id, out);
    return ERR_OK;
}

enum err
prekey_make(uint8_t out[PREKEY_LEN], struct prekey *says,
            const struct device_id *device, const uint8_t seed[32],
            uint64_t now, const struct sign_secret *key)
{
    struct prekey pk = {.kind = PREKEY_MEDIUM,
                        .device = *device,
                        .not_before = now,
                        .not_after = now + PREKEY_VALID_S};
    enum err rc;

    kem_keypair(&pk.key, seed);
    rc = prekey_sign(out, &pk, key);
    if (rc == ERR_OK && says != NULL)
        *says = pk;
    return rc;
}

enum err
prekey_parse(struct prekey *out, const void *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    struct prekey made;
    uint8_t suite;
    uint16_t n;

    rd_expect(&r, domain, sizeof(domain));
    suite = rd_u8(&r);
    if (!r.bad && suite != PACKET_SUITE)
        return ERR_VERSION;
    made.kind = rd_u8(&r);
    rd_copy(&r, made.device.b, sizeof(made.device.b));
    made.not_before = rd_u64(&r);
    made.not_after = rd_u64(&r);
    n = rd_u16(&r);
    rd_copy(&r, made.key.b, sizeof(made.key.b));
    rd_ref(&r, SIG_LEN);
    if (rd_end(&r) != ERR_OK || n != sizeof(made.key.b) ||
        check(&made) != ERR_OK)
        return ERR_MALFORMED;
    prekey_id_of(&made.id, bytes);
    *out = made;
    return ERR_OK;
}

enum err
prekey_verify(const uint8_t bytes[PREKEY_LEN], const struct sign_key *key)
{
    struct sig sig;

    memcpy(sig.b, bytes + SIGNED_LEN, SIG_LEN);
    return verify_raw(&sig, key, bytes, SIGNED_LEN);
}

void
prekey_id_of(struct prekey_id *out, const uint8_t bytes[PREKEY_LEN])
{
    struct hash h;

    sha256(&h, bytes, PREKEY_LEN);
    memcpy(out->b, h.b, sizeof(out->b));
}

/* NOW - THEN, or 0 when THEN is still to come. */
static uint64_t
since(uint64_t then, uint64_t now)
{
    return now > then ? now - then : 0;
}

enum prekey_age
prekey_age(uint64_t not_before, uint64_t not_after, uint64_t now)
{
    if (now >= not_after)
        return PREKEY_EXPIRED;
    if (since(now, not_before) > PREKEY_SKEW_S)
        return PREKEY_NOT_YET;
    return since(not_before, now) > PREKEY_WARN_S ? PREKEY_OLD : PREKEY_FRESH;
}

bool
prekey_is_usable(uint64_t not_before, uint64_t not_after, uint64_t now)
{
    enum prekey_age age = prekey_age(not_before, not_after, now);

    return age == PREKEY_FRESH || age == PREKEY_OLD;
}

bool
prekey_renew_is_due(uint64_t newest_not_before, uint64_t now)
{
    return newest_not_before == 0 ||
           since(newest_not_before, now) >= PREKEY_RENEW_S;
}

/* A sum that stays at the end of time instead of starting over. */
static uint64_t
later(uint64_t t, uint64_t by)
{
    return t > UINT64_MAX - by ? UINT64_MAX : t + by;
}

uint64_t
prekey_destroy_at(uint64_t superseded, uint64_t not_after)
{
    uint64_t by_expiry = later(not_after, PREKEY_KEEP_EXPIRED_S);
    uint64_t by_successor = later(superseded, PREKEY_KEEP_SUPERSEDED_S);

    return superseded != 0 && by_successor < by_expiry ? by_successor
                                                       : by_expiry;
}

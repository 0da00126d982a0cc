#include "client/vault_head.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/crypto.h"

#define MIB (UINT64_C(1) << 20)

static const uint8_t magic[4] = {'S', 'P', 'V', '1'};

enum {
    HEAD_VERSION = 1,
    PASSPHRASE_MAX = 1024,
    OPS_MAX = 64, /* half a minute, not half a year, of a forged head */
    SLOT_PARAMS_LEN = 1 + 4 + 8 + 16,
    NONCE_LEN = 24
};

static const uint64_t mem_max = 4096 * MIB;

const struct vault_cost vault_cost_default = {3, 256 * MIB};
const struct vault_cost vault_cost_floor = {2, 64 * MIB};

static bool
is_cost_allowed(const struct vault_cost *cost)
{
    return cost->ops >= vault_cost_floor.ops && cost->ops <= OPS_MAX &&
           cost->mem >= vault_cost_floor.mem && cost->mem <= mem_max;
}

enum err
vault_cost_parse(struct vault_cost *out, const char *text)
{
    struct vault_cost cost;
    char *end;
    unsigned long n;

    if (text == NULL || text[0] == '\0' || strcmp(text, "default") == 0) {
        *out = vault_cost_default;
        return ERR_OK;
    }
    if (strcmp(text, "floor") == 0) {
        *out = vault_cost_floor;
        return ERR_OK;
    }
    if (strspn(text, "0123456789x") != strlen(text))
        return ERR_MALFORMED;
    n = strtoul(text, &end, 10);
    if (end == text || *end != 'x' || end[1] == '\0' || end[1] == 'x')
        return ERR_MALFORMED;
    cost.ops = n > OPS_MAX ? 0 : (uint32_t)n;
    n = strtoul(end + 1, &end, 10);
    if (*end != '\0')
        return ERR_MALFORMED;
    cost.mem = n > mem_max / MIB ? 0 : n * MIB;
    if (!is_cost_allowed(&cost))
        return ERR_REFUSED;
    *out = cost;
    return ERR_OK;
}

/* ---- slots ---- */

static void
read_params(const struct slot *slot, struct vault_slot_info *out)
{
    out->kind = (enum vault_slot_kind)slot->b[0];
    out->cost.ops = get_u32(slot->b + 1);
    out->cost.mem = get_u64(slot->b + 5);
}

void
slot_describe(const struct slot *slot, struct vault_slot_info *out)
{
    read_params(slot, out);
}

/* The slot's key and commitment from its parameters and the secret. */
static enum err
derive(uint8_t out[64], const struct slot *slot,
       const struct vault_secret *secret)
{
    static const char domain[] = "sealpost/1/slot";
    const struct span info[2] = {{domain, sizeof(domain)},
                                 {slot->b, SLOT_PARAMS_LEN}};
    struct vault_slot_info params;
    uint8_t k[32];
    enum err rc = ERR_OK;

    read_params(slot, &params);
    if (params.kind == VAULT_PAPER)
        memcpy(k, secret->bytes, sizeof(k));
    else
        rc = argon2id(k, sizeof(k), secret->bytes, secret->len, slot->b + 13,
                      params.cost.ops, params.cost.mem);
    if (rc == ERR_OK)
        rc = hkdf512_expand(out, 64, k, info, 2);
    crypto_wipe(k, sizeof(k));
    return rc;
}

static bool
is_secret_possible(const struct vault_secret *secret)
{
    if (secret->kind == VAULT_PAPER)
        return secret->len == VAULT_PAPER_LEN;
    return secret->kind == VAULT_PASSPHRASE && secret->len >= 1 &&
           secret->len <= PASSPHRASE_MAX;
}

enum err
slot_seal(struct slot *out, const struct vault_secret *secret,
          const struct vault_cost *cost, const uint8_t vk[32])
{
    struct slot slot = {0};
    uint8_t *nonce = slot.b + SLOT_PARAMS_LEN;
    uint8_t keys[64];
    enum err rc;

    if (!is_secret_possible(secret))
        return ERR_MALFORMED;
    slot.b[0] = (uint8_t)secret->kind;
    if (secret->kind == VAULT_PASSPHRASE) {
        if (cost == NULL)
            cost = &vault_cost_default;
        if (!is_cost_allowed(cost))
            return ERR_REFUSED;
        put_u32(slot.b + 1, cost->ops);
        put_u64(slot.b + 5, cost->mem);
    }
    crypto_random(slot.b + 13, 16);
    rc = derive(keys, &slot, secret);
    if (rc == ERR_OK) {
        crypto_random(nonce, NONCE_LEN);
        memcpy(nonce + NONCE_LEN, keys + 32, 32);
        xaead_seal(nonce + NONCE_LEN + 32, keys, nonce, slot.b, SLOT_PARAMS_LEN,
                   vk, 32);
        *out = slot;
    }
    crypto_wipe(keys, sizeof(keys));
    return rc;
}

enum err
slot_open(const struct slot *slot, const struct vault_secret *secret,
          uint8_t vk[32])
{
    const uint8_t *nonce = slot->b + SLOT_PARAMS_LEN;
    struct vault_slot_info params;
    uint8_t keys[64];
    enum err rc;

    read_params(slot, &params);
    if (params.kind != secret->kind || !is_secret_possible(secret))
        return ERR_LOCKED;
    if (params.kind == VAULT_PASSPHRASE && !is_cost_allowed(&params.cost))
        return ERR_REFUSED;
    rc = derive(keys, slot, secret);
    if (rc == ERR_OK && !crypto_equal(keys + 32, nonce + NONCE_LEN, 32))
        rc = ERR_LOCKED;
    if (rc == ERR_OK)
        rc = xaead_open(vk, keys, nonce, slot->b, SLOT_PARAMS_LEN,
                        nonce + NONCE_LEN + 32, 48);
    crypto_wipe(keys, sizeof(keys));
    return rc;
}

/* ---- the head ---- */

/* Everything before the nonce: what the seal of EK authenticates. */
static void
put_fields(struct buf *out, const struct vault_head *head)
{
    buf_put(out, magic, sizeof(magic));
    buf_u32(out, HEAD_VERSION);
    buf_u64(out, head->epoch);
    buf_put(out, head->keyring.b, 32);
    buf_u64(out, head->log_count);
    buf_put(out, head->log_last.b, 32);
    buf_u8(out, (uint8_t)head->slot_count);
    for (size_t i = 0; i < head->slot_count; i++)
        buf_put(out, head->slots[i].b, SLOT_LEN);
}

enum err
vault_head_encode(struct buf *out, struct vault_head *head,
                  const uint8_t vk[32], const uint8_t ek[32])
{
    struct buf fields = {0};
    enum err rc;

    put_fields(&fields, head);
    rc = buf_status(&fields);
    if (rc == ERR_OK) {
        crypto_random(head->sealed_ek, NONCE_LEN);
        xaead_seal(head->sealed_ek + NONCE_LEN, vk, head->sealed_ek,
                   fields.data, fields.len, ek, 32);
        buf_put(out, fields.data, fields.len);
        buf_put(out, head->sealed_ek, sizeof(head->sealed_ek));
        rc = buf_status(out);
    }
    buf_clear(&fields);
    return rc;
}

enum err
vault_head_decode(struct vault_head *out, const void *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    struct vault_head head = {0};

    rd_expect(&r, magic, sizeof(magic));
    if (rd_u32(&r) > HEAD_VERSION && !r.bad)
        return ERR_VERSION;
    head.epoch = rd_u64(&r);
    rd_copy(&r, head.keyring.b, 32);
    head.log_count = rd_u64(&r);
    rd_copy(&r, head.log_last.b, 32);
    head.slot_count = rd_u8(&r);
    if (head.slot_count < 1 || head.slot_count > VAULT_SLOTS_MAX)
        return ERR_VERIFY;
    for (size_t i = 0; i < head.slot_count; i++)
        rd_copy(&r, head.slots[i].b, SLOT_LEN);
    rd_copy(&r, head.sealed_ek, sizeof(head.sealed_ek));
    if (rd_end(&r) != ERR_OK || get_u32((const uint8_t *)bytes + 4) == 0)
        return ERR_VERIFY;
    *out = head;
    return ERR_OK;
}

enum err
head_open(const struct vault_head *head, const uint8_t vk[32], uint8_t ek[32])
{
    struct buf fields = {0};
    enum err rc;

    put_fields(&fields, head);
    rc = buf_status(&fields);
    if (rc == ERR_OK)
        rc = xaead_open(ek, vk, head->sealed_ek, fields.data, fields.len,
                        head->sealed_ek + NONCE_LEN, 48);
    buf_clear(&fields);
    return rc;
}

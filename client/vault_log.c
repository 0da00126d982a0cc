#include "client/vault_log.h"

#include <string.h>

#include "client/vault.h"
#include "common/bytes.h"
#include "common/os.h"
#include "proto/chunked.h"
#include "proto/crypto.h"

static const char wrap_domain[] = "sealpost/1/rk";
static const char stream_domain[] = "sealpost/1/rec";

enum {
    WRAP_AAD_LEN = sizeof(wrap_domain) + ENTRY_NONCE_AT,
    CONTEXT_LEN = sizeof(stream_domain) + 16 + 8,
    NONCE_LEN = 24,
    SECTOR_LEN = 512,
    /* Fewer zeros than this may be chance or a small number. */
    ZEROS_MIN = 32
};

uint64_t
log_entry_len(uint32_t record_len)
{
    return ENTRY_STREAM_AT + chunked_len(INNER_HEAD_LEN + (uint64_t)record_len);
}

static void
make_aad(uint8_t aad[WRAP_AAD_LEN], const uint8_t *head)
{
    memcpy(aad, wrap_domain, sizeof(wrap_domain));
    memcpy(aad + sizeof(wrap_domain), head, ENTRY_NONCE_AT);
}

static void
make_context(uint8_t context[CONTEXT_LEN], const struct log_entry *entry)
{
    memcpy(context, stream_domain, sizeof(stream_domain));
    memcpy(context + sizeof(stream_domain), entry->record_id, 16);
    put_u64(context + sizeof(stream_domain) + 16, entry->seq);
}

void
log_hash(const uint8_t head[ENTRY_HEAD_LEN], struct hash *hash)
{
    const struct span part = {head, ENTRY_HEAD_LEN};

    domain_hash(hash, "sealpost/1/entry", &part, 1);
}

/* ---- sealing ---- */

void
log_rewrap(uint8_t *p, const struct log_entry *entry, const uint8_t rk[32],
           const uint8_t ek[32], struct hash *hash)
{
    uint8_t aad[WRAP_AAD_LEN];
    uint8_t *nonce = p + ENTRY_NONCE_AT;

    put_u32(p, entry->len - 4);
    p[ENTRY_LEN_MORE] = entry->more;
    put_u64(p + 5, entry->seq);
    memcpy(p + 13, entry->record_id, 16);
    memcpy(p + 29, entry->prev.b, 32);
    put_u64(p + 61, entry->epoch);
    make_aad(aad, p);
    crypto_random(nonce, NONCE_LEN);
    xaead_seal(nonce + NONCE_LEN, ek, nonce, aad, sizeof(aad), rk, 32);
    log_hash(p, hash);
}

static enum err
seal_stream(struct buf *out, const struct log_entry *entry,
            const struct log_inner *inner, const void *bytes, size_t len,
            const uint8_t rk[32])
{
    uint8_t context[CONTEXT_LEN];
    struct buf plain = {0};
    enum err rc;

    buf_u8(&plain, (uint8_t)inner->op);
    buf_u8(&plain, inner->kind);
    buf_put(&plain, inner->id, 16);
    buf_put(&plain, bytes, len);
    rc = buf_status(&plain);
    if (rc == ERR_OK) {
        make_context(context, entry);
        rc = chunked_seal(out, rk, context, sizeof(context), plain.data,
                          plain.len);
    }
    buf_clear(&plain);
    return rc;
}

enum err
log_seal(struct buf *out, struct log_entry *entry,
         const struct log_inner *inner, const void *bytes, size_t len,
         const uint8_t rk[32], const uint8_t ek[32], struct hash *hash)
{
    size_t start = out->len;
    enum err rc;

    buf_zeros(out, ENTRY_STREAM_AT);
    rc = buf_status(out);
    if (rc == ERR_OK)
        rc = seal_stream(out, entry, inner, bytes, len, rk);
    if (rc != ERR_OK)
        return rc;
    entry->len = (uint32_t)(out->len - start);
    log_rewrap(out->data + start, entry, rk, ek, hash);
    return ERR_OK;
}

/* ---- reading ---- */

enum err
log_read_head(int fd, uint64_t offset, uint64_t size, struct log_entry *entry,
              uint8_t head[ENTRY_HEAD_LEN])
{
    const uint32_t len_max = (uint32_t)log_entry_len(VAULT_RECORD_MAX);
    uint32_t len;
    enum err rc;

    if (offset > size || size - offset < ENTRY_HEAD_LEN)
        return ERR_CLOSED;
    rc = os_pread(fd, head, ENTRY_HEAD_LEN, offset);
    if (rc != ERR_OK)
        return rc == ERR_MALFORMED ? ERR_CLOSED : rc;
    len = get_u32(head);
    if (len > len_max - 4 || len < log_entry_len(0) - 4 ||
        head[ENTRY_LEN_MORE] > 1)
        return ERR_VERIFY;
    entry->len = len + 4;
    entry->more = head[ENTRY_LEN_MORE] == 1;
    entry->seq = get_u64(head + 5);
    memcpy(entry->record_id, head + 13, 16);
    memcpy(entry->prev.b, head + 29, 32);
    entry->epoch = get_u64(head + 61);
    return ERR_OK;
}

enum err
log_unwrap(const uint8_t head[ENTRY_HEAD_LEN], const uint8_t ek[32],
           uint8_t rk[32])
{
    const uint8_t *nonce = head + ENTRY_NONCE_AT;
    uint8_t aad[WRAP_AAD_LEN];

    make_aad(aad, head);
    return xaead_open(rk, ek, nonce, aad, sizeof(aad), nonce + NONCE_LEN, 48);
}

static enum err
split_inner(const struct buf *plain, struct log_inner *inner, struct buf *out)
{
    struct log_inner in;

    if (plain->len < INNER_HEAD_LEN || plain->data[0] > LOG_MARK)
        return ERR_VERIFY;
    in.op = (enum log_op)plain->data[0];
    in.kind = plain->data[1];
    memcpy(in.id, plain->data + 2, 16);
    if (plain->len > INNER_HEAD_LEN)
        buf_put(out, plain->data + INNER_HEAD_LEN, plain->len - INNER_HEAD_LEN);
    if (buf_status(out) != ERR_OK)
        return ERR_NOMEM;
    *inner = in;
    return ERR_OK;
}

enum err
log_read_body(int fd, uint64_t offset, const struct log_entry *entry,
              const uint8_t rk[32], struct log_inner *inner, struct buf *out)
{
    size_t len = entry->len - ENTRY_STREAM_AT;
    uint8_t context[CONTEXT_LEN];
    struct buf stream = {0}, plain = {0};
    uint8_t *p = buf_extend(&stream, len);
    enum err rc = ERR_NOMEM;

    if (p == NULL)
        goto out;
    rc = os_pread(fd, p, len, offset + ENTRY_STREAM_AT);
    if (rc == ERR_MALFORMED)
        rc = ERR_CLOSED;
    if (rc != ERR_OK)
        goto out;
    make_context(context, entry);
    rc = chunked_open(&plain, rk, context, sizeof(context), p, len);
    if (rc == ERR_MALFORMED)
        rc = ERR_VERIFY;
    if (rc == ERR_OK)
        rc = split_inner(&plain, inner, out);
out:
    buf_clear(&plain);
    buf_clear(&stream);
    return rc;
}

enum err
log_read_record(int fd, uint64_t offset, uint32_t record_len,
                const uint8_t record_id[16], uint64_t seq, const uint8_t rk[32],
                struct log_inner *inner, struct buf *out)
{
    struct log_entry entry = {.len = (uint32_t)log_entry_len(record_len),
                              .seq = seq};

    memcpy(entry.record_id, record_id, sizeof(entry.record_id));
    return log_read_body(fd, offset, &entry, rk, inner, out);
}

static bool
is_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0)
            return false;
    return true;
}

bool
log_is_unwritten(int fd, uint64_t offset, uint64_t len)
{
    uint64_t end = offset + len;
    uint8_t sector[SECTOR_LEN];

    while (offset < end) {
        uint64_t stop = (offset / SECTOR_LEN + 1) * SECTOR_LEN;
        size_t n = (size_t)((stop < end ? stop : end) - offset);

        if (os_pread(fd, sector, n, offset) != ERR_OK)
            return false;
        if (n >= ZEROS_MIN && is_zero(sector, n))
            return true;
        offset += n;
    }
    return false;
}

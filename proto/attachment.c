#include "proto/attachment.h"

#include <string.h>

#include "proto/pad.h"

static const char domain[] = "sealpost/1/att"; /* its zero byte counts */
enum { CONTEXT_LEN = sizeof(domain) + sizeof(struct att_id) };

static void
context_of(uint8_t out[CONTEXT_LEN], const struct att_id *id)
{
    memcpy(out, domain, sizeof(domain));
    memcpy(out + sizeof(domain), id->b, sizeof(id->b));
}

uint64_t
attachment_padded_len(uint64_t plain_len)
{
    return padme(plain_len > PAD_LEN_MIN ? plain_len : PAD_LEN_MIN);
}

uint64_t
attachment_ct_len(uint64_t plain_len)
{
    return chunked_len(attachment_padded_len(plain_len));
}

bool
attachment_ct_len_is_valid(uint64_t ct_len)
{
    uint64_t padded;

    return chunked_plain_len(ct_len, &padded) == ERR_OK &&
           padded <= ATTACHMENT_PLAIN_MAX && padme_is_fixed(padded);
}

static void
set_lengths(struct attachment *a, uint64_t plain_len)
{
    a->plain_len = plain_len;
    a->padded_len = attachment_padded_len(plain_len);
    a->chunks = chunked_count(a->padded_len);
}

enum err
attachment_seal_init(struct attachment *a, const uint8_t key[32],
                     const struct att_id *id, uint64_t plain_len,
                     const uint8_t *salt, uint8_t header[CHUNKED_HEADER_LEN])
{
    uint8_t context[CONTEXT_LEN];

    if (plain_len > ATTACHMENT_PLAIN_MAX)
        return ERR_TOOBIG;
    context_of(context, id);
    chunked_seal_init(&a->stream, key, context, sizeof(context), salt, header);
    set_lengths(a, plain_len);
    return ERR_OK;
}

enum err
attachment_open_init(struct attachment *a, const uint8_t key[32],
                     const struct att_id *id, uint64_t plain_len,
                     const uint8_t header[CHUNKED_HEADER_LEN])
{
    uint8_t context[CONTEXT_LEN];
    enum err rc;

    if (plain_len > ATTACHMENT_PLAIN_MAX)
        return ERR_TOOBIG;
    context_of(context, id);
    rc = chunked_open_init(&a->stream, key, context, sizeof(context), header);
    if (rc == ERR_OK)
        set_lengths(a, plain_len);
    return rc;
}

void
attachment_clear(struct attachment *a)
{
    crypto_wipe(a, sizeof(*a));
}

/* How many of TOTAL bytes lie in chunk INDEX. */
static size_t
share_of(uint64_t total, uint64_t index)
{
    uint64_t start = index * CHUNKED_PLAIN_LEN;

    if (start >= total)
        return 0;
    return total - start < CHUNKED_PLAIN_LEN ? (size_t)(total - start)
                                             : CHUNKED_PLAIN_LEN;
}

size_t
attachment_plain_in(const struct attachment *a, uint64_t index)
{
    return index < a->chunks ? share_of(a->plain_len, index) : 0;
}

size_t
attachment_sealed_in(const struct attachment *a, uint64_t index)
{
    return index < a->chunks ? share_of(a->padded_len, index) + AEAD_TAG_LEN
                             : 0;
}

enum err
attachment_seal_chunk(const struct attachment *a, uint64_t index,
                      const void *plain, uint8_t *out)
{
    size_t len = attachment_plain_in(a, index);
    size_t padded = share_of(a->padded_len, index);

    if (index >= a->chunks)
        return ERR_MALFORMED;
    if (len > 0)
        memmove(out, plain, len);
    memset(out + len, 0, padded - len);
    return chunked_seal_chunk(&a->stream, index, out, padded,
                              index + 1 == a->chunks, out);
}

enum err
attachment_open_chunk(const struct attachment *a, uint64_t index,
                      const void *sealed, uint8_t *out)
{
    size_t len = attachment_plain_in(a, index);
    size_t padded = share_of(a->padded_len, index);
    uint8_t any = 0;
    enum err rc;

    if (index >= a->chunks)
        return ERR_MALFORMED;
    rc = chunked_open_chunk(&a->stream, index, sealed, padded + AEAD_TAG_LEN,
                            index + 1 == a->chunks, out);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = len; i < padded; i++)
        any |= out[i];
    if (any == 0)
        return ERR_OK;
    crypto_wipe(out, padded);
    return ERR_VERIFY;
}

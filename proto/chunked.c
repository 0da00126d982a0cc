#include "proto/chunked.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"

static const char name_prefix[] = "c2sp.org/chunked-encryption@v1+";

/* Keys of C and the commitment from key, salt and context. */
static void
derive(struct chunked *c, uint8_t commitment[32], const struct aead *aead,
       const uint8_t key[32], const uint8_t salt[24], struct span context)
{
    struct span info[] = {{name_prefix, sizeof(name_prefix) - 1},
                          {aead->name, strlen(aead->name) + 1},
                          {salt, CHUNKED_SALT_LEN},
                          context};
    uint8_t okm[32 + 12 + 32];
    enum err rc = hkdf512_expand(okm, sizeof(okm), key, info, 4);

    assert(rc == ERR_OK);
    (void)rc;
    c->aead = aead;
    memcpy(c->key, okm, 32);
    memcpy(c->base_nonce, okm + 32, 12);
    memcpy(commitment, okm + 44, 32);
    crypto_wipe(okm, sizeof(okm));
}

void
chunked_seal_init_with(struct chunked *c, const struct aead *aead,
                       const uint8_t key[32], const void *context,
                       size_t context_len, const uint8_t *salt,
                       uint8_t header[56])
{
    if (salt != NULL)
        memcpy(header, salt, CHUNKED_SALT_LEN);
    else
        crypto_random(header, CHUNKED_SALT_LEN);
    derive(c, header + CHUNKED_SALT_LEN, aead, key, header,
           (struct span){context, context_len});
}

enum err
chunked_open_init_with(struct chunked *c, const struct aead *aead,
                       const uint8_t key[32], const void *context,
                       size_t context_len, const uint8_t header[56])
{
    struct chunked made;
    uint8_t commitment[32];
    enum err rc = ERR_VERIFY;

    derive(&made, commitment, aead, key, header,
           (struct span){context, context_len});
    if (crypto_equal(commitment, header + CHUNKED_SALT_LEN, 32)) {
        *c = made;
        rc = ERR_OK;
    }
    chunked_clear(&made);
    return rc;
}

void
chunked_seal_init(struct chunked *c, const uint8_t key[32], const void *context,
                  size_t context_len, const uint8_t *salt, uint8_t header[56])
{
    chunked_seal_init_with(c, &aead_chacha20_poly1305, key, context,
                           context_len, salt, header);
}

enum err
chunked_open_init(struct chunked *c, const uint8_t key[32], const void *context,
                  size_t context_len, const uint8_t header[56])
{
    return chunked_open_init_with(c, &aead_chacha20_poly1305, key, context,
                                  context_len, header);
}

void
chunked_clear(struct chunked *c)
{
    crypto_wipe(c, sizeof(*c));
}

static void
chunk_nonce(uint8_t nonce[12], const struct chunked *c, uint64_t index)
{
    uint8_t counter[12] = {0};

    put_u64(counter + 4, index);
    for (size_t i = 0; i < sizeof(counter); i++)
        nonce[i] = c->base_nonce[i] ^ counter[i];
}

/* Only the last chunk is short, and it always is. */
static bool
fits(size_t plain_len, bool last)
{
    return last ? plain_len < CHUNKED_PLAIN_LEN
                : plain_len == CHUNKED_PLAIN_LEN;
}

enum err
chunked_seal_chunk(const struct chunked *c, uint64_t index, const void *plain,
                   size_t len, bool last, uint8_t *out)
{
    uint8_t nonce[12];

    if (!fits(len, last))
        return ERR_MALFORMED;
    chunk_nonce(nonce, c, index);
    c->aead->seal(out, c->key, nonce, plain, len);
    return ERR_OK;
}

enum err
chunked_open_chunk(const struct chunked *c, uint64_t index, const void *sealed,
                   size_t sealed_len, bool last, uint8_t *out)
{
    uint8_t nonce[12];

    if (sealed_len < AEAD_TAG_LEN || !fits(sealed_len - AEAD_TAG_LEN, last))
        return ERR_MALFORMED;
    chunk_nonce(nonce, c, index);
    return c->aead->open(out, c->key, nonce, sealed, sealed_len);
}

uint64_t
chunked_count(uint64_t plain_len)
{
    return plain_len / CHUNKED_PLAIN_LEN + 1;
}

uint64_t
chunked_len(uint64_t plain_len)
{
    return CHUNKED_HEADER_LEN + plain_len +
           AEAD_TAG_LEN * chunked_count(plain_len);
}

uint64_t
chunked_offset(uint64_t index)
{
    return CHUNKED_HEADER_LEN + CHUNKED_CHUNK_LEN * index;
}

enum err
chunked_plain_len(uint64_t stream_len, uint64_t *plain_len)
{
    uint64_t chunks, rest;

    if (stream_len < CHUNKED_HEADER_LEN)
        return ERR_MALFORMED;
    chunks = (stream_len - CHUNKED_HEADER_LEN) / CHUNKED_CHUNK_LEN;
    rest = (stream_len - CHUNKED_HEADER_LEN) % CHUNKED_CHUNK_LEN;
    if (rest < AEAD_TAG_LEN)
        return ERR_MALFORMED;
    *plain_len = chunks * CHUNKED_PLAIN_LEN + rest - AEAD_TAG_LEN;
    return ERR_OK;
}

enum err
chunked_seal(struct buf *out, const uint8_t key[32], const void *context,
             size_t context_len, const void *plain, size_t len)
{
    const uint8_t *p = plain;
    uint64_t count = chunked_count(len);
    struct chunked c;
    uint8_t *to = buf_reserve(out, (size_t)chunked_len(len));

    if (to == NULL)
        return ERR_NOMEM;
    chunked_seal_init(&c, key, context, context_len, NULL, to);
    for (uint64_t i = 0; i < count; i++) {
        size_t at = (size_t)i * CHUNKED_PLAIN_LEN;
        bool last = i + 1 == count;
        enum err rc = chunked_seal_chunk(&c, i, len > 0 ? p + at : NULL,
                                         last ? len - at : CHUNKED_PLAIN_LEN,
                                         last, to + chunked_offset(i));

        assert(rc == ERR_OK);
        (void)rc;
    }
    chunked_clear(&c);
    out->len += (size_t)chunked_len(len);
    return ERR_OK;
}

/* All chunks of a stream of a possible length, to TO. */
static enum err
open_all(const struct chunked *c, const uint8_t *stream, size_t stream_len,
         uint64_t count, uint8_t *to)
{
    enum err rc = ERR_OK;

    for (uint64_t i = 0; i < count && rc == ERR_OK; i++) {
        size_t at = (size_t)chunked_offset(i);
        bool last = i + 1 == count;

        rc = chunked_open_chunk(c, i, stream + at,
                                last ? stream_len - at : CHUNKED_CHUNK_LEN,
                                last, to + i * CHUNKED_PLAIN_LEN);
    }
    return rc;
}

enum err
chunked_open_with(struct buf *out, const struct aead *aead,
                  const uint8_t key[32], const void *context,
                  size_t context_len, const void *stream, size_t stream_len)
{
    struct chunked c;
    uint64_t plain_len;
    uint8_t *to;
    enum err rc = chunked_plain_len(stream_len, &plain_len);

    if (rc != ERR_OK)
        return rc;
    rc = chunked_open_init_with(&c, aead, key, context, context_len, stream);
    if (rc != ERR_OK)
        return rc;
    rc = ERR_NOMEM;
    /* One byte more than needed: an empty stream must have an address too. */
    to = buf_reserve(out, (size_t)plain_len + 1);
    if (to != NULL)
        rc = open_all(&c, stream, stream_len, chunked_count(plain_len), to);
    chunked_clear(&c);
    if (rc == ERR_OK)
        out->len += (size_t)plain_len;
    else if (to != NULL)
        crypto_wipe(to, (size_t)plain_len);
    return rc;
}

enum err
chunked_open(struct buf *out, const uint8_t key[32], const void *context,
             size_t context_len, const void *stream, size_t stream_len)
{
    return chunked_open_with(out, &aead_chacha20_poly1305, key, context,
                             context_len, stream, stream_len);
}

/*
 * witness_answer.c - the log's side of witness.h: what a witness answered.
 */
#include <string.h>

#include "common/bytes.h"
#include "proto/lines.h"
#include "proto/witness.h"

/* Em dash and blank. */
#define SIGNATURE_MARK "\xe2\x80\x94 "

enum { KEYID_LEN = 4, COSIGNATURE_LEN = 8 + 64 };

/* Is LINE, behind its mark, "name B64(keyid...)" of KEY?  Then *B64 is what
 * stands behind the name. */
static bool
is_by(const struct vkey *key, struct line line, struct line *b64)
{
    uint8_t first[6];
    struct line digits;

    if (!line_skip(&line, key->name) || !line_skip(&line, " ") || line.len < 8)
        return false;
    digits = (struct line){line.text, 8};
    *b64 = line;
    return line_b64(&digits, first, sizeof(first)) == ERR_OK &&
           memcmp(first, key->keyid, KEYID_LEN) == 0;
}

/* The cosignature in the base64 of a line that is KEY's. */
static enum err
read_cosignature(const char *text, size_t text_len, const struct line *b64,
                 const struct vkey *key, struct cosignature *out)
{
    uint8_t bytes[KEYID_LEN + COSIGNATURE_LEN];
    struct cosignature cosig;

    if (line_b64(b64, bytes, sizeof(bytes)) != ERR_OK)
        return ERR_VERIFY;
    cosig.time_s = get_u64(bytes + KEYID_LEN);
    memcpy(cosig.sig.b, bytes + KEYID_LEN + 8, 64);
    if (cosig.time_s == 0 || cosig.time_s > INT64_MAX)
        return ERR_MALFORMED;
    if (cosignature_verify(text, text_len, key, &cosig) != ERR_OK)
        return ERR_VERIFY;
    *out = cosig;
    return ERR_OK;
}

enum err
witness_answer_lines(const char *text, size_t text_len, const void *body,
                     size_t len, const struct vkey *key, struct buf *out,
                     uint64_t *time_s)
{
    struct rd r = rd_from(body, len);
    struct cosignature cosig, newest = {0};
    struct line line, b64;

    if (len > WITNESS_ANSWER_MAX || len == 0)
        return ERR_MALFORMED;
    while (line_next(&r, &line)) {
        enum err rc;

        if (!line_skip(&line, SIGNATURE_MARK))
            return ERR_MALFORMED;
        if (!is_by(key, line, &b64))
            continue;
        rc = read_cosignature(text, text_len, &b64, key, &cosig);
        if (rc != ERR_OK)
            return rc;
        if (cosig.time_s > newest.time_s)
            newest = cosig;
    }
    if (r.left != 0)
        return ERR_MALFORMED;
    if (newest.time_s == 0)
        return ERR_NOTFOUND;
    cosignature_line(key, &newest, out);
    if (buf_status(out) != ERR_OK)
        return ERR_NOMEM;
    *time_s = newest.time_s;
    return ERR_OK;
}

enum err
witness_answer_size(const void *body, size_t len, uint64_t *size)
{
    struct rd r = rd_from(body, len);
    struct line line;

    if (!line_next(&r, &line) || r.left != 0)
        return ERR_MALFORMED;
    return line_u64(&line, size);
}

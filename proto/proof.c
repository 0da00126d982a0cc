#include "proto/proof.h"

#include <inttypes.h>
#include <string.h>

#include "proto/lines.h"

#define PROOF_MARK "c2sp.org/tlog-proof@v1"

static void
put_hash_line(struct buf *out, const struct hash *h)
{
    char b64[B64_LEN(32) + 1];

    b64_encode(b64, h->b, sizeof(h->b));
    buf_printf(out, "%s\n", b64);
}

/* All before the checkpoint. */
static void
put_head(struct buf *out, const struct proof *proof)
{
    char b64[B64_LEN(PROOF_EXTRA_MAX) + 1];

    buf_str(out, PROOF_MARK "\n");
    if (proof->has_extra) {
        b64_encode(b64, proof->extra, proof->extra_len);
        buf_printf(out, "extra %s\n", b64);
    }
    buf_printf(out, "index %" PRIu64 "\n", proof->index);
    for (size_t i = 0; i < proof->n; i++)
        put_hash_line(out, &proof->path[i]);
    buf_str(out, "\n");
}

enum err
proof_format(const struct proof *proof, struct buf *out)
{
    if (proof->n > MERKLE_PATH_MAX || proof->extra_len > PROOF_EXTRA_MAX)
        return ERR_TOOBIG;
    put_head(out, proof);
    buf_put(out, proof->note, proof->note_len);
    return buf_status(out);
}

static enum err
parse_extra(struct line line, struct proof *proof)
{
    proof->has_extra = true;
    return b64_decode(proof->extra, sizeof(proof->extra), &proof->extra_len,
                      line.text, line.len);
}

/* Hash lines up to the empty line. */
static enum err
parse_path(struct rd *r, struct proof *proof)
{
    struct line line;

    while (line_next(r, &line)) {
        if (line.len == 0)
            return ERR_OK;
        if (proof->n == MERKLE_PATH_MAX)
            return ERR_MALFORMED;
        if (line_b64(&line, proof->path[proof->n].b, 32) != ERR_OK)
            return ERR_MALFORMED;
        proof->n++;
    }
    return ERR_MALFORMED;
}

bool
proof_resembles(const void *bytes, size_t len)
{
    static const char mark[] = PROOF_MARK;
    const char *b = bytes;
    size_t n = len < sizeof(mark) - 1 ? len : sizeof(mark) - 1;
    size_t same = 0;

    for (size_t i = 0; i < n; i++)
        same += b[i] == mark[i];
    return n > 0 && same + 1 >= n && same > 0;
}

enum err
proof_parse(const void *bytes, size_t len, struct proof *out)
{
    struct rd r = rd_from(bytes, len);
    struct proof proof = {0};
    struct line line;

    if (!line_next(&r, &line) || !line_is(&line, PROOF_MARK) ||
        !line_next(&r, &line))
        return ERR_MALFORMED;
    if (line_skip(&line, "extra ") &&
        (parse_extra(line, &proof) != ERR_OK || !line_next(&r, &line)))
        return ERR_MALFORMED;
    if (!line_skip(&line, "index ") || line_u64(&line, &proof.index) != ERR_OK)
        return ERR_MALFORMED;
    if (parse_path(&r, &proof) != ERR_OK || r.left == 0)
        return ERR_MALFORMED;
    proof.note = r.p;
    proof.note_len = r.left;
    *out = proof;
    return ERR_OK;
}

enum err
proof_verify(const struct proof *proof, const struct hash *leaf,
             const struct vkey *log, const struct vkey *witnesses,
             size_t n_witnesses, struct head *head, struct note *note)
{
    struct head h;
    struct note seen;
    enum err rc = head_from_note(proof->note, proof->note_len, log, witnesses,
                                 n_witnesses, &h, &seen);

    if (rc != ERR_OK)
        return rc;
    rc = merkle_verify_inclusion(leaf, proof->index, h.size, proof->path,
                                 proof->n, &h.root);
    if (rc != ERR_OK)
        return rc;
    if (head != NULL)
        *head = h;
    if (note != NULL)
        *note = seen;
    return ERR_OK;
}

enum err
receipt_format(const uint8_t opening[OPENING_LEN], uint64_t index,
               const struct hash *path, size_t n, const struct head *head,
               const struct vkey *log, struct buf *out)
{
    struct proof proof = {
        .has_extra = true,
        .extra_len = OPENING_LEN,
        .index = index,
        .n = n,
    };

    if (n > MERKLE_PATH_MAX)
        return ERR_TOOBIG;
    memcpy(proof.extra, opening, OPENING_LEN);
    memcpy(proof.path, path, n * sizeof(*path));
    put_head(out, &proof);
    return head_to_note(head, log, out);
}

enum err
receipt_verify(const void *bytes, size_t len, const struct vkey *log,
               struct receipt *out)
{
    struct receipt receipt;
    struct proof proof;
    struct hash leaf;
    enum err rc = proof_parse(bytes, len, &proof);

    if (rc != ERR_OK)
        return rc;
    if (opening_decode(proof.extra, proof.extra_len, &receipt.event) != ERR_OK)
        return ERR_MALFORMED;
    memcpy(receipt.opening, proof.extra, OPENING_LEN);
    opening_leaf(receipt.opening, &leaf);
    rc = proof_verify(&proof, &leaf, log, NULL, 0, &receipt.head, NULL);
    if (rc != ERR_OK)
        return rc;
    receipt.index = proof.index;
    *out = receipt;
    return ERR_OK;
}

#include "proto/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/lines.h"

/* Em dash and blank: every signature line begins with them. */
#define SIGNATURE_MARK "\xe2\x80\x94 "

enum {
    KEYID_LEN = 4,
    COSIGNATURE_LEN = 8 + 64,
    /* "cosignature/v1\ntime \n" and a decimal u64. */
    COSIGNED_MAX = 64 + CHECKPOINT_TEXT_MAX,
};

/* ---- names and keys ---- */

static bool
is_name(const char *name, size_t len)
{
    if (len == 0 || len > NOTE_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '+')
            return false;
    return true;
}

static void
compute_keyid(struct vkey *key)
{
    struct sha256 s;
    struct hash h;

    sha256_init(&s);
    sha256_update(&s, key->name, strlen(key->name));
    sha256_update(&s, "\n", 1);
    sha256_update(&s, &key->type, 1);
    sha256_update(&s, key->pub.b, sizeof(key->pub.b));
    sha256_final(&s, &h);
    memcpy(key->keyid, h.b, KEYID_LEN);
}

static enum err
make_vkey(struct vkey *out, const char *name, size_t name_len, uint8_t type,
          const uint8_t pub[32])
{
    struct vkey key = {.type = type};

    if (!is_name(name, name_len))
        return ERR_MALFORMED;
    if (type != NOTE_ED25519 && type != NOTE_COSIGNATURE)
        return ERR_UNSUPPORTED;
    memcpy(key.name, name, name_len);
    memcpy(key.pub.b, pub, sizeof(key.pub.b));
    compute_keyid(&key);
    *out = key;
    return ERR_OK;
}

enum err
vkey_make(struct vkey *out, const char *name, enum note_type type,
          const struct sign_key *pub)
{
    return make_vkey(out, name, strlen(name), (uint8_t)type, pub->b);
}

enum err
vkey_parse(struct vkey *out, const char *text, size_t len)
{
    const char *plus = memchr(text, '+', len);
    char hex[2 * KEYID_LEN + 1] = {0}, expect[2 * KEYID_LEN + 1];
    uint8_t bytes[1 + 32];
    struct line b64;
    struct vkey key;
    size_t name_len;
    enum err rc;

    if (plus == NULL)
        return ERR_MALFORMED;
    name_len = (size_t)(plus - text);
    if (len - name_len < 1 + 2 * KEYID_LEN + 1)
        return ERR_MALFORMED;
    memcpy(hex, plus + 1, 2 * KEYID_LEN);
    if (plus[1 + 2 * KEYID_LEN] != '+')
        return ERR_MALFORMED;
    b64.text = plus + 2 + 2 * KEYID_LEN;
    b64.len = len - name_len - 2 - 2 * KEYID_LEN;
    if (line_b64(&b64, bytes, sizeof(bytes)) != ERR_OK)
        return ERR_MALFORMED;
    rc = make_vkey(&key, text, name_len, bytes[0], bytes + 1);
    if (rc != ERR_OK)
        return rc;
    hex_encode(expect, key.keyid, KEYID_LEN);
    if (strcmp(hex, expect) != 0)
        return ERR_MALFORMED;
    *out = key;
    return ERR_OK;
}

void
vkey_format(const struct vkey *key, struct buf *out)
{
    char hex[2 * KEYID_LEN + 1], b64[B64_LEN(33) + 1];
    uint8_t bytes[33] = {key->type};

    memcpy(bytes + 1, key->pub.b, 32);
    hex_encode(hex, key->keyid, KEYID_LEN);
    b64_encode(b64, bytes, sizeof(bytes));
    buf_printf(out, "%s+%s+%s", key->name, hex, b64);
}

/* ---- cosignatures ---- */

/* What a witness signs, into OUT; 0 when TEXT cannot be a checkpoint. */
static size_t
cosigned_message(const char *text, size_t text_len, uint64_t time_s,
                 char out[COSIGNED_MAX])
{
    int head = snprintf(out, COSIGNED_MAX, "cosignature/v1\ntime %" PRIu64 "\n",
                        time_s);
    size_t head_len = (size_t)head;

    if (head < 0 || text_len > COSIGNED_MAX - head_len)
        return 0;
    memcpy(out + head_len, text, text_len);
    return head_len + text_len;
}

enum err
cosignature_sign(const char *text, size_t text_len, uint64_t time_s,
                 const struct sign_secret *secret, struct cosignature *out)
{
    char message[COSIGNED_MAX];
    struct checkpoint cp;
    size_t len;

    if (checkpoint_parse(text, text_len, &cp) != ERR_OK)
        return ERR_MALFORMED;
    len = cosigned_message(text, text_len, time_s, message);
    sign_raw(&out->sig, secret, message, len);
    out->time_s = time_s;
    return ERR_OK;
}

enum err
cosignature_verify(const char *text, size_t text_len,
                   const struct vkey *witness, const struct cosignature *cosig)
{
    char message[COSIGNED_MAX];
    size_t len = cosigned_message(text, text_len, cosig->time_s, message);

    if (len == 0 || witness->type != NOTE_COSIGNATURE ||
        cosig->time_s > INT64_MAX)
        return ERR_VERIFY;
    return verify_raw(&cosig->sig, &witness->pub, message, len);
}

/* ---- notes ---- */

static void
put_signature_line(struct buf *out, const struct vkey *key, const void *sig,
                   size_t sig_len)
{
    uint8_t bytes[KEYID_LEN + COSIGNATURE_LEN];
    char b64[B64_LEN(sizeof(bytes)) + 1];

    memcpy(bytes, key->keyid, KEYID_LEN);
    memcpy(bytes + KEYID_LEN, sig, sig_len);
    b64_encode(b64, bytes, KEYID_LEN + sig_len);
    buf_printf(out, SIGNATURE_MARK "%s %s\n", key->name, b64);
}

void
cosignature_line(const struct vkey *witness, const struct cosignature *cosig,
                 struct buf *out)
{
    uint8_t bytes[COSIGNATURE_LEN];

    put_u64(bytes, cosig->time_s);
    memcpy(bytes + 8, cosig->sig.b, 64);
    put_signature_line(out, witness, bytes, sizeof(bytes));
}

static bool
is_note_text(const char *text, size_t len)
{
    if (len == 0 || text[len - 1] != '\n')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)text[i] < ' ' && text[i] != '\n')
            return false;
    return true;
}

enum err
note_sign(const char *text, size_t text_len, const struct vkey *key,
          const struct sign_secret *secret, struct buf *out)
{
    struct sig sig;

    if (!is_note_text(text, text_len))
        return ERR_MALFORMED;
    if (key->type != NOTE_ED25519 || !id_eq(&key->pub, &secret->pub))
        return ERR_STATE;
    sign_raw(&sig, secret, text, text_len);
    buf_put(out, text, text_len);
    buf_u8(out, '\n');
    put_signature_line(out, key, sig.b, sizeof(sig.b));
    return buf_status(out);
}

/* Cuts at the last empty line: NOTE gets the text, SIGS what follows. */
static enum err
split_note(const char *bytes, size_t len, struct note *note, struct rd *sigs)
{
    if (len > NOTE_LEN_MAX)
        return ERR_MALFORMED;
    for (size_t i = len; i-- > 1;) {
        if (bytes[i] != '\n' || bytes[i - 1] != '\n')
            continue;
        note->text = bytes;
        note->text_len = i;
        *sigs = rd_from(bytes + i + 1, len - i - 1);
        if (sigs->left == 0 || !is_note_text(bytes, i))
            return ERR_MALFORMED;
        return ERR_OK;
    }
    return ERR_MALFORMED;
}

/* The form only: the signatures of unknown signers may have any length. */
static bool
is_b64(const struct line *line)
{
    size_t digits = line->len;

    if (line->len % 4 != 0)
        return false;
    while (digits > 0 && digits + 2 > line->len &&
           line->text[digits - 1] == '=')
        digits--;
    for (size_t i = 0; i < digits; i++) {
        char c = line->text[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            !(c >= '0' && c <= '9') && c != '+' && c != '/')
            return false;
    }
    return true;
}

/* "— name B64" into its name and base64. */
static enum err
split_line(struct line line, struct line *name, struct line *b64)
{
    const char *blank;

    if (!line_skip(&line, SIGNATURE_MARK))
        return ERR_MALFORMED;
    blank = memchr(line.text, ' ', line.len);
    if (blank == NULL || blank == line.text)
        return ERR_MALFORMED;
    name->text = line.text;
    name->len = (size_t)(blank - line.text);
    b64->text = blank + 1;
    b64->len = line.len - name->len - 1;
    /* keyid and one byte are the least that a signature can be. */
    return b64->len >= B64_LEN(KEYID_LEN + 1) && is_b64(b64) ? ERR_OK
                                                             : ERR_MALFORMED;
}

/* Is this line by KEY?  Its keyid stands in the first 8 base64 digits. */
static bool
is_line_of(const struct vkey *key, const struct line *name,
           const struct line *b64)
{
    struct line first = {b64->text, 8};
    uint8_t bytes[6];

    return line_is(name, key->name) &&
           line_b64(&first, bytes, sizeof(bytes)) == ERR_OK &&
           memcmp(bytes, key->keyid, KEYID_LEN) == 0;
}

/* Checks the signature of a line that is by keys[I]. */
static enum err
check_line(const struct vkey *key, const struct line *b64, size_t i,
           struct note *note)
{
    uint8_t bytes[KEYID_LEN + COSIGNATURE_LEN];
    bool is_log = key->type == NOTE_ED25519;
    struct cosignature cosig;
    enum err rc;

    if (line_b64(b64, bytes, KEYID_LEN + (is_log ? 64 : COSIGNATURE_LEN)) !=
        ERR_OK)
        return ERR_VERIFY;
    if (is_log) {
        memcpy(cosig.sig.b, bytes + KEYID_LEN, 64);
        rc = verify_raw(&cosig.sig, &key->pub, note->text, note->text_len);
    } else {
        cosig.time_s = get_u64(bytes + KEYID_LEN);
        memcpy(cosig.sig.b, bytes + KEYID_LEN + 8, 64);
        rc = cosignature_verify(note->text, note->text_len, key, &cosig);
    }
    if (rc != ERR_OK)
        return ERR_VERIFY;
    note->verified |= UINT64_C(1) << i;
    if (!is_log && cosig.time_s > note->time_s[i])
        note->time_s[i] = cosig.time_s;
    return ERR_OK;
}

enum err
note_open(const void *bytes, size_t len, const struct vkey *keys, size_t n_keys,
          struct note *out)
{
    struct note note = {0};
    struct line line, name, b64;
    struct rd sigs;

    if (n_keys > NOTE_KEYS_MAX)
        return ERR_TOOBIG;
    if (split_note(bytes, len, &note, &sigs) != ERR_OK)
        return ERR_MALFORMED;
    for (unsigned lines = 0; line_next(&sigs, &line); lines++) {
        if (lines == NOTE_LINES_MAX || split_line(line, &name, &b64) != ERR_OK)
            return ERR_MALFORMED;
        for (size_t i = 0; i < n_keys; i++)
            if (is_line_of(&keys[i], &name, &b64) &&
                check_line(&keys[i], &b64, i, &note) != ERR_OK)
                return ERR_VERIFY;
    }
    if (sigs.left != 0)
        return ERR_MALFORMED;
    *out = note;
    return ERR_OK;
}

/* ---- checkpoints ---- */

/* The text into OUT with a terminator; its length, or 0 for a bad origin. */
static size_t
write_checkpoint(const char *origin, uint64_t size, const struct hash *root,
                 char out[CHECKPOINT_TEXT_MAX + 1])
{
    char b64[B64_LEN(32) + 1];

    if (!is_name(origin, strlen(origin)))
        return 0;
    b64_encode(b64, root->b, sizeof(root->b));
    return (size_t)snprintf(out, CHECKPOINT_TEXT_MAX + 1,
                            "%s\n%" PRIu64 "\n%s\n", origin, size, b64);
}

enum err
checkpoint_text(const struct checkpoint *cp, struct buf *out)
{
    char text[CHECKPOINT_TEXT_MAX + 1];
    size_t len = write_checkpoint(cp->origin, cp->size, &cp->root, text);

    if (len == 0)
        return ERR_MALFORMED;
    buf_put(out, text, len);
    return buf_status(out);
}

enum err
checkpoint_parse(const char *text, size_t len, struct checkpoint *out)
{
    struct rd r = rd_from(text, len);
    struct line origin, size, root;
    struct checkpoint cp = {0};

    if (!line_next(&r, &origin) || !line_next(&r, &size) ||
        !line_next(&r, &root) || rd_end(&r) != ERR_OK)
        return ERR_MALFORMED;
    if (!is_name(origin.text, origin.len) ||
        line_u64(&size, &cp.size) != ERR_OK ||
        line_b64(&root, cp.root.b, sizeof(cp.root.b)) != ERR_OK)
        return ERR_MALFORMED;
    memcpy(cp.origin, origin.text, origin.len);
    *out = cp;
    return ERR_OK;
}

enum err
checkpoint_sign(const struct checkpoint *cp, const struct vkey *key,
                const struct sign_secret *secret, struct buf *out)
{
    char text[CHECKPOINT_TEXT_MAX + 1];
    size_t len = write_checkpoint(cp->origin, cp->size, &cp->root, text);

    if (len == 0)
        return ERR_MALFORMED;
    return note_sign(text, len, key, secret, out);
}

/* ---- heads ---- */

bool
head_is_none(const struct head *head)
{
    static const struct head none;

    return head->size == 0 && id_eq(&head->root, &none.root) &&
           id_eq(&head->sig, &none.sig);
}

void
head_encode(const struct head *head, uint8_t out[HEAD_LEN])
{
    put_u64(out, head->size);
    memcpy(out + 8, head->root.b, 32);
    memcpy(out + 40, head->sig.b, 64);
}

void
head_decode(const uint8_t bytes[HEAD_LEN], struct head *out)
{
    out->size = get_u64(bytes);
    memcpy(out->root.b, bytes + 8, 32);
    memcpy(out->sig.b, bytes + 40, 64);
}

enum err
head_sign(struct head *head, const char *origin,
          const struct sign_secret *secret)
{
    char text[CHECKPOINT_TEXT_MAX + 1];
    size_t len = write_checkpoint(origin, head->size, &head->root, text);

    if (len == 0)
        return ERR_MALFORMED;
    sign_raw(&head->sig, secret, text, len);
    return ERR_OK;
}

enum err
head_verify(const struct head *head, const struct vkey *log)
{
    char text[CHECKPOINT_TEXT_MAX + 1];
    size_t len = write_checkpoint(log->name, head->size, &head->root, text);

    if (len == 0 || log->type != NOTE_ED25519)
        return ERR_VERIFY;
    return verify_raw(&head->sig, &log->pub, text, len);
}

enum err
head_to_note(const struct head *head, const struct vkey *log, struct buf *out)
{
    char text[CHECKPOINT_TEXT_MAX + 1];
    size_t len = write_checkpoint(log->name, head->size, &head->root, text);

    if (len == 0)
        return ERR_MALFORMED;
    buf_put(out, text, len);
    buf_u8(out, '\n');
    put_signature_line(out, log, head->sig.b, sizeof(head->sig.b));
    return buf_status(out);
}

/* The log's own signature: Ed25519 is not malleable under verify_raw's strict
 * check, yet the head must carry the very bytes that stood in the note. */
static enum err
find_signature(const struct note *note, const char *end, const struct vkey *log,
               struct sig *out)
{
    const char *sigs = note->text + note->text_len + 1;
    struct rd r = rd_from(sigs, (size_t)(end - sigs));
    struct line line, name, b64;
    uint8_t bytes[KEYID_LEN + 64];

    while (line_next(&r, &line)) {
        if (split_line(line, &name, &b64) != ERR_OK ||
            !is_line_of(log, &name, &b64))
            continue;
        if (line_b64(&b64, bytes, sizeof(bytes)) != ERR_OK)
            return ERR_VERIFY;
        memcpy(out->b, bytes + KEYID_LEN, 64);
        return ERR_OK;
    }
    return ERR_VERIFY;
}

enum err
head_from_note(const void *bytes, size_t len, const struct vkey *log,
               const struct vkey *witnesses, size_t n_witnesses,
               struct head *out, struct note *note)
{
    struct note by_log, by_witnesses;
    struct checkpoint cp;
    struct head head;
    enum err rc = note_open(bytes, len, log, 1, &by_log);

    if (rc == ERR_OK)
        rc = note_open(bytes, len, witnesses, n_witnesses, &by_witnesses);
    if (rc == ERR_OK)
        rc = checkpoint_parse(by_log.text, by_log.text_len, &cp);
    if (rc != ERR_OK)
        return rc;
    if (log->type != NOTE_ED25519 || by_log.verified == 0 ||
        strcmp(cp.origin, log->name) != 0)
        return ERR_VERIFY;
    head.size = cp.size;
    head.root = cp.root;
    rc = find_signature(&by_log, (const char *)bytes + len, log, &head.sig);
    if (rc != ERR_OK)
        return rc;
    *out = head;
    if (note != NULL)
        *note = by_witnesses;
    return ERR_OK;
}

#include "server/control_log.h"

#include <inttypes.h>
#include <string.h>

#include "proto/lines.h"
#include "proto/merkle.h"
#include "server/cosigning.h"
#include "server/relay.h"

/* ---- words of a line: one space between two ---- */

/* Takes the next word; false when none is left. */
static bool
word(struct line *rest, struct line *out)
{
    const char *space =
        rest->len == 0 ? NULL : memchr(rest->text, ' ', rest->len);
    size_t len = space == NULL ? rest->len : (size_t)(space - rest->text);

    if (len == 0 || len + 1 == rest->len)
        return false;
    *out = (struct line){rest->text, len};
    rest->text += len + (space != NULL);
    rest->len -= len + (space != NULL);
    return true;
}

static bool
log_word(struct line *rest, enum store_log *out)
{
    struct line w;

    if (!word(rest, &w))
        return false;
    *out = line_is(&w, "directory") ? STORE_DIRECTORY : STORE_DELIVERY;
    return *out == STORE_DIRECTORY || line_is(&w, "delivery");
}

static bool
number_word(struct line *rest, uint64_t *out)
{
    struct line w;

    return word(rest, &w) && line_u64(&w, out) == ERR_OK;
}

/* ---- the verbs ---- */

static enum err
checkpoint(struct relay *r, struct line rest, struct buf *out)
{
    enum store_log log;
    struct head head;

    if (!log_word(&rest, &log) || rest.len != 0)
        return ERR_MALFORMED;
    cosigning_head(r, log, &head);
    if (head.size == 0)
        return ERR_NOTFOUND;
    return head_to_note(&head, store_vkey(r->store, log), out);
}

static enum err
consistency(struct relay *r, struct line rest, struct buf *out)
{
    struct hash path[MERKLE_PATH_MAX];
    char b64[48];
    enum store_log log;
    uint64_t old, size;
    size_t n = 0;
    enum err rc;

    if (!log_word(&rest, &log) || !number_word(&rest, &old) ||
        !number_word(&rest, &size) || rest.len != 0)
        return ERR_MALFORMED;
    rc = store_consistency(r->reader, log, old, size, path, &n);
    if (rc != ERR_OK)
        return rc;
    buf_printf(out, "n=%zu\n", n);
    for (size_t i = 0; i < n; i++) {
        b64_encode(b64, path[i].b, sizeof(path[i].b));
        buf_printf(out, "%s\n", b64);
    }
    return buf_status(out);
}

static enum err
cosign(struct relay *r, struct line rest, struct buf *out)
{
    uint8_t note[CONTROL_LINE_MAX];
    struct line b64;
    enum store_log log;
    unsigned taken = 0;
    size_t len;
    enum err rc;

    if (!log_word(&rest, &log) || !word(&rest, &b64) || rest.len != 0 ||
        b64_decode(note, sizeof(note), &len, b64.text, b64.len) != ERR_OK)
        return ERR_MALFORMED;
    rc = cosigning_take(r->cosigning, log, (struct span){note, len}, &taken);
    if (rc == ERR_OK)
        buf_printf(out, "taken=%u\n", taken);
    return rc;
}

static const struct {
    const char *name;
    enum err (*run)(struct relay *r, struct line rest, struct buf *out);
} verbs[] = {
    {"checkpoint ", checkpoint},
    {"consistency ", consistency},
    {"cosign ", cosign},
};

enum err
control_log(struct relay *r, const char *line, struct buf *out)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        struct line rest = {line, strlen(line)};

        if (line_skip(&rest, verbs[i].name))
            return verbs[i].run(r, rest, out);
    }
    return ERR_UNSUPPORTED;
}

/*
 * handle_log.c - proofs and tiles of both logs, for who wants to check.
 */
#include <string.h>

#include "proto/merkle.h"
#include "server/handlers.h"
#include "server/relay.h"

static void
answer_path(struct session *s, uint32_t req, enum err rc,
            const struct hash *path, size_t n)
{
    struct msg_field items[MERKLE_PATH_MAX];
    struct msg_field f[1];

    if (rc == ERR_STATE || rc == ERR_NOTFOUND) {
        session_error(s, req, PERR_NOTFOUND, "the log is not that long");
        return;
    }
    if (rc != ERR_OK) {
        session_error(s, req, PERR_INTERNAL, err_text(rc));
        return;
    }
    for (size_t i = 0; i < n; i++)
        items[i] = msg_bin(path[i].b, sizeof(path[i].b));
    f[PROOF_HASHES] = msg_list(items, n);
    session_send(s, MSG_PROOF, req, f, 1);
}

void
handle_proof_get(struct session *s, const struct msg *m, const uint8_t *bytes,
                 size_t len)
{
    struct hash path[MERKLE_PATH_MAX];
    size_t n = 0;
    enum err rc = store_inclusion(
        session_relay(s)->reader, (enum store_log)m->f[PROOF_GET_LOG].u,
        m->f[PROOF_GET_INDEX].u, m->f[PROOF_GET_SIZE].u, path, &n);

    (void)bytes;
    (void)len;
    answer_path(s, m->req, rc, path, n);
}

void
handle_consistency_get(struct session *s, const struct msg *m,
                       const uint8_t *bytes, size_t len)
{
    struct hash path[MERKLE_PATH_MAX];
    size_t n = 0;
    enum err rc = store_consistency(
        session_relay(s)->reader, (enum store_log)m->f[CONSISTENCY_GET_LOG].u,
        m->f[CONSISTENCY_GET_M].u, m->f[CONSISTENCY_GET_N].u, path, &n);

    (void)bytes;
    (void)len;
    answer_path(s, m->req, rc, path, n);
}

void
handle_tile_get(struct session *s, const struct msg *m, const uint8_t *bytes,
                size_t len)
{
    const struct msg_field *f = &m->f[TILE_GET_PATH];
    char path[65] = "";
    struct buf tile = {0};
    enum err rc;

    (void)bytes;
    (void)len;
    memcpy(path, f->p, f->len);
    rc = store_tile(session_relay(s)->reader,
                    (enum store_log)m->f[TILE_GET_LOG].u, path, &tile);
    if (rc == ERR_OK) {
        struct msg_field out[] = {[TILE_BYTES] = msg_bin(tile.data, tile.len)};
        session_send(s, MSG_TILE, m->req, out, 1);
    } else {
        session_error(s, m->req,
                      rc == ERR_MALFORMED  ? PERR_MALFORMED
                      : rc == ERR_NOTFOUND ? PERR_NOTFOUND
                                           : PERR_INTERNAL,
                      NULL);
    }
    buf_clear(&tile);
}

void
handle_cosigned_get(struct session *s, const struct msg *m,
                    const uint8_t *bytes, size_t len)
{
    struct buf note = {0};
    enum err rc = store_cosigned(session_relay(s)->reader,
                                 (enum store_log)m->f[COSIGNED_GET_LOG].u,
                                 m->f[COSIGNED_GET_SIZE].u, &note);

    (void)bytes;
    (void)len;
    if (rc == ERR_OK) {
        struct msg_field out[] = {[COSIGNED_CHECKPOINT] =
                                      msg_bin(note.data, note.len)};
        session_send(s, MSG_COSIGNED, m->req, out, 1);
    } else if (rc == ERR_NOTFOUND) {
        session_error(s, m->req, PERR_NOTFOUND,
                      "no such head is cosigned by enough witnesses");
    } else {
        session_error(s, m->req, PERR_INTERNAL, err_text(rc));
    }
    buf_clear(&note);
}

/*
 * note.h - signed notes, checkpoints and cosignatures as text and as the short
 * form that travels inside packets (c2sp.org/signed-note, tlog-checkpoint,
 * tlog-cosignature; PROTOCOL.md section 14.1).  Knows no trees and no store.
 */
#ifndef SEALPOST_PROTO_NOTE_H
#define SEALPOST_PROTO_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"

enum {
    NOTE_NAME_MAX = 255,      /* bytes of a key name or origin */
    NOTE_LEN_MAX = 64 * 1024, /* bytes of a note; longer ones are not read */
    NOTE_LINES_MAX = 64,      /* signature lines of a note */
    NOTE_KEYS_MAX = 64,       /* keys one call looks for */
    CHECKPOINT_TEXT_MAX = NOTE_NAME_MAX + 1 + 20 + 1 + 44 + 1,
};

enum note_type {
    NOTE_ED25519 = 1,     /* a log: Ed25519 over the text */
    NOTE_COSIGNATURE = 4, /* a witness: cosignature/v1, checkpoints only */
};

/* A verifier: who may have signed.  Made by vkey_make or vkey_parse only. */
struct vkey {
    char name[NOTE_NAME_MAX + 1];
    uint8_t keyid[4];
    uint8_t type; /* enum note_type */
    struct sign_key pub;
};

/* ERR_MALFORMED when NAME is empty, too long, or holds anything but visible
 * ASCII without '+' (the format allows more of Unicode; we do not need it). */
enum err vkey_make(struct vkey *out, const char *name, enum note_type type,
                   const struct sign_key *pub);
/* `name+<8 hex keyid>+B64(type || public key)`.  Parsing checks the keyid;
 * ERR_UNSUPPORTED for another type of key. */
enum err vkey_parse(struct vkey *out, const char *text, size_t len);
void vkey_format(const struct vkey *key, struct buf *out);

/*
 * Appends the whole note with one Ed25519 signature.  TEXT ends in a line
 * feed.  ERR_MALFORMED when TEXT could not be read back; ERR_STATE when SECRET
 * is not the key of KEY; ERR_NOMEM.
 */
enum err note_sign(const char *text, size_t text_len, const struct vkey *key,
                   const struct sign_secret *secret, struct buf *out);

/* What note_open found.  TEXT points into the note. */
struct note {
    const char *text;
    size_t text_len;                /* with its last line feed */
    uint64_t verified;              /* bit i: keys[i] has signed */
    uint64_t time_s[NOTE_KEYS_MAX]; /* of keys[i] when it is a witness and has
                                       signed */
};
/*
 * Splits at the last empty line and checks every line of the KEYS (at most
 * NOTE_KEYS_MAX, else ERR_TOOBIG); unknown signers are ignored.  ERR_MALFORMED:
 * not a note.  ERR_VERIFY: a known signer's signature is wrong (each must hold
 * when it stands there more than once; TIME_S is then the newest).  That no
 * known signer has signed is no error here: look at VERIFIED.
 */
enum err note_open(const void *bytes, size_t len, const struct vkey *keys,
                   size_t n_keys, struct note *out);

/* A checkpoint.  Ours have no extension lines; foreign ones are refused. */
struct checkpoint {
    char origin[NOTE_NAME_MAX + 1];
    uint64_t size;
    struct hash root;
};
/* Appends `origin\nsize\nB64(root)\n`. */
enum err checkpoint_text(const struct checkpoint *cp, struct buf *out);
enum err checkpoint_parse(const char *text, size_t len, struct checkpoint *out);
/* Appends the whole signed note. */
enum err checkpoint_sign(const struct checkpoint *cp, const struct vkey *key,
                         const struct sign_secret *secret, struct buf *out);

/*
 * The short form of PROTOCOL.md section 14.1: size, root and the log's
 * signature; the text is rebuilt from the origin, which equals the name of the
 * log's key.  SIZE 0 with zero root and signature means "none seen"
 * (head_is_none).
 */
struct head {
    uint64_t size;
    struct hash root;
    struct sig sig;
};
enum { HEAD_LEN = 8 + 32 + 64 };

bool head_is_none(const struct head *head);
/* u64 size || root || sig, HEAD_LEN bytes. */
void head_encode(const struct head *head, uint8_t out[HEAD_LEN]);
void head_decode(const uint8_t bytes[HEAD_LEN], struct head *out);
/* Sets SIG over the checkpoint text of (origin, size, root).  ERR_MALFORMED
 * for an origin that cannot be a name. */
enum err head_sign(struct head *head, const char *origin,
                   const struct sign_secret *secret);
/* ERR_VERIFY when LOG (an Ed25519 vkey) has not signed this head. */
enum err head_verify(const struct head *head, const struct vkey *log);
/* Appends the checkpoint as a signed note: what others read. */
enum err head_to_note(const struct head *head, const struct vkey *log,
                      struct buf *out);
/* A note back to its head.  ERR_VERIFY when LOG has not signed it or the
 * origin is another; NOTE (may be NULL) tells about the WITNESSES. */
enum err head_from_note(const void *bytes, size_t len, const struct vkey *log,
                        const struct vkey *witnesses, size_t n_witnesses,
                        struct head *out, struct note *note);

/* cosignature/v1 by a witness over a checkpoint text: the bytes of the note
 * line after the keyid are u64 time || Ed25519. */
struct cosignature {
    uint64_t time_s;
    struct sig sig;
};
enum err cosignature_sign(const char *text, size_t text_len, uint64_t time_s,
                          const struct sign_secret *secret,
                          struct cosignature *out);
enum err cosignature_verify(const char *text, size_t text_len,
                            const struct vkey *witness,
                            const struct cosignature *cosig);
/* Appends the signature line of a cosignature, to stand below a note. */
void cosignature_line(const struct vkey *witness,
                      const struct cosignature *cosig, struct buf *out);

#endif

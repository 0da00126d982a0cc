/*
 * blobs.h - attachments as sealed files of the vault: a file from outside comes
 * in sealed, goes up, comes down, and leaves opened.  The ciphertext on disk is
 * exactly what travels.  Memory is one chunk, whatever the size.
 *
 * REC_BLOB names the file; it is written before the file is made, and dropped
 * before the file is deleted.  Its id is the first 16 bytes of
 * SHA-256("sealpost/1/blob-record\0" || sender agency(16) || att_id(16)):
 * whoever got an attachment knows its att_id, and may use it for other bytes.
 * Which packets need it is asked of the packets (blobs_sweep).
 */
#ifndef SEALPOST_CLIENT_BLOBS_H
#define SEALPOST_CLIENT_BLOBS_H

#include <stdint.h>

#include "client/desk.h"
#include "client/mail.h"
#include "proto/packet.h"

/* Seals the file at PATH, OWNER's, under a new id and key.  Fills ATT (key
 * included: wipe it), and NAME with the base name.  A file that vanishes, grows
 * or shrinks meanwhile is P_ATTACHMENT naming it; nothing stays behind. */
enum err blob_seal(struct app *app, const struct agency_id *owner,
                   const char *path, struct packet_att *att, char name[256],
                   struct problem *pb);
/* Uploads what the relay lacks of it and completes it there. */
enum err blob_upload(struct desk *d, const struct mail_att *att,
                     struct problem *pb);
/* Downloads what is missing of it, checks the digest, and that every chunk
 * opens under KEY.  ERR_VERIFY without a problem: the sender's file cannot be
 * opened.  Other errors with one. */
enum err blob_download(struct desk *d, const struct mail_att *att,
                       const uint8_t key[32], struct problem *pb);
/* Writes the opened file to FD. */
enum err blob_open_to(struct app *app, const struct mail_att *att,
                      const uint8_t key[32], int fd, struct problem *pb);
/* How long files of a packet that did not arrive stay for another. */
enum { BLOBS_LOST_DAYS = 30 };
/* Is its sealed file here, whole? */
bool blob_is_here(struct app *app, const struct mail_att *att);
/* Deletes files that no packet needs any more: none received here, none sent
 * that still waits or may be sent on.  Cheap when there are no attachments. */
enum err blobs_sweep(struct app *app, struct problem *pb);
/* Right after blob_seal, when the packet is given up. */
void blob_forget(struct app *app, const struct agency_id *owner,
                 const struct att_id *id);

#endif

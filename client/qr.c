#include "client/qr.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <qrencode.h>

#include "proto/crypto.h"

enum { QUIET = 4 }; /* modules of white around it, as the standard asks */

/* Outside of the code everything is light. */
static bool
is_dark(const QRcode *qr, int x, int y)
{
    return x >= 0 && y >= 0 && x < qr->width && y < qr->width &&
           (qr->data[y * qr->width + x] & 1) != 0;
}

/* White on black letters: a full block is light, a space is dark. */
static const char *
cell(bool upper_dark, bool lower_dark)
{
    if (upper_dark && lower_dark)
        return " ";
    if (upper_dark)
        return "\u2584"; /* lower half block */
    return lower_dark ? "\u2580" : "\u2588";
}

static void
draw(struct buf *out, const QRcode *qr)
{
    for (int y = -QUIET; y < qr->width + QUIET; y += 2) {
        buf_str(out, "  ");
        for (int x = -QUIET; x < qr->width + QUIET; x++)
            buf_str(out, cell(is_dark(qr, x, y), is_dark(qr, x, y + 1)));
        buf_str(out, "\n");
    }
}

enum err
qr_draw(struct buf *out, const char *text)
{
    QRcode *qr = QRcode_encodeData(
        (int)strlen(text), (const unsigned char *)text, 0, QR_ECLEVEL_M);

    if (qr == NULL)
        return errno == ENOMEM ? ERR_NOMEM : ERR_TOOBIG;
    draw(out, qr);
    crypto_wipe(qr->data, (size_t)qr->width * (size_t)qr->width);
    QRcode_free(qr);
    return buf_status(out);
}

/* os_posix_inside.h - shared by os_posix*.c alone. */
#ifndef SEALPOST_COMMON_OS_POSIX_INSIDE_H
#define SEALPOST_COMMON_OS_POSIX_INSIDE_H

#include "common/buf.h"
#include "common/err.h"

enum { OS_NO_WRITER = -1 }; /* beside the numbers of errno */

/* Remembers errno NUMBER for os_last_error_text(), and says what it means. */
enum err os_fail(int number);
/* Back to LEN bytes, the rest wiped: output of a call that failed. */
void os_undo(struct buf *buf, size_t len);

#endif

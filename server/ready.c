#include "server/ready.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/os.h"

static enum err
write_address(const char *data_dir, const struct buf *line)
{
    char path[OS_PATH_MAX];
    enum err rc = os_path_join(path, sizeof(path), data_dir, "run/address");

    return rc == ERR_OK
               ? os_write_file_atomic(path, line->data, line->len, 0644)
               : rc;
}

enum err
ready_tell(const char *data_dir, const char *address, const char *http,
           int ready_fd)
{
    struct buf line = {0};
    enum err rc;

    buf_printf(&line, "%s\n", address);
    rc = buf_status(&line);
    if (rc == ERR_OK)
        rc = write_address(data_dir, &line);
    if (rc == ERR_OK) {
        (void)fwrite(line.data, 1, line.len, stdout);
        (void)fflush(stdout);
    }
    buf_reset(&line);
    buf_printf(&line, "ready %s%s%s\n", address, http[0] != '\0' ? " " : "",
               http);
    if (rc == ERR_OK)
        rc = buf_status(&line);
    if (rc == ERR_OK && ready_fd >= 0)
        rc = os_write_all(ready_fd, line.data, line.len);
    buf_clear(&line);
    return rc;
}

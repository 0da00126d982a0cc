/* Paths of requests that name files: what passes is written anew. */
#include <stdlib.h>
#include <string.h>

#include "server/http_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct http_path p;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (http_path_parse(text, &p) == ERR_OK &&
        (text[0] != '/' || strcmp(text + 1, p.file) != 0 ||
         strstr(p.file, "..") != NULL || strstr(p.file, "//") != NULL))
        abort();
    free(text);
    return 0;
}

#!/bin/sh
# embed.sh FILE.json... - the files as one C table, see client/profiles.h
echo '#include "client/profiles.h"'
i=0
table=
for f in "$@"; do
    echo "static const unsigned char file_$i[] = {"
    od -An -v -tx1 "$f" | sed 's/ *\([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo '0x00};'
    table="$table{\"$(basename "$f" .json)\", file_$i, sizeof(file_$i) - 1},
"
    i=$((i + 1))
done
echo 'const struct profile_file profile_files[] = {'
echo "$table};"
echo "const size_t profile_files_count = $i;"

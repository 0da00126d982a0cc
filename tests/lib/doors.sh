#!/bin/sh
# doors.sh - one door per library: only these files may include its header.
status=0
door() { # HEADER-PATTERN FILE-PATTERN
    found=$(grep -snE "#include <$1>" common/*.[ch] proto/*.[ch] server/*.[ch] \
        client/*.[ch] /dev/null | grep -vE "^($2):")
    [ -z "$found" ] && return
    echo "$found"
    echo "only $2 may include <$1>"
    status=1
}
door 'sodium.*\.h' 'proto/crypto[a-z_]*\.c'
door 'msgpack.*\.h' 'proto/msg[a-z_]*\.c'
door 'sqlite3\.h' 'server/store[a-z_]*\.[ch]|client/index[a-z_]*\.[ch]'
door 'utf8proc\.h' 'common/text\.c'
door 'ini\.h' 'common/config\.c'
door 'qrencode\.h' 'client/qr\.c'
door 'curl/.*\.h' 'common/http_client\.c'
door 'microhttpd\.h' 'common/http_server[a-z_]*\.[ch]'
# The operating system has one door on the client's side of the house.
os='(fcntl|unistd|termios|poll|dirent|sys/[a-z]+|netinet/[a-z]+|arpa/inet)\.h'
found=$(grep -snE "#include <$os>" common/*.[ch] proto/*.[ch] client/*.[ch] \
    /dev/null | grep -vE '^common/(os_posix[a-z_]*|stream[a-z_]*|acceptor)\.c:')
if [ -n "$found" ]; then
    echo "$found"
    echo "only common/os_posix*.c may include those"
    status=1
fi
# Reading and writing a stream is common/stream.c's.
found=$(grep -snE '\buv_(read_start|write|try_write|accept|listen)\(' \
    common/*.[ch] proto/*.[ch] server/*.[ch] client/*.[ch] /dev/null |
    grep -vE '^common/(stream[a-z_]*|acceptor)\.c:')
if [ -n "$found" ]; then
    echo "$found"
    echo "only common/stream*.c and acceptor.c read, write and accept"
    status=1
fi
exit $status

// Word server: who sends a text gets each of its words back, in a message of its own. Sockets of POSIX alone.
//
// A message is a length and then so many bytes. The protocol, with its two ways to write a length, is in unit.md.

#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The most bytes that a message may have behind its length.
#define LIMIT 4096

// The most digits of a decimal size: as many as the largest number of four bytes has.
#define DIGITS 10

// An answer is longest when every other byte of the text is a word: each has a length of its own.
#define ANSWER (LIMIT * 3 + DIGITS)

// How a length is written. Nothing on the wire says it, so both sides have to know.
static int decimal;

// What the beginning of the received bytes is.
enum found { NOT_ALL_THERE, A_LENGTH, BAD_LENGTH };

void not_yet_implemented(const char *hole) {
    fprintf(stderr, "not yet implemented: %s\n", hole);
    exit(1);
}

// `send` may take less than it was given. MSG_NOSIGNAL: a client that has left must not end the server by SIGPIPE.
int send_all(int connection, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

// Four bytes of a length, the most significant first.
enum found binary_length(const char *received, size_t count, size_t *mark, uint32_t *length) {
    *mark = 4;
    *length = 0;
    // HOLE Four bytes, the most significant first, are a number. Fewer are none yet.
    if (count < 4) return NOT_ALL_THERE;
    memcpy(length, received, 4);
    *length = ntohl(*length);
    // END
    return A_LENGTH;
}

enum found decimal_size(const char *received, size_t count, size_t *mark, uint32_t *length) {
    size_t digits = 0;
    uint64_t number = 0;
    // HOLE One to DIGITS digits and CR LF are a size. What can still become one is none yet, what cannot is bad.
    for (; digits < count && received[digits] >= '0' && received[digits] <= '9'; digits++) {
        // Ten digits may be more than four bytes hold, and eleven are refused.
        if (digits == DIGITS) return BAD_LENGTH;
        number = 10 * number + (uint64_t)(received[digits] - '0');
    }
    if (count == digits) return NOT_ALL_THERE;
    if (digits == 0 || received[digits] != '\r') return BAD_LENGTH;
    if (count == digits + 1) return NOT_ALL_THERE;
    if (received[digits + 1] != '\n') return BAD_LENGTH;
    // END
    *mark = digits + 2;
    *length = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return A_LENGTH;
}

// The announced number is a stranger's word. It is compared before anything is done with it, and without a sign.
enum found announced(const char *received, size_t count, size_t *mark, uint32_t *length) {
    enum found found = decimal ? decimal_size(received, count, mark, length) : binary_length(received, count, mark, length);
    return found == A_LENGTH && *length > LIMIT ? BAD_LENGTH : found;
}

// Puts `payload` with its length in front to `to`, and says how many bytes that are.
size_t message(char *to, const char *payload, size_t count) {
    size_t mark = 0;
    // HOLE Put the length in front, in the form of the mode. It counts bytes.
    if (decimal) {
        mark = (size_t)sprintf(to, "%zu\r\n", count);
    } else {
        uint32_t length = htonl((uint32_t)count);
        mark = sizeof length;
        memcpy(to, &length, mark);
    }
    // END
    memcpy(to + mark, payload, count);
    return mark + count;
}

// A message for each word of `text`, and one without bytes behind the last.
size_t answer(char *to, const char *text, size_t count) {
    size_t end = 0;
    // HOLE Words are what is between spaces. Between two spaces is none.
    for (size_t begin = 0, at = 0; at <= count; at++) {
        if (at < count && text[at] != ' ') continue;
        if (at > begin) end += message(to + end, text + begin, at - begin);
        begin = at + 1;
    }
    // END
    return end + message(to + end, "", 0);
}

// One client, from its first byte to its last.
void *serve(void *argument) {
    int connection = (int)(intptr_t)argument;
    // Room for the largest message. What is in it and is no whole message yet stays for the next read.
    char received[DIGITS + 2 + LIMIT], answered[ANSWER];
    size_t held = 0, mark = 0;
    uint32_t length = 0;
    for (;;) {
        ssize_t count = recv(connection, received + held, sizeof received - held, 0);
        if (count <= 0) break;
        held += (size_t)count;
        enum found found = announced(received, held, &mark, &length);
        // HOLE As long as `received` begins with a whole message, send its answer, take it out, and look again.
        //  Its length takes `mark` bytes, and then `length` bytes follow.
        while (found == A_LENGTH && held >= mark + length) {
            // The whole answer in one write: its parts would go as segments of their own.
            if (send_all(connection, answered, answer(answered, received + mark, length)) < 0) break;
            held -= mark + length;
            memmove(received, received + mark + length, held);
            found = announced(received, held, &mark, &length);
        }
        // END
        if (found == BAD_LENGTH) {
            send_all(connection, answered, message(answered, "error bad length", 16));
            break;
        }
    }
    close(connection);
    return NULL;
}

int main(int count, char **arguments) {
    int port = count > 1 ? atoi(arguments[1]) : 7000;
    decimal = count > 2 && strcmp(arguments[2], "decimal") == 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0) {
        perror("word server");
        return 1;
    }
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) continue;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection) == 0) pthread_detach(thread);
        else close(connection);
    }
}

// Wrong on purpose: takes it for granted that `recv` brings all four bytes of a length.

#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT 4096

#define DIGITS 10

#define ANSWER (LIMIT * 3 + DIGITS)

static int decimal;

enum found { NOT_ALL_THERE, A_LENGTH, BAD_LENGTH };

int send_all(int connection, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

enum found binary_length(const char *received, size_t count, size_t *mark, uint32_t *length) {
    *mark = 4;
    *length = 0;
    if (count < 4) return NOT_ALL_THERE;
    memcpy(length, received, 4);
    *length = ntohl(*length);
    return A_LENGTH;
}

enum found decimal_size(const char *received, size_t count, size_t *mark, uint32_t *length) {
    size_t digits = 0;
    uint64_t number = 0;
    for (; digits < count && received[digits] >= '0' && received[digits] <= '9'; digits++) {
        if (digits == DIGITS) return BAD_LENGTH;
        number = 10 * number + (uint64_t)(received[digits] - '0');
    }
    if (count == digits) return NOT_ALL_THERE;
    if (digits == 0 || received[digits] != '\r') return BAD_LENGTH;
    if (count == digits + 1) return NOT_ALL_THERE;
    if (received[digits + 1] != '\n') return BAD_LENGTH;
    *mark = digits + 2;
    *length = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return A_LENGTH;
}

enum found announced(const char *received, size_t count, size_t *mark, uint32_t *length) {
    enum found found = decimal ? decimal_size(received, count, mark, length) : binary_length(received, count, mark, length);
    return found == A_LENGTH && *length > LIMIT ? BAD_LENGTH : found;
}

size_t message(char *to, const char *payload, size_t count) {
    size_t mark = 0;
    if (decimal) {
        mark = (size_t)sprintf(to, "%zu\r\n", count);
    } else {
        uint32_t length = htonl((uint32_t)count);
        mark = sizeof length;
        memcpy(to, &length, mark);
    }
    memcpy(to + mark, payload, count);
    return mark + count;
}

size_t answer(char *to, const char *text, size_t count) {
    size_t end = 0;
    for (size_t begin = 0, at = 0; at <= count; at++) {
        if (at < count && text[at] != ' ') continue;
        if (at > begin) end += message(to + end, text + begin, at - begin);
        begin = at + 1;
    }
    return end + message(to + end, "", 0);
}

void *serve(void *argument) {
    int connection = (int)(intptr_t)argument;
    for (;;) {
        char received[4] = {0}, text[LIMIT], answered[ANSWER];
        ssize_t count = recv(connection, received, 4, 0);
        if (count <= 0) break;
        count = 4;
        uint32_t length = 0;
        size_t mark = 0;
        if (announced(received, (size_t)count, &mark, &length) == BAD_LENGTH) {
            send_all(connection, answered, message(answered, "error bad length", 16));
            break;
        }
        if (length > 0 && recv(connection, text, length, MSG_WAITALL) != (ssize_t)length) break;
        if (send_all(connection, answered, answer(answered, text, length)) < 0) break;
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

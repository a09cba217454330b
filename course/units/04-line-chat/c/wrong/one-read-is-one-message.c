// Wrong on purpose: what one recv returns is taken for one line.

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT 1024

struct client {
    int number;
    int stream;
    struct client *next;
};

static struct client *clients = NULL;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool send_all(int stream, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t count = send(stream, bytes, length, 0);
        if (count < 0)
            return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

static void pass_on(int number, const char *line, size_t length) {
    char told[LIMIT + 32];
    size_t head = (size_t)snprintf(told, sizeof told, "%d: ", number);
    memcpy(told + head, line, length);
    told[head + length] = '\n';
    size_t whole = head + length + 1;
    pthread_mutex_lock(&lock);
    for (struct client *other = clients; other != NULL; other = other->next)
        if (other->number != number)
            send_all(other->stream, told, whole);
    pthread_mutex_unlock(&lock);
}

static void refuse(int stream) {
    const char *error = "error line too long\n";
    send_all(stream, error, strlen(error));
}

static void converse(int number, int stream) {
    char received[LIMIT + 2 + 4096];
    size_t held = 0;
    for (;;) {
        ssize_t count = recv(stream, received + held, 4096, 0);
        if (count <= 0)
            return;
        held += (size_t)count;

        size_t length = held;
        while (length > 0 && (received[length - 1] == '\n' || received[length - 1] == '\r'))
            length--;
        if (length > LIMIT) {
            refuse(stream);
            return;
        }
        pass_on(number, received, length);
        held = 0;

        if (held > LIMIT + 1) {
            refuse(stream);
            return;
        }
    }
}

static void *serve(void *argument) {
    struct client *own = argument;
    char greeting[32];
    int length = snprintf(greeting, sizeof greeting, "welcome %d\n", own->number);
    pthread_mutex_lock(&lock);
    own->next = clients;
    clients = own;
    bool greeted = send_all(own->stream, greeting, (size_t)length);
    pthread_mutex_unlock(&lock);
    if (greeted)
        converse(own->number, own->stream);
    pthread_mutex_lock(&lock);
    for (struct client **link = &clients; *link != NULL; link = &(*link)->next)
        if (*link == own) {
            *link = own->next;
            break;
        }
    pthread_mutex_unlock(&lock);
    close(own->stream);
    free(own);
    return NULL;
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)(count > 1 ? atoi(arguments[1]) : 7000));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0) {
        perror("bind and listen");
        return 1;
    }
    for (int number = 1;; number++) {
        int stream = accept(listener, NULL, NULL);
        struct client *client = malloc(sizeof *client);
        pthread_t thread;
        if (stream < 0 || client == NULL) {
            perror("accept");
            return 1;
        }
        *client = (struct client){.number = number, .stream = stream};
        if (pthread_create(&thread, NULL, serve, client) != 0) {
            perror("pthread_create");
            return 1;
        }
        pthread_detach(thread);
    }
}

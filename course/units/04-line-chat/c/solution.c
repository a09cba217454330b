// Line chat: a server, a thread for each client, the system's sockets alone.
//
// What a client says in a line, all others are told: "1: hello". The protocol is in unit.md.

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A line's bytes, without the LF or CR LF that ends it.
#define LIMIT 1024

struct client {
    int number;
    int stream;
    struct client *next;
};

// Everybody who is in, and the lock without which nobody looks at them.
static struct client *clients = NULL;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// What stands in a hole that is still open calls this.
__attribute__((unused)) static void not_yet_implemented(const char *what) {
    fprintf(stderr, "not yet implemented: %s\n", what);
    exit(1);
}

// One call of send() may take a part only.
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

// "1: hello" to everybody but the client who said it.
static void pass_on(int number, const char *line, size_t length) {
    char told[LIMIT + 32];
    size_t head = (size_t)snprintf(told, sizeof told, "%d: ", number);
    memcpy(told + head, line, length);
    told[head + length] = '\n';
    size_t whole = head + length + 1;
    // HOLE Send the `whole` bytes of `told` to all clients in the list but `number`.
    //  One who has left must not keep the others from hearing it.
    pthread_mutex_lock(&lock);
    for (struct client *other = clients; other != NULL; other = other->next)
        if (other->number != number)
            // Who cannot be written to has left; its own thread notices and takes it out.
            send_all(other->stream, told, whole);
    pthread_mutex_unlock(&lock);
    // END
}

static void refuse(int stream) {
    const char *error = "error line too long\n";
    send_all(stream, error, strlen(error));
}

static void converse(int number, int stream) {
    // What has come and is no whole line yet: room for a line, for its ending, and for one read behind it.
    char received[LIMIT + 2 + 4096];
    size_t held = 0;
    for (;;) {
        // HOLE Read what there is behind the `held` bytes of `received`, at most 4096, and add its count to `held`.
        //  When the client has finished, or is gone, return: there will never be more.
        ssize_t count = recv(stream, received + held, 4096, 0);
        if (count <= 0)
            // What is left over is half a line, and half a line is none.
            return;
        held += (size_t)count;
        // END

        // HOLE Take every whole line out of `received`, without its ending, and pass it on.
        //  It ends with LF or CR LF. One of more than LIMIT bytes is refused.
        char *end;
        while ((end = memchr(received, '\n', held)) != NULL) {
            size_t taken = (size_t)(end - received) + 1;
            size_t length = taken - 1;
            if (length > 0 && received[length - 1] == '\r')
                length--;
            if (length > LIMIT) {
                refuse(stream);
                return;
            }
            pass_on(number, received, length);
            held -= taken;
            memmove(received, received + taken, held);
        }
        // END

        // HOLE Refuse a line that is too long already, though its end has not come: there is no room for more of it.
        //  One more than LIMIT may be the CR of a line that is just not too long.
        if (held > LIMIT + 1) {
            refuse(stream);
            return;
        }
        // END
    }
}

// One client, from its first byte to its last.
static void *serve(void *argument) {
    struct client *own = argument;
    char greeting[32];
    int length = snprintf(greeting, sizeof greeting, "welcome %d\n", own->number);
    // Into the list and greeted under one lock, so that nobody's line comes before the greeting.
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
    // Who writes to a client that has left is sent this signal, and without a handler it ends the program.
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
    printf("listening at 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
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

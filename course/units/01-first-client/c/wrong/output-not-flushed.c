// Wrong on purpose: into a pipe, `puts` keeps its text until there is much of it.

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE = 2048 };

static void fail(const char *what)
{
    fprintf(stderr, "first-client: %s\n", what);
    exit(1);
}

static int connect_to(int port)
{
    int connection = -1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("first-client: connect");
        exit(1);
    }
    return connection;
}

void send_all(int connection, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t count = write(connection, text, left);
        if (count < 0)
            fail("the server does not take what is sent to it");
        text += count;
        left -= count;
    }
}

void reply(FILE *server, char line[LINE])
{
    if (fgets(line, LINE, server) == NULL)
        fail("the server closed before it had replied");
    char *end = strchr(line, '\n');
    if (end == NULL)
        fail("the server closed before its reply was whole");
    if (end > line && end[-1] == '\r')
        end -= 1;
    *end = '\0';
}

void ask(int connection, FILE *server, const char *command, char answer[LINE])
{
    char line[LINE];
    snprintf(line, sizeof line, "%s\r\n", command);
    send_all(connection, line);
    reply(server, answer);
}

static void echo(int connection, FILE *server)
{
    char line[LINE], answer[LINE];
    while (fgets(line, LINE, stdin) != NULL) {
        send_all(connection, line);
        reply(server, answer);
        puts(answer);
    }
}

static void news(int connection, FILE *server, const char *group)
{
    char command[LINE], answer[LINE], goodbye[LINE], count[21], first[21], last[21];
    snprintf(command, sizeof command, "GROUP %s", group);
    reply(server, answer);
    if (strncmp(answer, "200 ", 4) != 0 && strncmp(answer, "201 ", 4) != 0)
        fail(answer);
    ask(connection, server, command, answer);
    int found = sscanf(answer, "211 %20s %20s %20s", count, first, last) == 3;
    if (found) {
        printf("%s articles, %s to %s\n", count, first, last);
        fflush(stdout);
    }
    ask(connection, server, "QUIT", goodbye);
    if (!found)
        fail(answer);
}

int main(int count, char **words)
{
    signal(SIGPIPE, SIG_IGN);
    int connection = connect_to(count > 1 ? atoi(words[1]) : 7000);
    FILE *server = fdopen(connection, "r");
    if (server == NULL)
        fail("no memory");
    if (count > 3)
        news(connection, server, words[3]);
    else
        echo(connection, server);
    fclose(server);
    return 0;
}

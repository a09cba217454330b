// A client of an echo server, and of a news server that somebody else wrote. The system's sockets alone.
//
//     first-client PORT                sends each line of standard input, and prints the reply
//     first-client PORT news GROUP     asks a news server how many articles the group has
//
// Both protocols are in unit.md.

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A line with its ending; a longer one is no reply of these protocols.
enum { LINE = 2048 };

// What a hole holds until it is filled.
void not_yet_implemented(const char *hole)
{
    fprintf(stderr, "not yet implemented: %s\n", hole);
    exit(1);
}

// Who starts a program learns by its exit code whether it worked; people read why on standard error.
static void fail(const char *what)
{
    fprintf(stderr, "first-client: %s\n", what);
    exit(1);
}

// A connected socket, or the end of the program.
static int connect_to(int port)
{
    int connection = -1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    // HOLE Make a TCP socket in `connection`, and connect it to `port` of 127.0.0.1, which is this machine.
    //  If that fails, say so with perror, and exit with 1.
    // Both in network byte order: the high byte first (RFC 1700, "Data Notation").
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection = socket(AF_INET, SOCK_STREAM, 0);
    // Blocks until the other system has answered: yes (SYN, ACK), no (RST), or nothing, for about two minutes.
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("first-client: connect");
        exit(1);
    }
    // END
    (void)address;
    return connection;
}

// Sends all of `text`: one `write` may take only a part of it.
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

// One line from the server into `line`, without its ending.
void reply(FILE *server, char line[LINE])
{
    // HOLE Read a line with fgets, and take LF or CR LF from its end.
    //  If the server closes before the line is whole, end with `fail`.
    if (fgets(line, LINE, server) == NULL)
        fail("the server closed before it had replied");
    char *end = strchr(line, '\n');
    // No line feed: the end of the stream, and what came before it is no reply.
    if (end == NULL)
        fail("the server closed before its reply was whole");
    if (end > line && end[-1] == '\r')
        end -= 1;
    *end = '\0';
    // END
}

// Sends a command and waits for its answer.
void ask(int connection, FILE *server, const char *command, char answer[LINE])
{
    // HOLE Send `command`. In this protocol a line ends with CR LF. Then read the reply into `answer`.
    char line[LINE];
    snprintf(line, sizeof line, "%s\r\n", command);
    send_all(connection, line);
    reply(server, answer);
    // END
}

// The client speaks first, and the two take turns.
static void echo(int connection, FILE *server)
{
    char line[LINE], answer[LINE];
    while (fgets(line, LINE, stdin) != NULL) {
        // HOLE Send `line`: its line feed is still there. Then wait for the reply, and print it at once.
        send_all(connection, line);
        reply(server, answer);
        puts(answer);
        // Into a pipe or a file the library gathers some kilobytes first, unless it is told to flush.
        fflush(stdout);
        // END
    }
    // Until the hole is filled nobody uses them.
    (void)connection, (void)server, (void)answer;
}

// The server speaks first (RFC 3977 section 5.1), and then the two take turns.
static void news(int connection, FILE *server, const char *group)
{
    char command[LINE], answer[LINE], goodbye[LINE], count[21], first[21], last[21];
    snprintf(command, sizeof command, "GROUP %s", group);
    // HOLE Wait for the greeting: 200 or 201; any other is a failure. Ask for the group with `ask`.
    //  If the answer begins with 211, print "COUNT articles, FIRST to LAST"; else it is a failure.
    //  Either way take your leave with QUIT, and wait for the answer, before you `fail`.
    reply(server, answer);
    if (strncmp(answer, "200 ", 4) != 0 && strncmp(answer, "201 ", 4) != 0)
        fail(answer);
    ask(connection, server, command, answer);
    // "211 count first last group" (section 6.1.1). The three digits are for programs, the text after them for people.
    int found = sscanf(answer, "211 %20s %20s %20s", count, first, last) == 3;
    if (found) {
        printf("%s articles, %s to %s\n", count, first, last);
        fflush(stdout);
    }
    ask(connection, server, "QUIT", goodbye);
    if (!found)
        fail(answer);
    // END
    (void)connection, (void)server, (void)answer, (void)goodbye, (void)count, (void)first, (void)last;
}

int main(int count, char **words)
{
    // Writing to a server that has gone is an error to be told, and not the end of the program by a signal.
    signal(SIGPIPE, SIG_IGN);
    int connection = connect_to(count > 1 ? atoi(words[1]) : 7000);
    // Reads as often as it takes until a line is whole. For reading alone: writing goes past its buffer.
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

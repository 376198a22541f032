/* wsload: a WebSocket crowd that costs almost nothing, so that the server is what is measured.
 *
 *   cc -O2 -o wsload wsload.c
 *   wsload -p PORT[,PORT...] -n SOCKETS [-u PATH | -i FILE] [-H 'Header: value'] [-s 'text frame'] [-r WORD] [-t SECONDS]
 *          [-e BYTES] [-w WANT] [-l 'text frame' -a WORD]
 *
 * Opens SOCKETS connections one after the other (ports and the lines of FILE, one PATH each, are used in turn) and sends every -s frame
 * on each (with -r each must be answered by a frame that contains WORD, and at most 64 may be unanswered). Then it prints "ready", waits
 * for one line on standard input, and counts for SECONDS, or until WANT frames came:
 *   listening    text frames of at least BYTES, so that acknowledgements and the like can be left out. A payload that contains
 *                @<digits>@ carries a CLOCK_MONOTONIC time in ns: the latency is reported.
 *   closed loop  (-l) each socket sends the frame, waits for one that contains WORD (-a), and sends again: the answers are counted, and
 *                the time from sending to answer is the latency.
 * What is not counted is in "others". Prints one JSON line, and stays until standard input ends:
 * {"sockets", "frames", "others", "seconds", "per_second", "cpu", "closed", "p50_ms", "p99_ms", "max_ms"}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 65536, HELLOS = 8, PORTS = 16, AT_ONCE = 64 };
typedef struct { int fd, have, welcomes; long sent_at; unsigned char *buf; } Socket;
static long want = 0, least = 0, frames = 0, others = 0, closed_count = 0, unwelcomed = 0, last;
static long *latency, latencies = 0, latency_room;
static const char *loop_frame = NULL, *loop_word = NULL, *welcome_word = NULL;
static int started = 0;

static long now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000L + t.tv_nsec; }
static int by_value(const void *a, const void *b) { long x = *(const long *)a, y = *(const long *)b; return (x > y) - (x < y); }
static void note_latency(long ns) { if (latencies < latency_room) latency[latencies++] = ns; }
static int contains(const unsigned char *payload, long n, const char *word) { return memmem(payload, n, word, strlen(word)) != NULL; }

static double cpu_seconds(void) {
    struct rusage u; getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void write_all(int fd, const void *data, size_t n) {
    const char *p = data;
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0) { if (errno == EINTR || errno == EAGAIN) continue; return; } /* a closed socket is counted by the reader */
        p += k; n -= k;
    }
}

/* A client frame is masked (RFC 6455 5.3); a mask of zeros leaves the payload as it is. */
static void send_frame(int fd, int opcode, const void *payload, size_t n) {
    unsigned char head[8]; int h = 2;
    head[0] = 0x80 | opcode;
    if (n < 126) head[1] = 0x80 | n; else { head[1] = 0x80 | 126; head[2] = n >> 8; head[3] = n & 255; h = 4; }
    memset(head + h, 0, 4);
    unsigned char out[h + 4 + n]; memcpy(out, head, h + 4); memcpy(out + h + 4, payload, n);
    write_all(fd, out, sizeof out);
}

static void send_again(Socket *s) { s->sent_at = now_ns(); send_frame(s->fd, 1, loop_frame, strlen(loop_frame)); }

static void on_text(Socket *s, const unsigned char *payload, long n, long t) {
    if (!started) {
        if (s->welcomes && contains(payload, n, welcome_word)) { s->welcomes--; unwelcomed--; }
        else if (s->welcomes && contains(payload, n, "\"error\"")) { fprintf(stderr, "refused: %.*s\n", (int)n, payload); exit(1); }
    } else if (loop_frame) {
        if (contains(payload, n, loop_word)) { frames++; note_latency(t - s->sent_at); send_again(s); }
        else if (!others++) fprintf(stderr, "not an answer: %.*s\n", (int)n, payload);
    } else if (n >= least) {
        frames++;
        const unsigned char *stamp = memchr(payload, '@', n);
        while (stamp && !(stamp[1] >= '0' && stamp[1] <= '9')) stamp = memchr(stamp + 1, '@', n - (stamp + 1 - payload));
        if (stamp) note_latency(t - strtol((const char *)stamp + 1, NULL, 10));
    } else others++;
}

static void on_bytes(Socket *s, long t) {
    int at = 0;
    while (s->have - at >= 2) {
        unsigned char *f = s->buf + at; long n = f[1] & 127; int h = 2;
        if (n == 126) { if (s->have - at < 4) break; n = f[2] << 8 | f[3]; h = 4; }
        else if (n == 127) { if (s->have - at < 10) break; n = 0; for (int i = 2; i < 10; i++) n = n << 8 | f[i]; h = 10; }
        if (h + n > ROOM) { fprintf(stderr, "frame of %ld bytes\n", n); exit(1); }
        if (s->have - at < h + n) break;
        int opcode = f[0] & 15;
        if (opcode == 9) send_frame(s->fd, 10, f + h, n);
        else if (opcode == 8) fprintf(stderr, "closed with %d\n", n >= 2 ? f[h] << 8 | f[h + 1] : 1005);
        else if (opcode == 1) on_text(s, f + h, n, t);
        at += h + n;
    }
    memmove(s->buf, s->buf + at, s->have -= at);
}

static int handshake(Socket *s, int i, int port, const char *path, const char *header) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    s->fd = socket(AF_INET, SOCK_STREAM, 0); setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (s->fd < 0 || connect(s->fd, (void *)&address, sizeof address)) { perror("connect"); return 1; }
    char request[8192];
    int k = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n", path, port, header ? header : "", header ? "\r\n" : "");
    write_all(s->fd, request, k);
    unsigned char *end;
    do {
        int m = read(s->fd, s->buf + s->have, ROOM - s->have);
        if (m <= 0) { fprintf(stderr, "socket %d: no handshake\n", i); return 1; }
        s->have += m; s->buf[s->have] = 0;
    } while (!(end = memmem(s->buf, s->have, "\r\n\r\n", 4)));
    if (memcmp(s->buf, "HTTP/1.1 101", 12)) { fprintf(stderr, "socket %d: %.*s\n", i, s->have, s->buf); return 1; }
    int used = end + 4 - s->buf; memmove(s->buf, s->buf + used, s->have -= used);
    return 0;
}

/* Reads whatever has come within so many ms. True when standard input has something to say. */
static int pump(int ep, int ms) {
    struct epoll_event e[256]; int told = 0;
    for (int j = 0, m = epoll_wait(ep, e, 256, ms); j < m; j++) {
        Socket *s = e[j].data.ptr;
        if (!s) { told = 1; continue; }
        int q = recv(s->fd, s->buf + s->have, ROOM - s->have, MSG_DONTWAIT);
        if (q < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (q <= 0) {
            closed_count++; epoll_ctl(ep, EPOLL_CTL_DEL, s->fd, NULL);
            if (s->welcomes) { fprintf(stderr, "a socket was closed before its frames were answered\n"); exit(1); }
            continue;
        }
        long before = frames, t = now_ns(); s->have += q; on_bytes(s, t); if (frames > before) last = t;
    }
    return told;
}

static int next_line(void) { char c[64]; return read(0, c, sizeof c) > 0; }

int main(int argc, char **argv) {
    int ports[PORTS], port_count = 0, n = 1, limit = 60, o, hello_count = 0;
    const char *path = "/", *header = NULL, *hello[HELLOS], *list = NULL;
    while ((o = getopt(argc, argv, "p:u:n:H:s:r:e:w:t:i:l:a:")) > 0) switch (o) {
        case 'p': for (char *p = strtok(optarg, ","); p && port_count < PORTS; p = strtok(NULL, ",")) ports[port_count++] = atoi(p); break;
        case 'u': path = optarg; break; case 'n': n = atoi(optarg); break; case 'H': header = optarg; break;
        case 's': if (hello_count == HELLOS) return 2; hello[hello_count++] = optarg; break; case 'r': welcome_word = optarg; break;
        case 'e': least = atol(optarg); break; case 'w': want = atol(optarg); break; case 't': limit = atoi(optarg); break;
        case 'i': list = optarg; break; case 'l': loop_frame = optarg; break; case 'a': loop_word = optarg; break; default: return 2; }
    if (!port_count || !loop_frame != !loop_word) return 2;
    FILE *paths = list ? fopen(list, "r") : NULL; char line[4096];
    if (list && !paths) { perror(list); return 2; }
    Socket *all = calloc(n, sizeof *all); int ep = epoll_create1(0);
    latency_room = want && want < 4000000 ? want : 4000000; latency = malloc(latency_room * sizeof *latency);
    for (int i = 0; i < n; i++) {
        Socket *s = &all[i]; s->buf = malloc(ROOM + 16);
        if (paths) {
            if (!fgets(line, sizeof line, paths)) { rewind(paths); if (!fgets(line, sizeof line, paths)) return 2; }
            line[strcspn(line, "\n")] = 0; path = line;
        }
        if (handshake(s, i, ports[i % port_count], path, header)) return 1;
        for (int j = 0; j < hello_count; j++) send_frame(s->fd, 1, hello[j], strlen(hello[j]));
        if (welcome_word) unwelcomed += s->welcomes = hello_count;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = s}; epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e);
        do pump(ep, unwelcomed > AT_ONCE ? 200 : 0); while (unwelcomed > AT_ONCE);
    }
    while (unwelcomed) pump(ep, 200);
    printf("ready\n"); fflush(stdout);
    struct epoll_event in = {.events = EPOLLIN, .data.ptr = NULL}; epoll_ctl(ep, EPOLL_CTL_ADD, 0, &in);
    while (!pump(ep, -1)) ; /* what comes before the start is read and thrown away */
    if (!next_line()) return 0;
    epoll_ctl(ep, EPOLL_CTL_DEL, 0, NULL);
    started = 1;
    double cpu = cpu_seconds(); long start = last = now_ns(), left;
    for (int i = 0; loop_frame && i < n; i++) send_again(&all[i]);
    while ((left = start + limit * 1000000000L - now_ns()) > 0 && (!want || frames < want)) pump(ep, left / 1000000 + 1);
    loop_frame = NULL;
    cpu = cpu_seconds() - cpu;
    /* Whoever was measured against the clock is divided by the whole time: a server that stalls at the end gains nothing by it. */
    double seconds = ((want && frames >= want ? last : now_ns()) - start) / 1e9; qsort(latency, latencies, sizeof *latency, by_value);
    printf("{\"sockets\": %d, \"frames\": %ld, \"others\": %ld, \"seconds\": %.3f, \"per_second\": %.0f, \"cpu\": %.2f, \"closed\": %ld", n, frames, others, seconds, seconds > 0 ? frames / seconds : 0, seconds > 0 ? cpu / seconds : 0, closed_count);
    if (latencies) printf(", \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f", latency[latencies / 2] / 1e6, latency[(long)(latencies * .99)] / 1e6, latency[latencies - 1] / 1e6);
    printf("}\n"); fflush(stdout);
    /* The sockets stay, and are read, until standard input ends: whoever still sends to them meets no closed ones. */
    epoll_ctl(ep, EPOLL_CTL_ADD, 0, &in);
    while (!pump(ep, -1) || next_line()) ;
    return 0;
}

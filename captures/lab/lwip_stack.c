/*
 * A TCP stack that is not Linux's: lwIP, in user space, for one connection. lwip_stack.py starts it.
 *
 *     lwip_stack PACKETS STREAM CONTROL ADDRESS PORT PEER PEER_PORT FRAME_HEAD
 *
 * PACKETS, STREAM and CONTROL are file descriptors of the starter's: an AF_PACKET socket on the wire; the octets of the
 * connection, both ways; and orders of one octet each, answered by the same octet when they are done:
 *
 *     o  opened (told without an order, once the handshake is done; x when the connection ended instead)
 *     h  hold back what comes from STREAM until the next order
 *     c  close: FIN behind all that was written; lwIP itself answers later data by a reset
 *     a  abort: reset
 *
 * FRAME_HEAD is what goes before each IP packet, in hex: two MACs and the type. There is no ARP.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>

#define HEAD 14
#define LARGEST 2048

static int packets, stream, control;
static unsigned char frame_head[HEAD];
static ip4_addr_t own;
static struct netif wire;
static struct tcp_pcb *connection;
static int gone;

static void tell(char what) {
    if (write(control, &what, 1) != 1) exit(1);
}

/* lwIP's way out: one IP packet. */
static err_t send_packet(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to) {
    unsigned char frame[HEAD + LARGEST];
    (void)netif;
    (void)to;
    if (packet->tot_len > LARGEST) return ERR_BUF;
    memcpy(frame, frame_head, HEAD);
    pbuf_copy_partial(packet, frame + HEAD, packet->tot_len, 0);
    return write(packets, frame, HEAD + packet->tot_len) < 0 ? ERR_IF : ERR_OK;
}

static err_t set_up(struct netif *netif) {
    netif->name[0] = 'p';
    netif->name[1] = 'k';
    netif->mtu = 1500;
    netif->output = send_packet;
    netif->flags |= NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

/* And its way in: IP packets to our address that came from the wire. */
static void *receive_packets(void *unused) {
    unsigned char frame[HEAD + 65536];
    (void)unused;
    for (;;) {
        ssize_t got = read(packets, frame, sizeof frame);
        if (got < 0) return NULL;
        if (got < HEAD + 20 || frame[12] != 8 || frame[13] != 0 || memcmp(frame + HEAD + 16, &own, 4)) continue;
        struct pbuf *packet = pbuf_alloc(PBUF_RAW, got - HEAD, PBUF_RAM);
        if (packet == NULL) continue;
        pbuf_take(packet, frame + HEAD, got - HEAD);
        if (tcpip_input(packet, &wire) != ERR_OK) pbuf_free(packet);
    }
}

static err_t received(void *unused, struct tcp_pcb *pcb, struct pbuf *data, err_t failure) {
    (void)unused;
    (void)failure;
    if (data == NULL) { /* the peer's FIN */
        close(stream);
        return ERR_OK;
    }
    for (struct pbuf *part = data; part != NULL; part = part->next)
        if (write(stream, part->payload, part->len) < 0) break;
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    return ERR_OK;
}

static err_t opened(void *unused, struct tcp_pcb *pcb, err_t failure) {
    (void)unused;
    (void)pcb;
    tell(failure == ERR_OK ? 'o' : 'x');
    return ERR_OK;
}

static void failed(void *unused, err_t failure) {
    (void)unused;
    (void)failure;
    if (connection != NULL && !gone) tell('x');
    gone = 1;
    connection = NULL;
}

static void started(void *unused) {
    (void)unused;
}

static void relay(void) {
    struct pollfd ready[2] = {{.fd = stream, .events = POLLIN}, {.fd = control, .events = POLLIN}};
    char data[1024], order;
    int held = 0;
    while (poll(ready, 2, -1) > 0) {
        if (ready[0].revents) {
            ssize_t got = read(stream, data, sizeof data);
            if (got <= 0) {
                ready[0].fd = -1;
            } else {
                LOCK_TCPIP_CORE();
                while (connection != NULL && tcp_write(connection, data, got, TCP_WRITE_FLAG_COPY) == ERR_MEM) {
                    UNLOCK_TCPIP_CORE();
                    usleep(2000);
                    LOCK_TCPIP_CORE();
                }
                if (connection != NULL && !held) tcp_output(connection);
                UNLOCK_TCPIP_CORE();
            }
            continue; /* what was written before an order goes before it */
        }
        if (ready[1].revents) {
            if (read(control, &order, 1) != 1) return;
            LOCK_TCPIP_CORE();
            if (order == 'h') {
                held = 1;
            } else if (connection != NULL) {
                gone = 1;
                tcp_recv(connection, NULL);
                if (order == 'c') tcp_close(connection);
                if (order == 'a') tcp_abort(connection);
                connection = NULL;
            }
            UNLOCK_TCPIP_CORE();
            tell(order);
        }
    }
}

int main(int count, char **words) {
    ip4_addr_t mask, none;
    ip_addr_t peer = IPADDR4_INIT(0), local = IPADDR4_INIT(0);
    pthread_t receiver;
    if (count != 9 || strlen(words[8]) != 2 * HEAD) return 2;
    packets = atoi(words[1]), stream = atoi(words[2]), control = atoi(words[3]);
    ip4addr_aton(words[4], &own);
    ip4addr_aton(words[4], ip_2_ip4(&local));
    ip4addr_aton(words[6], ip_2_ip4(&peer));
    for (int octet = 0; octet < HEAD; octet++) sscanf(words[8] + 2 * octet, "%2hhx", &frame_head[octet]);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&none, 0, 0, 0, 0);
    tcpip_init(started, NULL);
    LOCK_TCPIP_CORE();
    netif_add(&wire, &own, &mask, &none, NULL, set_up, tcpip_input);
    netif_set_default(&wire);
    netif_set_up(&wire);
    UNLOCK_TCPIP_CORE();
    pthread_create(&receiver, NULL, receive_packets, NULL);
    LOCK_TCPIP_CORE();
    connection = tcp_new();
    tcp_nagle_disable(connection);
    tcp_recv(connection, received);
    tcp_err(connection, failed);
    err_t failure = tcp_bind(connection, &local, atoi(words[5]));
    if (failure == ERR_OK) failure = tcp_connect(connection, &peer, atoi(words[7]), opened);
    UNLOCK_TCPIP_CORE();
    if (failure != ERR_OK) return 1;
    relay();
    return 0;
}

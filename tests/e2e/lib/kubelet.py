#!/usr/bin/env python3
"""A stand-in for the kubelet, as far as `pods/portforward` asks one: kubelet.py PORT CERTIFICATE KEY FOLDER

The API server hands the WebSocket of a port-forward on to the kubelet of the Pod's node, byte for byte.
This is that end of it: the protocol v4.channel.k8s.io, with two channels for each port, data and error,
each of which begins with the port's number. Where a Pod's port leads is in FOLDER, in a file NAMESPACE_POD_PORT
that holds HOST:PORT; it is read anew for each port-forward, so a test can move or remove it.

Source: pkg/kubelet/cri/streaming/portforward/websocket.go of Kubernetes.
"""

import base64
import hashlib
import pathlib
import socket
import socketserver
import ssl
import struct
import sys
import threading
from urllib.parse import parse_qs, urlsplit

PROTOCOL = "v4.channel.k8s.io"
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


def exactly(stream, count):
    """Reads that many bytes; fewer are an end."""
    read = b""
    while len(read) < count:
        more = stream.read(count - len(read))
        if not more:
            raise EOFError
        read += more
    return read


def receive(stream):
    """One frame of a client: its kind, and its bytes without the mask."""
    first, second = exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack(">H", exactly(stream, 2))
    elif length == 127:
        (length,) = struct.unpack(">Q", exactly(stream, 8))
    mask = exactly(stream, 4) if second & 0x80 else bytes(4)
    data = exactly(stream, length)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def frame(kind, data):
    """One frame of a server."""
    length = len(data)
    if length < 126:
        head = struct.pack(">BB", 0x80 | kind, length)
    elif length < 65536:
        head = struct.pack(">BBH", 0x80 | kind, 126, length)
    else:
        head = struct.pack(">BBQ", 0x80 | kind, 127, length)
    return head + data


class Kubelet(socketserver.StreamRequestHandler):
    """One connection of the API server."""

    def setup(self):
        self.request.settimeout(60)
        super().setup()
        self.turn = threading.Lock()

    def handle(self):
        line = self.rfile.readline(65536).decode()
        headers = {}
        while True:
            header = self.rfile.readline(65536).decode().strip()
            if not header:
                break
            name, _, value = header.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        target = urlsplit(line.split(" ")[1])
        parts = target.path.strip("/").split("/")
        ports = [int(port) for port in parse_qs(target.query).get("port", [])]
        offered = [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
        if parts[0] != "portForward" or len(parts) < 3 or not ports or PROTOCOL not in offered:
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        accept = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(accept.encode()).digest()).decode()
        self.wfile.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode()
        )
        self.forward(parts[1], parts[2], ports)

    def send(self, kind, data):
        with self.turn:
            self.wfile.write(frame(kind, data))

    def forward(self, namespace, pod, ports):
        """Copies both ways until either end is through."""
        sockets = {}
        try:
            for index, port in enumerate(ports):
                for channel in (2 * index, 2 * index + 1):
                    self.send(BINARY, bytes([channel]) + struct.pack("<H", port))
            for index, port in enumerate(ports):
                try:
                    place = pathlib.Path(self.server.folder, f"{namespace}_{pod}_{port}").read_text()
                    host, _, number = place.strip().rpartition(":")
                    sockets[2 * index] = socket.create_connection((host, int(number)), timeout=10)
                except OSError as error:
                    said = f"error forwarding port {port} to pod {pod}, uid : failed to connect: {error}"
                    self.send(BINARY, bytes([2 * index + 1]) + said.encode())
                    continue
                copier = threading.Thread(target=self.copy, args=(2 * index, sockets[2 * index]), daemon=True)
                copier.start()
            while True:
                kind, data = receive(self.rfile)
                if kind == CLOSE:
                    self.send(CLOSE, data)
                    return
                if kind == PING:
                    self.send(PONG, data)
                elif kind == BINARY and len(data) > 1 and data[0] in sockets:
                    sockets[data[0]].sendall(data[1:])
        except (OSError, EOFError):
            pass
        finally:
            for each in sockets.values():
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                each.close()

    def copy(self, channel, source):
        """From the Pod to the API server."""
        try:
            while data := source.recv(32768):
                self.send(BINARY, bytes([channel]) + data)
            self.send(CLOSE, struct.pack(">H", 1000))
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    """A thread for each connection, as the kubelet has a goroutine."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port, certificate, key, folder):
        self.folder = folder
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        super().__init__(("127.0.0.1", port), Kubelet)

    def get_request(self):
        connection, address = super().get_request()
        # The handshake is for the thread of the connection: here it would hold up all others.
        wrapped = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address


if __name__ == "__main__":
    Server(int(sys.argv[1]), *sys.argv[2:5]).serve_forever()

#!/usr/bin/env python3
"""A stand-in for the kubelet, as far as `pods/portforward` asks one: kubelet.py PORT CERTIFICATE KEY FOLDER

The API server hands the WebSocket of a port-forward on to the kubelet of the Pod's node, byte for byte.
This is that end of it: the protocol v4.channel.k8s.io, with two channels for each port, data and error,
each of which begins with the port's number. Where a Pod's port leads is in FOLDER, in a file NAMESPACE_POD_PORT
that holds HOST:PORT; it is read anew for each port-forward, so a test can move or remove it.

Source: pkg/kubelet/cri/streaming/portforward/websocket.go of Kubernetes.

One thread does it all: a TLS connection that one thread reads while another writes breaks now and then, as
OpenSSL's connections are not made for that.
"""

import asyncio
import base64
import functools
import hashlib
import pathlib
import ssl
import struct
import sys
from urllib.parse import parse_qs, urlsplit

PROTOCOL = "v4.channel.k8s.io"
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


async def receive(stream):
    """One frame of a client: its kind, and its bytes without the mask."""
    first, second = await stream.readexactly(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack(">H", await stream.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", await stream.readexactly(8))
    mask = await stream.readexactly(4) if second & 0x80 else bytes(4)
    data = await stream.readexactly(length)
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


async def send(writer, kind, data):
    writer.write(frame(kind, data))
    await writer.drain()


async def serve(folder, reader, writer):
    """One connection of the API server."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {}
        for header in head[1:]:
            name, _, value = header.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        target = urlsplit(head[0].split(" ")[1])
        parts = target.path.strip("/").split("/")
        ports = [int(port) for port in parse_qs(target.query).get("port", [])]
        offered = [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
        if parts[0] != "portForward" or len(parts) < 3 or not ports or PROTOCOL not in offered:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        accept = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(accept.encode()).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode()
        )
        await forward(folder, parts[1], parts[2], ports, reader, writer)
    except (OSError, EOFError):
        pass
    finally:
        writer.close()


async def forward(folder, namespace, pod, ports, reader, writer):
    """Copies both ways until the client is through."""
    pods, copiers = {}, []
    try:
        for index, port in enumerate(ports):
            for channel in (2 * index, 2 * index + 1):
                await send(writer, BINARY, bytes([channel]) + struct.pack("<H", port))
        for index, port in enumerate(ports):
            try:
                place = pathlib.Path(folder, f"{namespace}_{pod}_{port}").read_text()
                host, _, number = place.strip().rpartition(":")
                source, pods[2 * index] = await asyncio.open_connection(host, int(number))
            except OSError as error:
                said = f"error forwarding port {port} to pod {pod}, uid : failed to connect: {error}"
                await send(writer, BINARY, bytes([2 * index + 1]) + said.encode())
                continue
            copiers.append(asyncio.create_task(copy(2 * index, source, writer)))
        while True:
            kind, data = await receive(reader)
            if kind == CLOSE:
                await send(writer, CLOSE, data)
                return
            if kind == PING:
                await send(writer, PONG, data)
            elif kind == BINARY and len(data) > 1 and data[0] in pods:
                pods[data[0]].write(data[1:])
                await pods[data[0]].drain()
    finally:
        for each in copiers:
            each.cancel()
        for each in pods.values():
            each.close()


async def copy(channel, source, writer):
    """From the Pod to the API server."""
    try:
        while data := await source.read(32768):
            await send(writer, BINARY, bytes([channel]) + data)
        await send(writer, CLOSE, struct.pack(">H", 1000))
    except OSError:
        pass


async def main(port, certificate, key, folder):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = await asyncio.start_server(functools.partial(serve, folder), "127.0.0.1", port, ssl=tls)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:5]))

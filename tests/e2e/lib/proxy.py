#!/usr/bin/env python3
"""An HTTP proxy for CONNECT, as companies have one between people and clusters: proxy.py PORT

Where it was asked to connect to goes to standard output, a line each.
"""

import http.server
import select
import socket
import sys


class Proxy(http.server.BaseHTTPRequestHandler):
    """One tunnel for each connection."""

    def do_CONNECT(self):
        print(self.path, flush=True)
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as there:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: there, there: self.connection}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    ends[ready].sendall(data)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy)
server.serve_forever()

#!/usr/bin/env python3
"""An API server that is short of time: throttle.py PORT SERVER CA CERTIFICATE KEY COUNT

Answers the first COUNT requests with 429 and `Retry-After: 1`, in the words of priority and fairness; hands
all others on to SERVER. What it was asked, and when, goes to standard output.
"""

import http.client
import http.server
import ssl
import sys
import time
from urllib.parse import urlsplit

PORT, SERVER, CA, CERTIFICATE, KEY, COUNT = sys.argv[1:]
context = ssl.create_default_context(cafile=CA)
context.load_cert_chain(CERTIFICATE, KEY)
left = int(COUNT)


class Throttle(http.server.BaseHTTPRequestHandler):
    """Reads only."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global left
        print(f"{time.time():.3f} {self.path}", flush=True)
        if left > 0:
            left -= 1
            self.answer(429, b"Too many requests, please try again later.\n", "text/plain", {"Retry-After": "1"})
            return
        connection = http.client.HTTPSConnection(urlsplit(SERVER).netloc, context=context)
        connection.request("GET", self.path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        self.answer(answer.status, answer.read(), answer.getheader("Content-Type"), {})

    def answer(self, status, body, media_type, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Throttle).serve_forever()

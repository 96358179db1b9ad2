#!/usr/bin/env python3
"""An API server with admission policies: admission_policies.py PORT SERVER CA CERTIFICATE KEY DENIED

Keeps ValidatingAdmissionPolicies and their bindings in memory, and answers for them as API servers from 1.30
on do, as far as a client can tell: versions, conflicts, dry runs, a selector of labels. No expression is
looked at, and nothing is refused by one. All else is handed on to SERVER, port-forwards included.

The file DENIED, where there is one, names requests that are forbidden, one a line: `PUT` of these kinds, or
`PATCH` of anything that is stored. What is written, with what a binding does, goes to standard output.
"""

import http.client
import http.server
import json
import socket
import ssl
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PORT, SERVER, CA, CERTIFICATE, KEY, DENIED = sys.argv[1:]
GROUP = "/apis/admissionregistration.k8s.io/v1"
KINDS = {
    "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
    "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
}
context = ssl.create_default_context(cafile=CA)
context.load_cert_chain(CERTIFICATE, KEY)
netloc = urlsplit(SERVER).netloc
kept = {collection: {} for collection in KINDS}
lock = threading.Lock()
version = 1


def is_denied(method):
    return Path(DENIED).exists() and method in Path(DENIED).read_text().split()


def selected(item, selector):
    labels = item["metadata"].get("labels", {})
    return all(labels.get(key) == value for key, _, value in (each.partition("=") for each in selector))


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        if "upgrade" in self.headers.get("Connection", "").lower():
            self.splice()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        collection, _, name = url.path.removeprefix(f"{GROUP}/").partition("/")
        if url.path.startswith(GROUP) and collection in KINDS:
            with lock:
                self.of_policies(collection, name, query, json.loads(body or "null"))
            return
        if self.command == "PATCH" and "dryRun" not in query:
            if is_denied("PATCH"):
                self.status(403, "PATCH is forbidden: by the test")
                return
            print(f"PATCH {url.path.rsplit('/', 1)[-1]}", flush=True)
        status, answer, media_type = self.handed_on(body)
        if url.path == GROUP and status == 200:
            known = json.loads(answer)
            known["resources"] += [
                {"name": plural, "singularName": "", "namespaced": False, "kind": kind, "verbs": ["get", "list"]}
                for plural, kind in KINDS.items()
            ]
            answer = json.dumps(known).encode()
        self.answer(status, answer, media_type)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def of_policies(self, collection, name, query, body):
        global version
        method, there = self.command, kept[collection]
        if is_denied(method):
            self.status(403, f'{collection} is forbidden: User "admin" cannot {method} it')
            return
        if method == "GET" and not name:
            selector = [each for each in query.get("labelSelector", "").split(",") if each]
            items = [item for item in there.values() if selected(item, selector)]
            self.json(200, {"kind": f"{KINDS[collection]}List", "metadata": {}, "items": items})
            return
        if method == "POST":
            name = body["metadata"]["name"]
            if name in there:
                self.status(409, f"{name} already exists")
                return
        elif name not in there:
            self.status(404, f'{collection} "{name}" not found')
            return
        elif method == "PUT" and body["metadata"].get("resourceVersion") != there[name]["metadata"]["resourceVersion"]:
            self.status(409, f"the object {name} has been modified; please apply your changes to the latest version")
            return
        if method == "DELETE":
            del there[name]
            print(f"DELETE {collection}/{name}", flush=True)
            self.json(200, {"kind": "Status", "status": "Success"})
            return
        if body.get("kind") != KINDS[collection]:
            self.status(400, f"no kind, or another one: {body.get('kind')}")
            return
        if collection == "validatingadmissionpolicies" and not body["spec"].get("validations"):
            self.status(422, "spec.validations: Required value")
            return
        if "dryRun" not in query:
            version += 1
            body["metadata"]["resourceVersion"] = str(version)
            # Items of a list do not say what they are.
            there[name] = {field: body[field] for field in ("metadata", "spec")}
            does = "".join(f" {action}" for action in body["spec"].get("validationActions", []))
            print(f"{method} {collection}/{name}{does}", flush=True)
        self.json(200, body)

    def handed_on(self, body):
        connection = http.client.HTTPSConnection(netloc, context=context)
        dropped = ("host", "connection", "accept-encoding", "content-length")
        headers = {key: value for key, value in self.headers.items() if key.lower() not in dropped}
        connection.request(self.command, self.path, body=body or None, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("Content-Type")

    def splice(self):
        """Bytes in both directions, until one side ends."""
        upstream = context.wrap_socket(
            socket.create_connection((urlsplit(SERVER).hostname, urlsplit(SERVER).port)),
            server_hostname=urlsplit(SERVER).hostname,
        )
        lines = [f"{self.command} {self.path} HTTP/1.1", *(f"{key}: {value}" for key, value in self.headers.items())]
        upstream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

        def copy(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
            except OSError:
                pass
            for each in (source, sink):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        back = threading.Thread(target=copy, args=(upstream, self.connection), daemon=True)
        back.start()
        copy(self.connection, upstream)
        back.join()
        self.close_connection = True

    def json(self, status, body):
        self.answer(status, json.dumps(body).encode(), "application/json")

    def status(self, code, message):
        self.json(code, {"kind": "Status", "status": "Failure", "message": message, "code": code})

    def answer(self, status, body, media_type):
        self.send_response(status)
        self.send_header("Content-Type", media_type or "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Server).serve_forever()

"""The servers that are put under load: the webhook, the floor, and nginx for comparison."""

import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request

SERVER_CORE = "0"


def self_made_pair(directory):
    """An ECDSA P-256 pair for `localhost`, valid for a day, which a client may trust as it is."""
    cert, key = directory / "tls.crt", directory / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )
    return cert, key


class Server:
    """A process on its own core, with what it used."""

    def __init__(self, command, **options):
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *map(str, command)], text=True, **options
        )
        self.port = None

    def cpu_seconds(self):
        """User and system time of all threads so far, in nanoseconds' resolution."""
        spent = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            spent += int((task / "schedstat").read_text().split()[0])
        return spent / 1e9

    def memory(self, field="VmRSS"):
        """In MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        self.process.kill()
        self.process.wait()


class Floor(Server):
    """The floor, or nothing but hyper where `stack` is `plain`."""

    def __init__(self, binary, pair, answer, stack="serve"):
        super().__init__([binary, stack, *pair, answer], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline().rpartition(":")[2])


class Gate(Server):
    """The webhook, ready."""

    def __init__(self, binary, pair, policy, **settings):
        cert, key = pair
        # An older one has no operator port.
        text = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True).stdout
        listen = ["--listen", "--admin-listen", "--operator-listen"]
        listen = [part for each in listen if each in text for part in (each, "127.0.0.1:0")]
        super().__init__(
            [binary, "serve", "--policy", policy, "--tls-cert", cert, "--tls-key", key, *listen,
             "--log-format", "json"],
            stderr=subprocess.PIPE,
            env={**os.environ, **{f"IMAGEGATE_{name.upper()}": str(value)
                                  for name, value in settings.items()}},
        )
        for line in self.process.stderr:
            fields = json.loads(line)
            if fields.get("message") == "ImageGate is ready!":
                self.ready_after = time.monotonic() - self.started
                self.port = int(fields["listen"].rpartition(":")[2])
                self.admin = fields["admin"]
                break
        else:
            raise RuntimeError("the webhook did not start")
        # The log is read on, as a cluster does, and forgotten: in large pieces, so that the reader
        # takes no time from the two that are measured.
        threading.Thread(target=self.forget_log, daemon=True).start()

    def forget_log(self):
        while os.read(self.process.stderr.fileno(), 1 << 16):
            pass

    def generation(self):
        with urllib.request.urlopen(f"http://{self.admin}/policy") as page:
            return json.load(page)["generation"]


class Nginx(Server):
    """`return 200` with the same answer over the same TLS, one worker."""

    def __init__(self, directory, pair, answer, port=18443):
        cert, key = pair
        text = answer.read_text().replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
        configuration = directory / "nginx.conf"
        configuration.write_text(f"""
worker_processes 1; daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 8m; client_body_buffer_size 256k;
  client_body_temp_path {directory}/nginx-body; keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{ default_type application/json; return 200 '{text}'; }}
  }}
}}
""")
        super().__init__([shutil.which("nginx"), "-c", configuration], stderr=subprocess.DEVNULL)
        self.port = port
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise RuntimeError("nginx did not start") from None
                time.sleep(0.02)


class Reloads:
    """Ten times a second another policy of 1,000 rules, swapped in as kubelet does."""

    numbers = itertools.count(1)

    def __init__(self, volume, per_second=10):
        self.volume, self.pause = volume, 1 / per_second
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(self.pause):
            mount(self.volume, next(self.numbers))

    def stop(self):
        self.over.set()
        self.thread.join()


def mount(volume, number):
    """A policy of 1,000 rules under `volume`, different for each `number`."""
    rules = ["docker.io", "gcr.io"]
    rules += [f"registry-{index}.example.com" for index in range(997)] + [f"edit-{number}.example.com"]
    data = volume / f"..{number}"
    data.mkdir(parents=True)
    text = "allowedRegistries:\n" + "".join(f'- "{rule}"\n' for rule in rules)
    (data / "policy.yaml").write_text(text)
    current = volume / "..data"
    old = current.resolve() if current.exists() else None
    (volume / "..data_tmp").symlink_to(data.name)
    (volume / "..data_tmp").rename(current)
    if not (volume / "policy.yaml").is_symlink():
        (volume / "policy.yaml").symlink_to("..data/policy.yaml")
    if old:
        shutil.rmtree(old)

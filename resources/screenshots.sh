#!/usr/bin/env bash
# Draws the pictures of README and docs: the logo from its SVG, and screenshots from real runs.
#
# Usage: screenshots.sh BINARY [PICTURE…]
#   PICTURE             logo, start, denied, edit, plugin, annotations, metrics, playground, console or policy; all by default
#   KUBEBUILDER_ASSETS  the API server of the end-to-end tests: with it, what is denied and allowed is
#                       drawn as kubectl tells it, and what it says of an edit, and the plugin; without it,
#                       the first as `imagegate check` does, and the others stay as they are
#
# The console takes five minutes; it and the policy need chromium, what console/check.sh has installed, and python3-pil.
#
# Looks best with the fonts Inter and JetBrains Mono: apt-get install bsdutils curl fonts-inter
# fonts-jetbrains-mono git iproute2 librsvg2-bin openssl pngquant procps python3
set -euo pipefail

(($# >= 1)) || { sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" >&2; exit 2; }
for tool in curl git ip openssl pngquant python3 rsvg-convert script; do
  command -v "$tool" >/dev/null || { printf 'missing: %s\n' "$tool" >&2; exit 2; }
done
binary=$(realpath -- "$1")
shift
pictures=${*:-logo start denied edit plugin annotations metrics playground console policy}
resources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A network of its own, so that the ports are free and are those of a cluster; and a host name of its
# own, which answers show as that of the replica.
if [[ -z ${SCREENSHOTS_INSIDE:-} ]]; then
  SCREENSHOTS_INSIDE=1 exec unshare --net --uts --map-root-user "$0" "$binary" "$@"
fi
ip link set lo up
echo imagegate-webhook-5d9c7b6f4d-8xkqp >/proc/sys/kernel/hostname

work=$(mktemp -d)
server=
# Itself or, on a terminal of its own, the child of `script`.
stop_server() {
  if [[ -n $server ]]; then
    pkill -TERM --parent "$server" || kill -TERM "$server" || true
    wait "$server" || true
  fi
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT

# What a reader would have: the binary in PATH, and deploy/.
mkdir "$work/bin" "$work/policy"
cp "$binary" "$work/bin/imagegate"
cp -r "$resources/../deploy" "$work/deploy"
rm -rf "$work/deploy/"{certificates,secret.yaml,webhook.yaml}
export PATH=$work/bin:$PATH
export IMAGEGATE_DRAIN_DELAY_SECONDS=0

# drawn NAME: whether this picture is wanted.
drawn() { [[ " $pictures " == *" $1 "* ]]; }

fresh_policy() {
  rm -rf "$work/policy"
  cp -r "$resources/../config/examples/simple" "$work/policy"
}

# until_true COMMAND…: for at most 20 seconds.
until_true() {
  local deadline=$((SECONDS + 20))
  until "$@"; do
    ((SECONDS < deadline)) || { printf 'waited in vain for: %s\n' "$*" >&2; exit 1; }
    read -rt 0.05 <> <(:) || true
  done
}

# logged TEXT: in the lines of the log that are not shown yet.
logged() { tail -n "+$next" "$work/log" 2>/dev/null | grep -q "$1"; }

# show_log_with TEXT: all that is new, once the text is there.
show_log_with() {
  until_true logged "$1"
  tail -n "+$next" "$work/log"
  next=$(($(wc -l <"$work/log") + 1))
}

prompt() { printf '\e[1;32m$\e[0m \e[1m%s\e[0m\n' "$*"; }

# On a terminal, where programs show their colours. A refusal is an exit code too.
on_terminal() { script --quiet --return --flush --command "$*" /dev/null </dev/null || true; }

shown() {
  prompt "$@"
  on_terminal "$@"
}

# end_to_end CASES FILE: runs a file of end-to-end cases, and prints what it has written for us, in
# colours. It ends well only if all of its cases hold.
end_to_end() {
  TMPDIR=$work E2E_KEEP=1 IMAGEGATE_BINARY=$binary "$resources/../tests/e2e/run.sh" "$1" >&2
  local line
  while IFS= read -r line; do
    case $line in
      '$ '*) prompt "${line#'$ '}" ;;
      # From a terminal, in its own colours.
      *$'\r') printf '%s\n' "$line" ;;
      'Error from server'*) printf '\e[31m%s:\e[0m%s\n' "${line%%:*}" "${line#*:}" ;;
      'Warning: '*) printf '\e[33mWarning:\e[0m %s\n' "${line#*: }" ;;
      '- '*) printf '\e[31m%s\e[0m\n' "$line" ;;
      *) printf '\e[32m%s\e[0m\n' "$line" ;;
    esac
  done <"$(find "$work" -path "*/$1/$2")"
}

# png NAME: the SVG on stdin as a PNG of twice the size, for fine displays.
png() {
  rsvg-convert --zoom 2 | pngquant --speed 1 --strip 128 - >"$resources/$1.png"
  printf '%s %d kB\n' "resources/$1.png" $(($(stat --format %s "$resources/$1.png") / 1000))
}

# terminal NAME TITLE [COLUMNS] <SESSION
terminal() {
  "$resources/terminal.py" "${@:2}" | png "$1"
}

logo() {
  rsvg-convert --height "$2" "$resources/$1.svg" | pngquant --speed 1 --strip 128 - >"$resources/$1.png"
}
if drawn logo; then
  logo logo_square 512
  logo logo_wide 384
fi
cd "$work"

# --- From certificates to a live edit ---
if drawn start; then
  fresh_policy
  {
    shown deploy/certificates.sh
    serve='imagegate serve --policy policy --tls-cert deploy/certificates/tls.crt --tls-key deploy/certificates/tls.key'
    prompt "$serve &"
    script --quiet --return --flush --command "exec $serve" "$work/log" </dev/null >/dev/null &
    server=$!
    # The first line is of `script` itself.
    next=2
    show_log_with 'ImageGate is ready!'

    prompt 'echo docker.io,gcr.io,quay.io >policy/ALLOWED_REGISTRIES'
    echo docker.io,gcr.io,quay.io >policy/ALLOWED_REGISTRIES
    show_log_with 'policy applied'

    prompt 'echo maybe >policy/DISABLE_EMPTY_TAG'
    echo maybe >policy/DISABLE_EMPTY_TAG
    show_log_with 'was not applied'
  } >"$work/session"
  stop_server
  terminal screenshot_start 'imagegate serve' <"$work/session"
fi

# --- Denied and allowed ---
fresh_policy
if drawn denied && [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  # Its cases hold only if this is the transcript of the README.
  end_to_end transcript transcript.txt | terminal screenshot_denied kubectl
elif drawn denied; then
  {
    shown imagegate check --policy policy nginx nginx:latest docker.io/nginx:latest docker.io/nginx:1.20
    shown imagegate explain --policy policy nginx:latest
  } | terminal screenshot_denied 'imagegate check'
fi

# --- An edit is told whom it hits ---
if drawn edit && [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  end_to_end observed edit.txt | terminal screenshot_edit kubectl
fi

# --- The plugin: what the gate does, what runs, an edit up to the last replica, who is refused ---
if drawn plugin && [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  end_to_end plugin_day_two session.txt | terminal screenshot_plugin 'kubectl imagegate' 156
fi

# --- What a pull request shows ---
# pull_request: a repository with a branch on which images come in, in the directory that is there.
pull_request() {
  git init --quiet --initial-branch main
  git config user.name Kim
  git config user.email kim@example.com
  mkdir deploy
  cat >policy.yaml <<'YAML'
allowedRegistries: [docker.io, gcr.io/acme]
blockedTags: [latest]
overrides: [{name: sandboxes, namespaces: ["sandbox-*"], mode: warn}]
YAML
  cat >deploy/shop.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: prod}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: web
          image: docker.io/library/nginx:1.27.2
        - name: metrics
          image: quay.io/acme/metrics:1
YAML
  git add . && git commit --quiet --message 'The shop'
  git switch --quiet --create agent
  sed -i -e 's|nginx:1.27.2|nginx:latest|' -e '/name: metrics/i\        - name: agent\n          image: gcr.io/acme-tools/agent:2.3' deploy/shop.yaml
  cat >deploy/report.yaml <<'YAML'
apiVersion: batch/v1
kind: CronJob
metadata: {name: report, namespace: sandbox-kim}
spec:
  schedule: "0 4 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          containers: [{name: report, image: ghcr.io/acme/report:9}]
YAML
  cat >deploy/canary.yaml <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: canary, namespace: prod}
spec:
  containers:
    - name: web
      image: docker.io/library/nginx:{{ .Values.tag }}
YAML
  git add . && git commit --quiet --message 'An agent, a report, a canary'
}
if drawn annotations; then
  mkdir "$work/repository"
  (
    cd "$work/repository"
    pull_request
    # What the branch adds is refused.
    imagegate check -f deploy --policy policy.yaml --changed-since main -o github >"$work/commands.txt" || true
    git diff main -- deploy >"$work/branch.diff"
  )
  "$resources/annotations.py" "$work/branch.diff" <"$work/commands.txt" | png screenshot_annotations
fi

# --- A minute of metrics ---
if drawn metrics; then
  imagegate serve --self-signed --policy policy 2>/dev/null &
  server=$!
  until_true curl --silent --fail --output /dev/null http://127.0.0.1:8080/readyz
  "$resources/scrape.py" 127.0.0.1:3000 127.0.0.1:8080 policy >samples.json
  stop_server
  "$resources/panels.py" <samples.json | png screenshot_metrics
fi

if drawn playground; then
  node "$resources/../console/test/browser/playground-picture.mjs" playground.png
  pngquant --speed 1 --strip 128 - <playground.png >"$resources/screenshot_playground.png"
fi

if drawn console; then
  node "$resources/../console/test/browser/picture.mjs" "$binary" "$(dirname "$binary")/kubectl-imagegate" console.png
  pngquant --speed 1 --strip 128 - <console.png >"$resources/screenshot_console.png"
  node "$resources/../console/test/browser/film.mjs" "$binary" "$(dirname "$binary")/kubectl-imagegate" film
  "$resources/film.py" film "$resources/console_policy.webp"
fi

if drawn policy; then
  node "$resources/../console/test/browser/picture.mjs" "$binary" "$(dirname "$binary")/kubectl-imagegate" policy.png policy
  pngquant --speed 1 --strip 128 - <policy.png >"$resources/screenshot_policy.png"
fi

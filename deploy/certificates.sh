#!/usr/bin/env bash
# Makes the webhook's CA and server certificate, and fills in secret.yaml and webhook.yaml.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: ./certificates.sh [--days N] [--namespace NAME] [--service NAME] [--new-ca]

Makes what the API server needs to trust the webhook, with nothing but openssl: a CA and a server
pair (ECDSA P-256). Writes secret.yaml and webhook.yaml beside this script, and the keys and
certificates to certificates/, all of which git ignores.

  --days N          lifetime of the server certificate (default 365)
  --namespace NAME  namespace of the Service (default imagegate)
  --service NAME    name of the Service (default imagegate-webhook)
  --new-ca          make a new CA even though there is one
  --help            show this

Run it again to rotate: the CA is kept, so `kubectl apply -f secret.yaml` is all it takes. Replicas
pick the new pair up by themselves; no request fails.

With --new-ca the caBundle trusts the old CA beside the new one, so that no request fails either:
apply webhook.yaml first, then secret.yaml. Remove certificates/ca-previous.crt and run it once more
to stop trusting the old CA. If the old CA's key was stolen, remove the file at once.

certificates/ca.key can make a server that the API server believes. Keep it where only you can read
it, or remove it, in which case the next rotation needs --new-ca.
USAGE
}

fail() {
  printf 'certificates.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# Ten years. A server certificate cannot outlive the CA, so this is its limit too.
readonly ca_days=3650

days=365
namespace=imagegate
service=imagegate-webhook
new_ca=false

while (($# > 0)); do
  case $1 in
    --days | --namespace | --service)
      (($# > 1)) || fail "$1 needs a value" 2
      case $1 in
        --days) days=$2 ;;
        --namespace) namespace=$2 ;;
        --service) service=$2 ;;
      esac
      shift 2
      ;;
    --new-ca) new_ca=true; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown option: $1" 2 ;;
  esac
done

if [[ ! $days =~ ^[1-9][0-9]{0,3}$ ]] || ((days > ca_days)); then
  fail "--days takes a number from 1 to $ca_days, not '$days'" 2
fi
label='^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
[[ $namespace =~ $label ]] || fail "--namespace is not a namespace's name: '$namespace'" 2
[[ $service =~ $label ]] || fail "--service is not a Service's name: '$service'" 2
command -v openssl >/dev/null || fail 'openssl is needed and is not in PATH'

# Keys are for their owner only, from the moment that the file exists.
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly store=certificates
mkdir -p "$store"

# Everything is made and checked in here and then moved into place, so that a run which breaks off
# leaves what was there before.
work=$(mktemp -d "$store/new.XXXXXX")
trap 'rm -rf "$work"' EXIT

# quietly COMMAND…: openssl talks while it works; show that only if it fails.
quietly() {
  "$@" 2>"$work/log" || {
    cat "$work/log" >&2
    fail "failed: $*"
  }
}

new_key() {
  quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -pkeyopt ec_param_enc:named_curve -out "$1"
}

serial() {
  printf '0x%s' "$(openssl rand -hex 16)"
}

# Configuration files, since the options that could say the same are not in every openssl. Each CA
# has a name of its own: verifiers look a certificate's issuer up by name.
cat >"$work/ca.cnf" <<CONFIG
[req]
prompt = no
distinguished_name = name
[name]
CN = imagegate-webhook-ca $(openssl rand -hex 4)
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
cat >"$work/server.cnf" <<CONFIG
[req]
prompt = no
distinguished_name = name
[name]
CN = imagegate-webhook
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = @names
[names]
DNS.1 = $service.$namespace.svc
DNS.2 = $service.$namespace.svc.cluster.local
DNS.3 = $service.$namespace
DNS.4 = $service
CONFIG

# --- The CA ---
if $new_ca || [[ ! -e $store/ca.crt && ! -e $store/ca.key ]]; then
  new_key "$work/ca.key"
  quietly openssl req -new -x509 -sha256 -config "$work/ca.cnf" -extensions ca \
    -key "$work/ca.key" -days "$ca_days" -set_serial "$(serial)" -out "$work/ca.crt"
  if [[ -e $store/ca.crt ]]; then
    # All of them: nobody knows here which one the running replicas have.
    cat "$store/ca.crt" >"$work/ca-previous.crt"
    if [[ -e $store/ca-previous.crt ]]; then
      cat "$store/ca-previous.crt" >>"$work/ca-previous.crt"
    fi
  fi
  ca_says='a new CA'
else
  [[ -e $store/ca.crt ]] || fail "$store/ca.key is there and $store/ca.crt is not; use --new-ca"
  [[ -e $store/ca.key ]] || fail "$store/ca.crt is there and $store/ca.key is not; use --new-ca"
  # A chain is no longer valid than its CA.
  openssl x509 -in "$store/ca.crt" -noout -checkend "$((days * 86400))" >/dev/null ||
    fail "the CA expires within $days days; use --new-ca, or fewer --days"
  cp "$store/ca.crt" "$store/ca.key" "$work/"
  if [[ -e $store/ca-previous.crt ]]; then
    cp "$store/ca-previous.crt" "$work/"
  fi
  ca_says='the CA that was there'
fi

# What the API server is to trust. Replicas go on showing the pair of the previous CA until they
# have the new Secret.
cp "$work/ca.crt" "$work/bundle.crt"
if [[ -e $work/ca-previous.crt ]]; then
  cat "$work/ca-previous.crt" >>"$work/bundle.crt"
  ca_says+=', beside the previous one'
fi

# --- The server's pair ---
new_key "$work/tls.key"
quietly openssl req -new -sha256 -config "$work/server.cnf" -key "$work/tls.key" \
  -out "$work/tls.csr"
quietly openssl x509 -req -sha256 -in "$work/tls.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" \
  -set_serial "$(serial)" -days "$days" -extfile "$work/server.cnf" -extensions server \
  -out "$work/tls.crt"
# The question that the API server asks.
quietly openssl verify -x509_strict -purpose sslserver -CAfile "$work/ca.crt" \
  -verify_hostname "$service.$namespace.svc" "$work/tls.crt" >/dev/null

# --- The manifests ---
base64_of() {
  openssl base64 -A -in "$1"
}

# fill TEMPLATE: the template without its head, which is about the template.
fill() {
  local text
  text=$(sed -n '/^apiVersion:/,$p' "templates/$1")
  text=${text//@namespace@/$namespace}
  text=${text//@service@/$service}
  text=${text//caBundle: \"\"/caBundle: $(base64_of "$work/bundle.crt")}
  text=${text//tls.crt: \"\"/tls.crt: $(base64_of "$work/tls.crt")}
  text=${text//tls.key: \"\"/tls.key: $(base64_of "$work/tls.key")}
  printf '# Made by certificates.sh from templates/%s. Not for git.\n%s\n' "$1" "$text"
}
fill secret.yaml >"$work/secret.yaml"
fill webhook.yaml >"$work/webhook.yaml"
# No secret in this one; others may want to apply it.
chmod 644 "$work/webhook.yaml"

mv "$work/ca.crt" "$work/ca.key" "$work/tls.crt" "$work/tls.key" "$store/"
if [[ -e $work/ca-previous.crt ]]; then
  mv "$work/ca-previous.crt" "$store/"
fi
mv "$work/secret.yaml" "$work/webhook.yaml" .

cat <<DONE
secret.yaml and webhook.yaml are written.
  CA       $ca_says, until $(openssl x509 -in "$store/ca.crt" -noout -enddate | cut -d= -f2)
  server   $service.$namespace.svc, until $(openssl x509 -in "$store/tls.crt" -noout -enddate | cut -d= -f2)
DONE

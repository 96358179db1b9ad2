# Certificate authorities and key pairs for a day, where the project's own certificates.sh is not
# what is tested.

# authority PATH: PATH.crt and PATH.key.
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -sha256 \
    -subj "/CN=e2e $(basename "$1") $RANDOM" -addext 'basicConstraints=critical,CA:TRUE' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

# pair AUTHORITY PATH SUBJECT [NAMES]: PATH.crt and PATH.key, for a server with these
# subjectAltNames, or else for a client.
pair() {
  local extensions=$2.cnf
  {
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n'
    if [[ -n ${4:-} ]]; then
      printf 'extendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$4"
    else
      printf 'extendedKeyUsage=clientAuth\n'
    fi
  } >"$extensions"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "$3" \
    -keyout "$2.key" -out "$2.csr" 2>/dev/null
  openssl x509 -req -sha256 -days 1 -in "$2.csr" -CA "$1.crt" -CAkey "$1.key" -CAcreateserial \
    -extfile "$extensions" -out "$2.crt" 2>/dev/null
}

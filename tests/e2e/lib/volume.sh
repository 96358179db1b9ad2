# A stand-in for kubelet: keeps a folder like a ConfigMap or a Secret, the way it writes volumes.

# mount_volume KIND NAMESPACE NAME FOLDER: until the end of the file; waits for the first contents.
mount_volume() {
  mkdir -p "$4"
  spawn "volume-$3" keep_volume "$@"
  eventually 20 is_mounted "$4" || say "$1 $3 does not come"
}

# is_mounted FOLDER: the first contents are there as a whole, as before a container starts.
is_mounted() {
  local key
  [[ -e $1/..data ]] || return
  for key in "$1"/..data/*; do
    [[ -e $1/$(basename "$key") ]] || return
  done
}

keep_volume() {
  local object version seen=
  # Asked for again and again: `kubectl get --watch` now and then never said a word.
  while :; do
    object=$(api "/api/v1/namespaces/$2/${1}s/$3" --max-time 5) || object={}
    version=$(jq -r 'select(.kind != "Status") | .metadata.resourceVersion // empty' <<<"$object") || version=
    if [[ -n $version && $version != "$seen" ]]; then
      write_volume "$4" "$(jq --arg kind "$1" '.kind = $kind' <<<"$object")"
      seen=$version
    fi
    sleep 0.2
  done
}

# write_volume FOLDER OBJECT: the steps of kubelet's AtomicWriter, in its order. Readers see the old
# files or the new ones, never some of each.
# Source: pkg/volume/util/atomic_writer.go of Kubernetes
write_volume() {
  local folder=$1 old new key value
  old=$(readlink "$folder/..data" || true)
  new=$(mktemp -d "$folder/..$(date +%Y_%m_%d_%H_%M_%S).XXXXXXXXXX")
  chmod 755 "$new"
  while IFS=$'\t' read -r key value; do
    base64 -d <<<"$value" >"$new/$key"
  done < <(jq -r '
    if .kind == "secret" then .data // {}
    else ((.data // {}) | map_values(@base64)) + (.binaryData // {}) end
    | to_entries[] | [.key, .value] | @tsv' <<<"$2")
  if [[ -n $old ]] && diff -r "$folder/$old" "$new" >/dev/null; then
    rm -r "$new"
    return
  fi
  ln -s "$(basename "$new")" "$folder/..data_tmp"
  mv -T "$folder/..data_tmp" "$folder/..data"
  for key in "$new"/*; do
    [[ -e $key ]] || continue
    key=$(basename "$key")
    [[ -L $folder/$key ]] || ln -s "..data/$key" "$folder/$key"
  done
  for key in "$folder"/*; do
    [[ -e $key ]] || rm -f "$key"
  done
  [[ -z $old ]] || rm -r "${folder:?}/$old"
}

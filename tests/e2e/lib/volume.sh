# A stand-in for kubelet: keeps a folder like a ConfigMap or a Secret, the way it writes volumes.

# mount_volume KIND NAMESPACE NAME FOLDER: until the end of the file; waits for the first contents.
mount_volume() {
  mkdir -p "$4"
  spawn "volume-$3" keep_volume "$@"
  eventually 20 test -e "$4/..data" || say "$1 $3 does not come"
}

keep_volume() {
  local object
  while :; do
    kubectl get "$1" --namespace "$2" --field-selector "metadata.name=$3" --watch -o json |
      jq --unbuffered -c . |
      while read -r object; do
        write_volume "$4" "$object"
      done || true
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
    if .kind == "Secret" then .data // {}
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

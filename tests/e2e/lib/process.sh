# Processes: starting them, waiting for what they do, and ending every one of them.

# spawn NAME COMMAND…: starts it in a process group of its own; its output goes to
# $scratch/NAME.log. Sets `spawned` to its id.
spawn() {
  local name=$1
  shift
  set -m
  # In a process group of its own: nothing of it outlives end_everything, and an interrupt on the
  # terminal does not reach it first.
  "$@" >>"$scratch/$name.log" 2>&1 </dev/null &
  spawned=$!
  set +m
  disown "$spawned"
  printf '%s\n' "$spawned" >>"$scratch/pids"
}

# alive ID: a process of that group runs; one that nobody has reaped does not count.
alive() {
  local state
  state=$(ps -o stat= -p "$1" 2>/dev/null) && [[ $state != Z* ]]
}

# end_group ID: asks it to go, and makes it go if it does not.
end_group() {
  kill -TERM -- "-$1" 2>/dev/null || return 0
  eventually 5 gone "$1" || kill -KILL -- "-$1" 2>/dev/null || true
}

gone() {
  ! alive "$1"
}

# end_everything FOLDER: all that was spawned with a scratch folder below it, the last one first.
end_everything() {
  local list id
  while read -r list; do
    while read -r id; do
      end_group "$id"
    done < <(tac "$list")
    rm -f "$list"
  done < <(find "$1" -name pids -type f | sort -r)
}

# eventually SECONDS COMMAND…: until it succeeds; fails when the time is over.
eventually() {
  local until=$((SECONDS + $1 + 1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || return 1
    sleep 0.1
  done
}

# free_port: below the range from which the kernel takes the ports of outgoing connections.
free_port() {
  local port
  while :; do
    port=$((10000 + (RANDOM * 32768 + RANDOM) % 20000))
    grep -qx "$port" "$work/ports" 2>/dev/null && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
    printf '%s\n' "$port" | tee -a "$work/ports"
    return
  done
}

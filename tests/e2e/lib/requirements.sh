# What the cases need, and a clear word about what is missing.

# require_everything: sets `assets` and `binary`, puts the assets before PATH; exits 2 if something
# is missing.
require_everything() {
  local tool missing=()
  if [[ -z ${KUBEBUILDER_ASSETS:-} ]]; then
    cat >&2 <<'HELP'
KUBEBUILDER_ASSETS is not set. It names the folder with etcd, kube-apiserver and kubectl, which the
end-to-end cases start. One way to get one (needs Go and a network):

  go install sigs.k8s.io/controller-runtime/tools/setup-envtest@latest
  export KUBEBUILDER_ASSETS=$(setup-envtest use --print path)

Then run `make e2e` again.
HELP
    exit 2
  fi
  assets=$KUBEBUILDER_ASSETS
  PATH=$assets:$PATH
  for tool in etcd kube-apiserver kubectl; do
    [[ -x $assets/$tool ]] || missing+=("$tool in the folder of KUBEBUILDER_ASSETS")
  done
  for tool in curl helm jq openssl prometheus promtool python3; do
    command -v "$tool" >/dev/null || missing+=("$tool in PATH")
  done
  # Absolute, since cases run it from folders of their own.
  binary=$(realpath -m "${IMAGEGATE_BINARY:-$root/target/debug/imagegate}")
  # Beside it, since both are built together.
  plugin=$(dirname "$binary")/kubectl-imagegate
  [[ -x $binary ]] || missing+=("the binary at $binary (cargo build)")
  [[ -x $plugin ]] || missing+=("the plugin at $plugin (cargo build --workspace)")
  if ((${#missing[@]} > 0)); then
    printf 'missing: %s\n' "${missing[@]}" >&2
    exit 2
  fi
  # Everything is on loopback.
  unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
  export NO_PROXY='*'
}

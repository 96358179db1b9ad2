-- Posts Pods of images that nobody has asked for, four in each; counts in rounds and threads, so that none
-- comes twice. Prints the figures of the round as JSON.
local round = assert(os.getenv("ROUND"))
local containers = 4
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  count = 0
end

local review = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",'
  .. '"kind":{"group":"","version":"v1","kind":"Pod"},"operation":"CREATE","namespace":"team-%d","name":"web",'
  .. '"userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller",'
  .. '"groups":["system:serviceaccounts","system:authenticated"]},'
  .. '"object":{"metadata":{"ownerReferences":[{"kind":"ReplicaSet","name":"web-%d","controller":true}]},'
  .. '"spec":{"containers":[%s]}}}}'

function request()
  count = count + 1
  local listed = {}
  for container = 1, containers do
    listed[container] = string.format('{"name":"c%d","image":"docker.io/acme/service-%s-%d-%d:1.%d"}',
      container, round, number, count, container)
  end
  local body = string.format(review, count % 200, count % 5000, table.concat(listed, ","))
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "failed": %d, "p50": %.3f, "p99": %.3f}\n', summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

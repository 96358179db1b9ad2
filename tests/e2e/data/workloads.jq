# A pod spec with the image $image, as every kind of pod template holds one.
def labels: {app: "e2e"};
def template: {metadata: {labels: labels}, spec: {restartPolicy: $restart, containers: [{name: "app", image: $image}]}};
def object($version; $kind; $rest): {apiVersion: $version, kind: $kind, metadata: {name: "e2e"}} + $rest;
{
  Pod: object("v1"; "Pod"; {spec: template.spec}),
  Deployment: object("apps/v1"; "Deployment"; {spec: {selector: {matchLabels: labels}, template: template}}),
  ReplicaSet: object("apps/v1"; "ReplicaSet"; {spec: {selector: {matchLabels: labels}, template: template}}),
  StatefulSet: object("apps/v1"; "StatefulSet"; {spec: {serviceName: "e2e", selector: {matchLabels: labels}, template: template}}),
  DaemonSet: object("apps/v1"; "DaemonSet"; {spec: {selector: {matchLabels: labels}, template: template}}),
  Job: object("batch/v1"; "Job"; {spec: {template: template}}),
  CronJob: object($cronjobs; "CronJob"; {spec: {schedule: "0 0 1 1 *", jobTemplate: {spec: {template: template}}}}),
  ReplicationController: object("v1"; "ReplicationController"; {spec: {selector: labels, template: template}}),
  PodTemplate: object("v1"; "PodTemplate"; {template: template})
}[$kind]
